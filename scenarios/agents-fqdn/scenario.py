"""Grizzly's agents call their host by getfqdn(), Havana's by gethostname(): the same agent comes back as another."""

from collections import defaultdict
from collections.abc import Iterator

from osupgrade.scenarios import (
    Cloud,
    Cure,
    Damage,
    Evidence,
    Finding,
    Scenario,
    Severity,
    Silent,
    Sql,
    counted,
    finding,
    service,
)

neutron_agents = service("neutron", "agents")

scenario = Scenario(
    title="Agents come back under their hosts' short names, and networks and routers stay on dead ones",
    services=("neutron", "nova"),
    hops=("havana/neutron",),
    symptom=Silent(
        "verify",
        breaks=("ports_bound", "scheduled"),
        shows=(
            r"routers? (is|are) no longer assigned to the agent that served",
            r"networks? (is|are) no longer assigned to the agent that served",
            r"networks? (is|are) assigned to an agent that did not serve",
            r"ports? (is|are) bound differently after a rename",
        ),
        damage=Damage(
            18, ("network", "24fcb410-c000-4c0d-9a99-7bb6fb6829b4", "network1.cloud.example.org", "network1")
        ),
    ),
)

CONSEQUENCE = (
    "the upgraded agents make new rows; networks and routers stay with the old ones, which never report again, and ports "
    "that are bound to such a name can no longer be bound"
)


@scenario.inject()
def name_fully(cloud: Cloud) -> None:
    """As getfqdn() names hosts that have a domain."""
    cloud.execute(
        "neutron",
        "UPDATE agents SET host = CONCAT(host, '.cloud.example.org') WHERE host NOT LIKE '%.%'",
    )


@scenario.inject("after:havana/neutron")
def start_agents(cloud: Cloud) -> None:
    """Havana's agents start and report."""
    neutron_agents.report(cloud, "havana")


@scenario.preflight("seeded", "before:havana/neutron")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Agents that will report under another name."""
    found = neutron_agents.agents(cloud)
    doubled = {agent.id for group in neutron_agents.twins(found, lambda a: a.name.lower()) for agent in group}
    names = _names_of_nova(cloud)
    new = {agent.id: _next_name(agent.host, names, cloud.site.hosts) for agent in found if agent.id not in doubled}
    renamed = [agent for agent in found if agent.id in new and new[agent.id] != agent.host]
    if renamed:
        hosts = sorted({(agent.host, new[agent.id]) for agent in renamed})
        yield finding(
            scenario,
            place="neutron.agents.host",
            message=counted(len(renamed), "{n} agent[s] on ")
            + counted(len(hosts), "{n} host[s] will report under a different name"),
            effect=CONSEQUENCE,
            evidence=Evidence.of(("agent_type", "host", "reports_as"), [(a.kind, a.host, new[a.id]) for a in renamed]),
            cure=Cure(
                "rename them before the new agents start; they keep their ids, and so what is bound to them "
                "(or set host= in every neutron.conf to the old name)",
                tuple(_rename(old, name) for old, name in hosts),
            ),
        )
    yield from _nova_itself(cloud)


def _rename(old: str, name: str) -> Sql:
    """Refuses where an agent of the same type has the name."""
    return Sql.of(
        "neutron",
        "UPDATE agents a LEFT JOIN agents b ON b.agent_type = a.agent_type AND b.host = :name AND b.id <> a.id "
        "SET a.host = :name WHERE a.host = :old AND b.id IS NULL",
        old=old,
        name=name,
    )


def _names_of_nova(cloud: Cloud) -> dict[str, set[str]]:
    """Short name -> the names by which nova knows such hosts: nova asked gethostname() at Grizzly already."""
    names: dict[str, set[str]] = defaultdict(set)
    if cloud.has("nova") and "services" in cloud.tables("nova"):
        for (host,) in cloud.rows("nova", "SELECT DISTINCT host FROM services WHERE deleted = 0 AND host IS NOT NULL"):
            names[neutron_agents.short(host).lower()].add(host)
    return names


def _next_name(host: str, names: dict[str, set[str]], convention: str) -> str:
    known = names.get(neutron_agents.short(host).lower(), set())
    if len(known) == 1:
        return next(iter(known))
    return neutron_agents.short(host) if convention == "short" and not known else host


def _nova_itself(cloud: Cloud) -> Iterator[Finding]:
    """Instances on a host that no nova-compute reports by that name."""
    if not cloud.has("nova") or not {"services", "instances"} <= cloud.tables("nova"):
        return
    evidence = cloud.evidence(
        "nova",
        "SELECT i.host, COUNT(*) AS instances FROM instances i LEFT JOIN services s "
        "ON CONVERT(s.host USING utf8) = CONVERT(i.host USING utf8) AND s.`binary` = 'nova-compute' AND s.deleted = 0 "
        "WHERE i.deleted = 0 AND i.host IS NOT NULL AND s.id IS NULL GROUP BY i.host",
    )
    if evidence.total:
        yield finding(
            scenario,
            severity=Severity.WARNING,
            service="nova",
            place="nova.instances.host",
            message=counted(
                evidence.total, "instances are on {n} host[s] for which no nova-compute reports under that name"
            ),
            effect="nova cannot manage them, and their ports are bound to names under which no agent reports",
            evidence=evidence,
        )


@scenario.probe()
def on_dead_agents(cloud: Cloud) -> Evidence:
    """Networks and routers on an agent whose host reports under another name since."""
    return neutron_agents.bound_to_replaced(cloud)

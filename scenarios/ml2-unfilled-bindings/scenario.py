"""Grizzly's plugin keeps no host of a port, so migrate_to_ml2, which copies such records, makes no binding at all."""

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
    Stage,
    counted,
    finding,
    service,
)

neutron = service("neutron")

scenario = Scenario(
    title="Ports without a recorded host get no ML2 binding, without any error",
    services=("neutron", "nova"),
    symptom=Silent(
        "after:ml2",
        breaks=("ports_bound",),
        shows=(
            r"ports? (is|are) shown without",
            r"ports? gets? no answer when the agent asks",
            r"ports? used by (a device|devices) (is|are) unbound",
        ),
        damage=Damage(67, ("297020e7-c000-4c0d-b885-70bde778a793", "", "")),
    ),
    universal=True,
)

BEFORE, AFTER = Stage.before("ml2"), Stage.after("ml2")
CONSEQUENCE = (
    "migrate_to_ml2 exits 0 and makes no ml2_port_bindings for them; the agents stop wiring these ports at their next "
    "restart, and a hard reboot leaves an instance without its network"
)
INSTANCES = "(SELECT DISTINCT CONVERT(uuid USING utf8) AS uuid, CONVERT(host USING utf8) AS host FROM {nova}.instances WHERE deleted = 0)"
"""Live instances with their hosts, in a collation that does not depend on nova's tables."""
ONE_AGENT = f"(SELECT COUNT(DISTINCT host) FROM agents WHERE agent_type = '{neutron.OVS_AGENT}') = 1"


def known_hosts(cloud: Cloud, table: str) -> Iterator[str]:
    """Queries for (port, host), the surest source first, over the ports that have no row in ``table`` yet."""
    ports = f"FROM ports p LEFT JOIN {table} b ON b.port_id = p.id "
    if cloud.has("nova"):
        yield (
            f"SELECT p.id, i.host {ports}JOIN {INSTANCES} i ON i.uuid = CONVERT(p.device_id USING utf8) "
            "WHERE p.device_owner LIKE 'compute:%' AND i.host <> '' AND b.port_id IS NULL"
        )
    else:
        # Without nova only a cloud of one host shows where its instances are.
        yield (
            f"SELECT p.id, MIN(a.host) {ports}JOIN agents a ON a.agent_type = '{neutron.OVS_AGENT}' "
            f"WHERE p.device_owner LIKE 'compute:%' AND b.port_id IS NULL AND {ONE_AGENT} GROUP BY p.id"
        )
    # An agent names its port 'dhcp' + uuid5(its host) + '-' + network.
    yield (
        f"SELECT p.id, MIN(a.host) {ports}JOIN agents a ON a.agent_type = 'DHCP agent' "
        f"AND SUBSTRING(p.device_id, 5, 36) = {neutron.uuid5_of('a.host')} "
        "WHERE p.device_owner = 'network:dhcp' AND b.port_id IS NULL GROUP BY p.id"
    )
    # Named after another form of the host's name: the one port left belongs to the one agent left.
    yield (
        f"SELECT p.id, MIN(a.host) {ports}JOIN networkdhcpagentbindings d ON d.network_id = p.network_id "
        "JOIN agents a ON a.id = d.dhcp_agent_id "
        "WHERE p.device_owner = 'network:dhcp' AND p.device_id <> 'reserved_dhcp_port' AND b.port_id IS NULL "
        f"AND NOT EXISTS (SELECT 1 FROM ports o JOIN {table} t ON t.port_id = o.id "
        "WHERE o.network_id = p.network_id AND o.device_owner = 'network:dhcp' AND t.host = a.host) "
        f"AND (SELECT COUNT(*) FROM ports q LEFT JOIN {table} r ON r.port_id = q.id WHERE q.network_id = p.network_id "
        "AND q.device_owner = 'network:dhcp' AND r.port_id IS NULL) = 1 "
        "GROUP BY p.id HAVING COUNT(DISTINCT a.host) = 1"
    )
    yield (
        f"SELECT p.id, MIN(a.host) {ports}JOIN routerl3agentbindings r ON r.router_id = p.device_id "
        "JOIN agents a ON a.id = r.l3_agent_id "
        "WHERE p.device_owner IN ('network:router_interface', 'network:router_gateway') AND b.port_id IS NULL "
        "GROUP BY p.id"
    )


def back_fill(cloud: Cloud) -> tuple[Sql, ...]:
    """The statements that give every port its row in portbindingports; '' is for an unbound port."""
    inserts = [
        f"INSERT INTO portbindingports (port_id, host) {query}" for query in known_hosts(cloud, "portbindingports")
    ]
    rest = (
        "INSERT INTO portbindingports (port_id, host) SELECT p.id, '' FROM ports p "
        "LEFT JOIN portbindingports b ON b.port_id = p.id WHERE b.port_id IS NULL"
    )
    return tuple(Sql("neutron", statement) for statement in (*inserts, rest))


def bind_afterwards(cloud: Cloud) -> tuple[Sql, ...]:
    """The statements that do the same on ML2's own table, for a cloud that was moved already."""
    details = neutron.VIF_DETAILS if cloud.site.security_groups else ""
    inserts = [
        "INSERT INTO ml2_port_bindings (port_id, host, vif_type, driver, segment, vif_details) "
        f"SELECT k.id, k.host, 'ovs', 'openvswitch', s.id, '{details}' FROM ({_named(query)}) k "
        "JOIN ports q ON q.id = k.id JOIN ml2_network_segments s ON s.network_id = q.network_id"
        for query in known_hosts(cloud, "ml2_port_bindings")
    ]
    rest = (
        "INSERT INTO ml2_port_bindings (port_id, host, vif_type) SELECT p.id, '', 'unbound' FROM ports p "
        "LEFT JOIN ml2_port_bindings b ON b.port_id = p.id WHERE b.port_id IS NULL"
    )
    return tuple(Sql("neutron", statement) for statement in (*inserts, rest))


def _named(query: str) -> str:
    return query.replace("SELECT p.id, MIN(a.host) ", "SELECT p.id, MIN(a.host) AS host ", 1)


@scenario.preflight("seeded")
def foresee(cloud: Cloud) -> Iterator[Finding]:
    """Grizzly's ports, which all lack a host."""
    if not neutron.is_at(cloud, "grizzly"):
        return
    total = cloud.value("neutron", "SELECT COUNT(*) FROM ports")
    if total:
        yield _finding(
            Severity.INFO,
            counted(total, "{n} port[s] [has|have] no recorded host: Grizzly's plugin does not store it"),
            cloud.evidence("neutron", "SELECT device_owner, COUNT(*) AS ports FROM ports GROUP BY 1"),
            Cure(
                "record the hosts before migrate_to_ml2, from nova, agents and their bindings", back_fill(cloud), BEFORE
            ),
        )
    yield from _unknowable(cloud)


@scenario.preflight("before:ml2")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Ports that the script is about to forget."""
    if "portbindingports" not in cloud.tables("neutron"):
        return
    evidence = _without_row(cloud, "portbindingports")
    if evidence.total:
        yield _finding(
            Severity.ERROR,
            counted(evidence.total, "{n} port[s] [has|have] no row in portbindingports"),
            evidence,
            Cure("record the hosts, from nova, agents and their bindings", back_fill(cloud), BEFORE),
        )


@scenario.preflight("after:ml2")
def find_afterwards(cloud: Cloud) -> Iterator[Finding]:
    """Ports that the script forgot."""
    evidence = _without_row(cloud, "ml2_port_bindings")
    if evidence.total:
        yield _finding(
            Severity.ERROR,
            counted(evidence.total, "{n} port[s] [has|have] no row in ml2_port_bindings"),
            evidence,
            Cure("bind them, from nova, agents and their bindings", bind_afterwards(cloud), AFTER),
        )


@scenario.probe()
def forgotten(cloud: Cloud) -> Evidence:
    """Ports without a binding, after a tool that exited 0."""
    return _without_row(cloud, "ml2_port_bindings")


def _without_row(cloud: Cloud, table: str) -> Evidence:
    return cloud.evidence(
        "neutron",
        "SELECT p.id AS port, p.device_owner, p.device_id FROM ports p "
        f"LEFT JOIN {table} b ON b.port_id = p.id WHERE b.port_id IS NULL ORDER BY p.device_owner, p.id",
    )


def _unknowable(cloud: Cloud) -> Iterator[Finding]:
    """Instances' ports whose host is written nowhere, or is a name that no agent uses."""
    if cloud.has("nova"):
        lost = cloud.evidence(
            "neutron",
            "SELECT p.id AS port, p.device_id AS instance, i.host FROM ports p "
            f"LEFT JOIN {INSTANCES} i ON i.uuid = CONVERT(p.device_id USING utf8) "
            f"LEFT JOIN agents a ON CONVERT(a.host USING utf8) = i.host AND a.agent_type = '{neutron.OVS_AGENT}' "
            "WHERE p.device_owner LIKE 'compute:%' AND (i.uuid IS NULL OR (i.host IS NOT NULL AND a.id IS NULL))",
        )
        message = (
            "{n} port[s] belong[s|] to no live instance, or to one on a host without a reporting Open vSwitch agent"
        )
        advice = "delete the ports of instances that no longer exist; make nova's host names match those of the agents"
    else:
        lost = cloud.evidence(
            "neutron",
            f"SELECT id AS port, device_id AS instance FROM ports WHERE device_owner LIKE 'compute:%' AND NOT {ONE_AGENT}",
        )
        message = "{n} port[s] belong[s|] to instances whose host is unknown without nova's database"
        advice = "add nova's dump; or afterwards, port by port: neutron port-update --binding:host_id HOST PORT"
    if lost.total:
        yield finding(
            scenario,
            severity=Severity.WARNING,
            place="neutron.ports",
            message=counted(lost.total, message),
            effect=f"they end up unbound or cannot be bound again; {advice}",
            evidence=lost,
        )


def _finding(severity: Severity, message: str, evidence: Evidence, cure: Cure) -> Finding:
    return finding(
        scenario,
        severity=severity,
        place="neutron.ports",
        message=message,
        effect=CONSEQUENCE,
        evidence=evidence,
        cure=cure,
    )

"""The upgraded agents have reported already: each is there twice, and what was scheduled is on the dead rows."""

from collections.abc import Iterator

from osupgrade.scenarios import Cloud, Cure, Damage, Evidence, Finding, Scenario, Silent, counted, finding, service

neutron_agents = service("neutron", "agents")

scenario = Scenario(
    title="The upgraded agents already report under short names, next to their dead rows with full names",
    services=("neutron",),
    hops=("icehouse/neutron",),
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


@scenario.inject()
def name_fully(cloud: Cloud) -> None:
    """As getfqdn() names hosts that have a domain."""
    cloud.execute(
        "neutron",
        "UPDATE agents SET host = CONCAT(host, '.cloud.example.org') WHERE host NOT LIKE '%.%'",
    )


@scenario.inject("after:icehouse/neutron")
def start_agents(cloud: Cloud) -> None:
    """Icehouse's agents start and report."""
    neutron_agents.report(cloud, "icehouse")


@scenario.preflight("seeded", "after:havana/neutron", "after:icehouse/neutron")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Agents of one type whose hosts differ in the domain alone."""
    pairs = [
        group
        for group in neutron_agents.twins(neutron_agents.agents(cloud), lambda a: a.name.lower())
        if _differ(group)
    ]
    dead = [
        group for group in pairs if all(group[0].heartbeat - a.heartbeat > neutron_agents.DOWN_AFTER for a in group[1:])
    ]
    alive = [group for group in pairs if group not in dead]
    if dead:
        yield _finding(
            dead,
            counted(len(dead), "{n} agent[s] also exist[s|] under another form of the host name"),
            "networks and routers stay assigned to rows that will never report again",
            Cure(
                "assign what the dead rows have to the rows that report, then delete the dead rows",
                tuple(statement for group in dead for statement in neutron_agents.merge(group)),
            ),
        )
    if alive:
        yield _finding(
            alive,
            counted(len(alive), "{n} agent[s] share[s|] a short host name with another agent that still reports"),
            "either two machines have the same short name, and Havana will treat their agents as one, or an agent runs twice; "
            "set host= in each neutron.conf, or stop one",
            None,
        )


def _differ(group: tuple[neutron_agents.Agent, ...]) -> bool:
    return len({agent.host.lower() for agent in group}) > 1


def _finding(groups: list[tuple[neutron_agents.Agent, ...]], message: str, effect: str, cure: Cure | None) -> Finding:
    rows: list[tuple[object, ...]] = [(a.kind, a.host, a.heartbeat, a.id) for group in groups for a in group]
    return finding(
        scenario,
        place="neutron.agents",
        message=message,
        effect=effect,
        evidence=Evidence.of(("agent_type", "host", "last_report", "id"), rows),
        cure=cure,
    )


@scenario.probe()
def on_dead_agents(cloud: Cloud) -> Evidence:
    """Networks and routers on agents that another row of the same host has replaced."""
    return neutron_agents.bound_to_replaced(cloud)

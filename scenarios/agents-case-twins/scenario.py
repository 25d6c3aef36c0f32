"""Two rows of one agent whose hosts' names are equal but for capitals: Icehouse makes type and host unique."""

from collections.abc import Iterator

from osupgrade.scenarios import Blocks, Cloud, Cure, Evidence, Finding, Scenario, counted, finding, service

neutron_agents = service("neutron", "agents")

scenario = Scenario(
    title="One agent has two rows, whose host names differ only in case",
    services=("neutron",),
    symptom=Blocks(
        "icehouse/neutron",
        error=r"1062, \"Duplicate entry '[^']*' for key 'uniq_agents0agent_type0host'",
        version="e197124d4b9",
    ),
)


@scenario.inject()
def register_again(cloud: Cloud) -> None:
    """Every DHCP agent has a second row of a later day, and its networks are on the first one."""
    cloud.execute(
        "neutron",
        "INSERT INTO agents (id, agent_type, `binary`, topic, host, admin_state_up, created_at, started_at, "
        "heartbeat_timestamp, description, configurations) SELECT CONCAT('ca5e', SUBSTR(id, 5)), agent_type, `binary`, "
        "topic, CONCAT(UPPER(SUBSTR(host, 1, 1)), SUBSTR(host, 2)), 1, created_at, started_at, "
        "heartbeat_timestamp + INTERVAL 1 DAY, NULL, configurations FROM agents WHERE agent_type = 'DHCP agent'",
    )


@scenario.preflight("seeded", "before:icehouse/neutron")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Agents of one type and one host, as the database compares names."""
    groups = neutron_agents.twins(neutron_agents.agents(cloud), lambda agent: agent.host.lower())
    if groups:
        yield finding(
            scenario,
            place="neutron.agents",
            message=counted(len(groups), "{n} agent[s] exist[s|] more than once"),
            effect="Icehouse's migration 1fcfc149aca4 makes type and host unique, and stops with 1062",
            evidence=Evidence.of(
                ("agent_type", "host", "last_report", "id"),
                [(a.kind, a.host, a.heartbeat, a.id) for g in groups for a in g],
            ),
            cure=Cure(
                "move what is assigned to the other rows to the row that reported last, then delete the others",
                tuple(statement for group in groups for statement in neutron_agents.merge(group)),
            ),
        )

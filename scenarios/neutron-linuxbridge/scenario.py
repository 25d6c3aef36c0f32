"""The linuxbridge mechanism driver is gone from Epoxy on, and no database tool notices."""

import json
from collections.abc import Iterator, Sequence

from osupgrade.scenarios import Cloud, Cure, Evidence, Finding, Scenario, Shell, Silent, Sql, apply, counted, finding

scenario = Scenario(
    title="A linuxbridge cloud passes every tool, but neutron-server does not start",
    services=("neutron",),
    symptom=Silent("after:epoxy/neutron"),
    site={"mechanism_drivers": ("linuxbridge", "openvswitch")},
)

BOUND = "SELECT port_id, host, vif_type FROM ml2_port_bindings WHERE vif_type = 'bridge'"
AGENTS = "SELECT agent_type, host, heartbeat_timestamp FROM agents WHERE agent_type = 'Linux bridge agent'"
CONSEQUENCE = (
    "every database tool and neutron-status pass; then neutron-server dies: 'The following mechanism drivers were not "
    "found: linuxbridge', and its launcher starts it again without end"
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """An agent of the old kind and a port that it bound."""
    cloud.execute(
        "neutron",
        "INSERT INTO agents (id, agent_type, `binary`, topic, host, created_at, started_at, heartbeat_timestamp, configurations) "
        "VALUES ('11b00000-0000-4000-8000-000000000001', 'Linux bridge agent', 'neutron-linuxbridge-agent', 'N/A', "
        "'bridged', '2026-01-01', '2026-01-01', '2026-03-01', '{}')",
        "UPDATE ml2_port_bindings SET vif_type = 'bridge', vif_details = '{\"port_filter\": true}' "
        "WHERE vif_type = 'ovs' ORDER BY port_id LIMIT 1",
    )


@scenario.preflight("seeded", "before:epoxy/neutron")
def find(cloud: Cloud) -> Iterator[Finding]:
    """The driver in the site's configuration, its agents, and ports that it bound."""
    if not cloud.has("neutron") or "ml2_port_bindings" not in cloud.tables("neutron"):
        return
    agents = cloud.evidence("neutron", AGENTS)
    ports = cloud.evidence("neutron", BOUND)
    configured = "linuxbridge" in cloud.site.mechanism_drivers
    if not (configured or agents.total or ports.total):
        return
    yield finding(
        scenario,
        place="mechanism_drivers" if configured else "neutron.ml2_port_bindings",
        message=f"linuxbridge is {'' if configured else 'not '}configured; "
        f"{counted(agents.total, '{n} agent[s]')}, {counted(ports.total, '{n} port[s] bound by it')}",
        effect=CONSEQUENCE,
        evidence=ports if ports.total else agents,
        cure=Cure(
            "move to Open vSwitch on 2024.1: its agent on every host, the driver out of the configuration, the ports "
            "bound again; instances get their new interface with a hard reboot",
            (
                Shell("remove linuxbridge from mechanism_drivers in ml2_conf.ini and site.toml"),
                Sql("neutron", "UPDATE ml2_port_bindings SET vif_type = 'ovs' WHERE vif_type = 'bridge'"),
                Sql(
                    "neutron", "UPDATE ml2_port_binding_levels SET driver = 'openvswitch' WHERE driver = 'linuxbridge'"
                ),
                Sql("neutron", "DELETE FROM agents WHERE agent_type = 'Linux bridge agent'"),
            ),
        ),
    )


@scenario.cure("seeded")
def to_openvswitch(cloud: Cloud, findings: Sequence[Finding]) -> Cloud:
    """The statements unchanged, and the site without the driver."""
    apply(cloud, findings)
    kept = tuple(name for name in cloud.site.mechanism_drivers if name != "linuxbridge")
    return cloud.with_site(mechanism_drivers=kept or ("openvswitch",))


@scenario.probe()
def not_found(cloud: Cloud) -> Evidence:
    """The configured drivers that this release does not have, looked up as neutron-server does."""
    code = (
        "import json\nfrom importlib.metadata import entry_points\n"
        f"wanted = {list(cloud.site.mechanism_drivers)!r}\n"
        "known = entry_points(group='neutron.ml2.mechanism_drivers').names\n"
        "print(json.dumps([name for name in wanted if name not in known]))"
    )
    run = cloud.python("epoxy", "neutron", code)
    return Evidence.of(("mechanism_driver",), [(name,) for name in json.loads(run.output.splitlines()[-1])])

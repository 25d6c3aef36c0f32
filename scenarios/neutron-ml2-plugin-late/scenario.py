"""db-manage goes to Havana with the Open vSwitch plugin, and to Icehouse with core_plugin = ML2."""

from collections.abc import Iterator, Sequence

from osupgrade.scenarios import Blocks, Cloud, Cure, Finding, Scenario, Shell, ToolRun, finding, service

neutron = service("neutron")

scenario = Scenario(
    title="ML2 becomes the core plugin between Havana and Icehouse",
    services=("neutron",),
    symptom=Blocks(
        "icehouse/neutron", error=r"1146, \"Table '[^']*ml2_port_bindings' doesn't exist\"", version="4ca36cfc898c"
    ),
    site={"core_plugin": "neutron.plugins.ml2.plugin.Ml2Plugin"},
)


@scenario.instead("havana/neutron", lane="naive")
@scenario.instead("havana/neutron", lane="cured")
def with_the_old_plugin(cloud: Cloud) -> Sequence[ToolRun]:
    """The first hop was done right."""
    return (cloud.with_site(core_plugin="").tool("havana", "neutron", "upgrade head"),)


@scenario.preflight("before:icehouse/neutron")
def find(cloud: Cloud) -> Iterator[Finding]:
    """A site that names ML2, and a Havana database that is not yet ML2's."""
    tables = cloud.tables("neutron")
    if not cloud.site.core_plugin.endswith("Ml2Plugin") or "ml2_port_bindings" in tables:
        return
    if "ovs_network_bindings" not in tables:
        return
    yield finding(
        scenario,
        place="neutron.conf core_plugin",
        message=f"core_plugin is {cloud.site.core_plugin}, and the database has no table of ML2",
        effect="Icehouse's db-manage alters ML2's tables, which nobody has made, and stops halfway",
        evidence=cloud.evidence("neutron", "SELECT version_num FROM alembic_version"),
        cure=Cure(
            "keep the old plugin until neutron is at icehouse and migrate_to_ml2 has run",
            (Shell(f"core_plugin = {neutron.OVS_PLUGIN}   # in the neutron.conf that db-manage reads"),),
        ),
    )


@scenario.cure("before:icehouse/neutron")
def name_the_old_plugin(cloud: Cloud, _findings: Sequence[Finding]) -> Cloud:
    """The site as it should have been."""
    return cloud.with_site(core_plugin="")

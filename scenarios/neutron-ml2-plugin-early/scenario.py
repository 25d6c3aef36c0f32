"""db-manage runs with core_plugin = ML2 on a Grizzly database of the Open vSwitch plugin."""

from collections.abc import Iterator, Sequence

from osupgrade.scenarios import Blocks, Cloud, Cure, Finding, Scenario, Shell, finding, service

neutron = service("neutron")

scenario = Scenario(
    title="ML2 is the core plugin already while db-manage leaves Grizzly",
    services=("neutron",),
    symptom=Blocks("ml2", error=r"1146, \"Table '[^']*portbindingports' doesn't exist\"", version="icehouse"),
    site={"core_plugin": "neutron.plugins.ml2.plugin.Ml2Plugin"},
)


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """A site that names ML2, and a database that is not yet ML2's."""
    if not cloud.site.core_plugin.endswith("Ml2Plugin") or not neutron.is_at(cloud, "grizzly"):
        return
    yield finding(
        scenario,
        place="neutron.conf core_plugin",
        message=f"core_plugin is {cloud.site.core_plugin}, and the database is that of Grizzly's Open vSwitch plugin",
        effect="db-manage chooses migrations by core_plugin and counts those that it passes over as done: Havana's and "
        "Icehouse's hops exit 0, and migrate_to_ml2 then misses portbindingports; straight to Icehouse it stops with 1050",
        evidence=cloud.evidence(
            "neutron", "SELECT network_type AS type, COUNT(*) AS networks FROM ovs_network_bindings GROUP BY 1"
        ),
        cure=Cure(
            "keep the old plugin until neutron is at icehouse and migrate_to_ml2 has run",
            (Shell(f"core_plugin = {neutron.OVS_PLUGIN}   # in the neutron.conf that db-manage reads"),),
        ),
    )


@scenario.cure()
def name_the_old_plugin(cloud: Cloud, _findings: Sequence[Finding]) -> Cloud:
    """The site as it should have been."""
    return cloud.with_site(core_plugin="")

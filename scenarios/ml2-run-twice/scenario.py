"""migrate_to_ml2 cannot be run again: what the first run filled is filled again."""

from collections.abc import Iterator

from osupgrade.scenarios import Blocks, Cloud, Cure, Finding, LabFault, Scenario, Sql, Stage, counted, finding

scenario = Scenario(
    title="A second run of migrate_to_ml2 doubles the segments and stops",
    services=("neutron",),
    symptom=Blocks("ml2", error=r"1062.*Duplicate entry.*INSERT INTO ml2_(gre|vlan)_allocations", version="icehouse"),
)

FILLED = (
    "ml2_flat_allocations",
    "ml2_gre_allocations",
    "ml2_gre_endpoints",
    "ml2_vlan_allocations",
    "ml2_vxlan_allocations",
    "ml2_vxlan_endpoints",
)
EMPTY = Cure(
    "empty what the first run filled, so that the script starts over",
    (
        Sql(
            "neutron",
            "DELETE m FROM ml2_port_bindings m JOIN ports p ON p.id = m.port_id "
            "JOIN ovs_network_bindings b ON b.network_id = p.network_id",
        ),
        Sql(
            "neutron", "DELETE s FROM ml2_network_segments s JOIN ovs_network_bindings b ON b.network_id = s.network_id"
        ),
        *(Sql("neutron", f"DELETE FROM {t} WHERE EXISTS (SELECT 1 FROM ovs_network_bindings)") for t in FILLED),
    ),
    Stage.before("ml2"),
)


@scenario.inject("before:ml2")
def run_once(cloud: Cloud) -> None:
    """An earlier run, with --save-tables, as a careful operator tries it."""
    run = cloud.with_site(keep_plugin_tables=True).finish("ml2")
    if not run.ok:
        raise LabFault("the first run of migrate_to_ml2 failed", evidence=run.output[-2000:])


@scenario.preflight("before:ml2")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Segments that are there before the script ran."""
    tables = cloud.tables("neutron")
    if not {"ml2_network_segments", "ml2_port_bindings"} <= tables:
        return
    segments = cloud.evidence(
        "neutron", "SELECT network_id AS network, COUNT(*) AS segments FROM ml2_network_segments GROUP BY 1"
    )
    if not segments.total:
        return
    in_use = 0
    if "ovs_network_bindings" in tables:
        in_use = cloud.value(
            "neutron",
            "SELECT COUNT(*) FROM ml2_network_segments s LEFT JOIN ovs_network_bindings b "
            "ON b.network_id = s.network_id WHERE b.network_id IS NULL",
        )
    moved = in_use or "ovs_network_bindings" not in tables
    yield finding(
        scenario,
        place="neutron.ml2_network_segments",
        message=counted(segments.total, "migrate_to_ml2 has already run: {n} network[s] [has|have] ML2 segments")
        + (
            counted(in_use, "; {n} of them [was|were] created by ML2 itself since then: do not run the script again")
            if moved
            else ""
        ),
        effect="the script gives every network a second segment and then stops with 1062; each of its steps is "
        "committed, so nothing is rolled back",
        evidence=segments,
        cure=None if moved else EMPTY,
    )

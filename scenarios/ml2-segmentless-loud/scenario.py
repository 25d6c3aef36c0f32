"""A network without a segment, whose port is not the first: migrate_to_ml2 stops halfway."""

from collections.abc import Iterator

from osupgrade.scenarios import Blocks, Cloud, Finding, Scenario, service, statement

neutron = service("neutron")

scenario = Scenario(
    title="One network without a segment stops migrate_to_ml2 halfway",
    services=("neutron",),
    symptom=Blocks(
        "ml2", error=r"StatementError.*A value is required for bind parameter 'segment'", version="icehouse"
    ),
)


@scenario.inject()
def lose_segment(cloud: Cloud) -> None:
    """A network's row in ovs_network_bindings is gone."""
    network = neutron.segmented_network(cloud)
    cloud.execute("neutron", statement("DELETE FROM ovs_network_bindings WHERE network_id = :network", network=network))


@scenario.preflight("seeded", "before:ml2")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Networks without a segment that have ports, none of them the first of all."""
    if "ovs_network_bindings" not in cloud.tables("neutron") or neutron.first_port_is_segmentless(cloud):
        return
    if any(row[2] for row in cloud.rows("neutron", neutron.SEGMENTLESS)):
        yield neutron.segmentless(
            scenario,
            cloud,
            "migrate_to_ml2 stops at its ports with ML2's tables half filled; a second run doubles the segments",
        )

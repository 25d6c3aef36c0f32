"""A network without a segment, whose port is not the first: migrate_to_ml2 stops half-way."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.openstack.neutron.sql import SEGMENTLESS, first_port_is_segmentless, segmented_network, segmentless
from osupgrade.scenarios.contract import Blocks, Scenario

scenario = Scenario(
    title="One network without a segment stops migrate_to_ml2 half-way",
    services=("neutron",),
    symptom=Blocks(
        "ml2", error=r"StatementError.*A value is required for bind parameter 'segment'", version="icehouse"
    ),
)


@scenario.inject()
def lose_segment(cloud: Cloud) -> None:
    """A network's row in ovs_network_bindings is gone."""
    cloud.execute("neutron", f"DELETE FROM ovs_network_bindings WHERE network_id = '{segmented_network(cloud)}'")


@scenario.preflight("seeded", "before:ml2")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Networks without a segment that have ports, none of them the first of all."""
    if "ovs_network_bindings" not in cloud.tables("neutron") or first_port_is_segmentless(cloud):
        return
    if any(row[2] for row in cloud.rows("neutron", SEGMENTLESS)):
        yield segmentless(
            cloud,
            scenario.name,
            "migrate_to_ml2 stops at its ports with ML2's tables half filled; a second run doubles the segments",
        )

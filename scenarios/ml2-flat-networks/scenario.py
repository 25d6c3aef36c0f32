"""A flat network is booked as VLAN -1 by Grizzly's plugin; migrate_to_ml2 copies that and books no flat network."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Cure, Evidence, Finding, Severity, Sql
from osupgrade.model.stage import Stage
from osupgrade.scenarios.contract import Scenario, Silent

scenario = Scenario(
    title="Flat networks come out of the move unbooked, with a false VLAN -1 in their place",
    services=("neutron",),
    symptom=Silent("after:ml2", breaks=("allocations",), shows=(r"segments in use are given out again",)),
    universal=True,
)

CONSEQUENCE = (
    "migrate_to_ml2 never fills ml2_flat_allocations, so ML2 lets a second network onto the same physical network; the "
    "plugin's VLAN -1 is copied into ml2_vlan_allocations as if it were one, and the API shows it, which Grizzly's did not"
)
CURE = Cure(
    "book the flat networks and take the false VLANs out",
    (
        Sql(
            "neutron",
            "INSERT IGNORE INTO ml2_flat_allocations (physical_network) SELECT DISTINCT physical_network "
            "FROM ml2_network_segments WHERE network_type = 'flat' AND physical_network IS NOT NULL",
        ),
        Sql("neutron", "DELETE FROM ml2_vlan_allocations WHERE vlan_id < 1"),
        # As ML2 itself holds it, and as the same script writes it for a Linux bridge cloud (interpret_vlan_id).
        Sql("neutron", "UPDATE ml2_network_segments SET segmentation_id = NULL WHERE network_type = 'flat'"),
    ),
    Stage.after("ml2"),
)


@scenario.inject()
def add_flat(cloud: Cloud) -> None:
    """A flat network as Grizzly's plugin stores it, where the cloud has none."""
    if cloud.value("neutron", "SELECT COUNT(*) FROM ovs_network_bindings WHERE network_type = 'flat'"):
        return
    network = "f1a7f1a7-0000-4000-8000-00000000000a"
    cloud.execute(
        "neutron",
        "INSERT INTO networks (tenant_id, id, name, status, admin_state_up, shared) "
        f"VALUES ('', '{network}', 'flat', 'ACTIVE', 1, 1)",
        f"INSERT INTO ovs_network_bindings VALUES ('{network}', 'flat', 'physnet9', -1)",
        "INSERT INTO ovs_vlan_allocations VALUES ('physnet9', -1, 1)",
    )


@scenario.preflight("seeded")
def foresee(cloud: Cloud) -> Iterator[Finding]:
    """Flat networks in the plugin's own tables."""
    if "ovs_network_bindings" not in cloud.tables("neutron") or "ml2_network_segments" in cloud.tables("neutron"):
        return
    evidence = cloud.evidence(
        "neutron",
        "network physical_network",
        "SELECT network_id, physical_network FROM ovs_network_bindings WHERE network_type = 'flat'",
    )
    if evidence.total:
        yield _finding(Severity.INFO, f"{evidence.total} networks are flat", evidence)


@scenario.preflight("after:ml2")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Flat networks that are not booked, and VLANs that are none."""
    evidence = wrong(cloud)
    if evidence.total:
        yield _finding(Severity.ERROR, f"{evidence.total} bookings of flat networks are missing or false", evidence)


@scenario.probe()
def wrong(cloud: Cloud) -> Evidence:
    """Flat networks that are not booked, and VLANs that are none."""
    return cloud.evidence(
        "neutron",
        "fault physical_network vlan",
        "SELECT 'not booked', s.physical_network, NULL FROM ml2_network_segments s "
        "LEFT JOIN ml2_flat_allocations f ON f.physical_network = s.physical_network "
        "WHERE s.network_type = 'flat' AND f.physical_network IS NULL "
        "UNION ALL SELECT 'no VLAN', physical_network, vlan_id FROM ml2_vlan_allocations WHERE vlan_id < 1 "
        "UNION ALL SELECT 'shown with an id', physical_network, segmentation_id FROM ml2_network_segments "
        "WHERE network_type = 'flat' AND segmentation_id IS NOT NULL",
    )


def _finding(severity: Severity, message: str, evidence: Evidence) -> Finding:
    return Finding(
        source=scenario.name,
        severity=severity,
        service="neutron",
        place="neutron.ml2_flat_allocations",
        message=message,
        consequence=CONSEQUENCE,
        evidence=evidence,
        cure=CURE,
    )

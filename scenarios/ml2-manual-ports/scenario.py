"""migrate_to_ml2 draws every port as bound, those without a host too; ML2 itself holds them in another form."""

from collections.abc import Iterator

from osupgrade.cloud import Cloud
from osupgrade.model import Cure, Evidence, Finding, Severity, Sql, Stage
from osupgrade.neutron import is_grizzly
from osupgrade.scenario import Scenario, Silent

scenario = Scenario(
    title="Ports that are bound nowhere come out of the move drawn as bound",
    services=("neutron",),
    symptom=Silent("after:ml2", breaks=("ports_bound",)),
    universal=True,
)

CONSEQUENCE = (
    "migrate_to_ml2 writes vif_type 'ovs', driver 'openvswitch' and a segment beside the empty host; the server then "
    "answers agents as if the port were bound"
)
CURE = Cure(
    "give them the form in which ML2 itself holds an unbound port",
    (
        Sql(
            "neutron",
            "UPDATE ml2_port_bindings SET vif_type = 'unbound', driver = NULL, segment = NULL, vif_details = '', "
            "vnic_type = 'normal', profile = '' WHERE host = '' AND vif_type <> 'unbound'",
        ),
    ),
    Stage.after("ml2"),
)
UNATTACHED = (
    "FROM ports WHERE device_owner NOT LIKE 'compute:%' AND device_owner NOT IN "
    "('network:dhcp', 'network:router_interface', 'network:router_gateway')"
)


@scenario.inject()
def make_by_hand(cloud: Cloud) -> None:
    """What `quantum port-create NETWORK` leaves: a port with an address and without a device."""
    network = cloud.value("neutron", "SELECT MIN(network_id) FROM ovs_network_bindings")
    if network is None:
        return
    cloud.execute(
        "neutron",
        "INSERT INTO ports (tenant_id, id, name, network_id, mac_address, admin_state_up, status, device_id, "
        "device_owner) SELECT tenant_id, '0a4d0a4d-0000-4000-8000-00000000000a', 'made by hand', id, "
        f"'fa:16:3e:0a:4d:0a', 1, 'DOWN', '', '' FROM networks WHERE id = '{network}'",
    )


@scenario.preflight("seeded")
def foresee(cloud: Cloud) -> Iterator[Finding]:
    """Ports that no device and no agent holds."""
    if not is_grizzly(cloud):
        return
    evidence = cloud.evidence("neutron", "port name device_owner", f"SELECT id, name, device_owner {UNATTACHED}")
    if evidence.total:
        yield _finding(
            Severity.INFO, f"{evidence.total} ports belong to no host (made by hand, floating IPs)", evidence
        )


@scenario.preflight("after:ml2")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Rows without a host that say they are bound."""
    evidence = misdrawn(cloud)
    if evidence.total:
        yield _finding(Severity.ERROR, f"{evidence.total} ports without a host are drawn as bound", evidence)


@scenario.probe()
def misdrawn(cloud: Cloud) -> Evidence:
    """Rows without a host that say they are bound."""
    return cloud.evidence(
        "neutron",
        "port host vif_type driver segment",
        "SELECT port_id, host, vif_type, driver, segment FROM ml2_port_bindings "
        "WHERE host = '' AND vif_type <> 'unbound' ORDER BY port_id",
    )


def _finding(severity: Severity, message: str, evidence: Evidence) -> Finding:
    return Finding(
        source=scenario.name,
        severity=severity,
        service="neutron",
        place="neutron.ml2_port_bindings",
        message=message,
        consequence=CONSEQUENCE,
        evidence=evidence,
        cure=CURE,
    )

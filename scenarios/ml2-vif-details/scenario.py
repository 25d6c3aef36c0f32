"""migrate_to_ml2 leaves vif_details empty, so nova no longer knows that a port is filtered."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Cure, Evidence, Finding, Severity, Sql
from osupgrade.model.stage import Stage
from osupgrade.openstack.neutron.sql import VIF_DETAILS, stands_at
from osupgrade.scenarios.contract import Scenario, Silent

scenario = Scenario(
    title="Security groups stop at an instance's next hard reboot, because vif_details is empty",
    services=("neutron",),
    symptom=Silent(
        "after:ml2",
        breaks=("ports_bound",),
        shows=(r"bound ports do not say that they are filtered", r"an update of its name changes how a port is bound"),
    ),
    universal=True,
)

CONSEQUENCE = (
    "Icehouse's nova plugs such a port straight into br-int at the next hard reboot (libvirt/vif.py), past the bridge "
    "that holds the security groups' rules: the instance runs unfiltered"
)
CURE = Cure(
    "write what ML2's Open vSwitch driver writes while security groups are on",
    (
        Sql(
            "neutron",
            f"UPDATE ml2_port_bindings SET vif_details = '{VIF_DETAILS}' "
            "WHERE vif_type = 'ovs' AND host <> '' AND vif_details = ''",
        ),
    ),
    Stage.after("ml2"),
)


@scenario.preflight("seeded")
def foresee(cloud: Cloud) -> Iterator[Finding]:
    """A cloud with security groups on its ports."""
    if not (cloud.site.security_groups and stands_at(cloud, "grizzly")):
        return
    if "securitygroupportbindings" not in cloud.tables("neutron"):
        return
    evidence = cloud.evidence(
        "neutron", "port security_groups", "SELECT port_id, COUNT(*) FROM securitygroupportbindings GROUP BY port_id"
    )
    if evidence.total:
        yield _finding(Severity.INFO, f"{evidence.total} ports are in security groups", evidence)


@scenario.preflight("after:ml2")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Bound ports without details."""
    evidence = bare(cloud)
    if cloud.site.security_groups and evidence.total:
        yield _finding(Severity.ERROR, f"{evidence.total} bound ports have empty vif_details", evidence)


@scenario.probe()
def bare(cloud: Cloud) -> Evidence:
    """Bound ports without details."""
    return cloud.evidence(
        "neutron",
        "port host vif_type vif_details",
        "SELECT port_id, host, vif_type, vif_details FROM ml2_port_bindings "
        "WHERE vif_type = 'ovs' AND host <> '' AND vif_details = '' ORDER BY port_id",
    )


def _finding(severity: Severity, message: str, evidence: Evidence) -> Finding:
    return Finding(
        source=scenario.name,
        severity=severity,
        service="neutron",
        place="neutron.ml2_port_bindings.vif_details",
        message=message,
        consequence=CONSEQUENCE,
        evidence=evidence,
        cure=CURE,
    )

"""Hypervisors: every live compute node keeps the live service that it belongs to."""

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

_KINDS = {
    "compute nodes": (
        1,
        "SELECT c.id, c.hypervisor_hostname, s.host FROM compute_nodes c "
        "LEFT JOIN services s ON s.id = c.service_id AND s.deleted = 0 WHERE c.deleted = 0",
    )
}


def _read(cloud: Cloud) -> Facts:
    return facts_of(cloud, "nova", _KINDS)


check = same(
    "hypervisors",
    "Every live compute node keeps the live service that it belongs to",
    ("nova",),
    _read,
    "nova does not schedule to the host, and makes a second hypervisor of it when its nova-compute starts",
)

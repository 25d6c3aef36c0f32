"""VMs untouched: every live instance keeps its host, flavor, state, disks, key and security groups."""

from __future__ import annotations

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud import Cloud

_KINDS = {
    "instances": (
        1,
        "SELECT uuid, host, node, vm_state, power_state, task_state, instance_type_id, memory_mb, vcpus, root_gb, "
        "ephemeral_gb, user_id, project_id, image_ref, key_name, hostname, display_name, root_device_name, "
        "availability_zone, launched_at FROM instances WHERE deleted = 0",
    ),
    "volumes of instances": (
        3,
        "SELECT instance_uuid, device_name, volume_id, delete_on_termination FROM block_device_mapping "
        "WHERE deleted = 0 AND volume_id IS NOT NULL",
    ),
    "security groups of instances": (
        2,
        "SELECT a.instance_uuid, g.name, g.project_id, g.deleted = 0 FROM security_group_instance_association a "
        "JOIN security_groups g ON g.id = a.security_group_id WHERE a.deleted = 0",
    ),
    "cached network information": (
        1,
        "SELECT instance_uuid, network_info FROM instance_info_caches WHERE deleted = 0",
    ),
    "key pairs": (3, "SELECT user_id, name, fingerprint FROM key_pairs WHERE deleted = 0"),
    "flavors": (
        1,
        "SELECT flavorid, name, memory_mb, vcpus, root_gb, ephemeral_gb, swap, is_public FROM instance_types "
        "WHERE deleted = 0",
    ),
    "floating addresses of nova-network": (
        1,
        "SELECT address, fixed_ip_id, project_id, host FROM floating_ips WHERE deleted = 0",
    ),
    "fixed addresses of nova-network": (
        2,
        "SELECT id, address, instance_uuid, allocated FROM fixed_ips WHERE deleted = 0",
    ),
}


def _read(cloud: Cloud) -> Facts:
    return facts_of(cloud, "nova", _KINDS)


check = same(
    "instances",
    "Every live instance keeps its host, flavor, state, disks, key and security groups",
    ("nova",),
    _read,
    "the instance runs on, and nova no longer knows the truth about it",
)

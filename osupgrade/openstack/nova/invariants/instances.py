"""VMs untouched: every live instance keeps its host, flavor, state, disks, key and security groups."""

from __future__ import annotations

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

# No foreign key holds what these refer to in one collation; a list is searched fast whatever the two are.
_OF_LIVE = "CONVERT({}.instance_uuid USING utf8) IN (SELECT CONVERT(uuid USING utf8) FROM instances WHERE deleted = 0)"
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
    "metadata of instances": (
        2,
        "SELECT m.instance_uuid, m.`key`, m.value FROM instance_metadata m "
        "JOIN instances i ON i.uuid = m.instance_uuid AND i.deleted = 0 WHERE m.deleted = 0",
    ),
    # Some ten rows an instance: a checksum, so that 30 000 instances are compared in the server.
    "system metadata of instances": (
        1,
        "SELECT m.instance_uuid, COUNT(*), CAST(SUM(CRC32(CONCAT(m.`key`, '=', COALESCE(m.value, '')))) AS SIGNED) "
        "FROM instance_system_metadata m JOIN instances i ON i.uuid = m.instance_uuid AND i.deleted = 0 "
        "WHERE m.deleted = 0 GROUP BY m.instance_uuid",
    ),
    "actions of instances": (
        1,
        "SELECT a.id, a.instance_uuid, a.action, a.request_id FROM instance_actions a "
        f"WHERE a.deleted = 0 AND {_OF_LIVE.format('a')}",
    ),
    "events of actions": (
        1,
        "SELECT e.id, e.action_id, e.event, e.result FROM instance_actions_events e "
        f"JOIN instance_actions a ON a.id = e.action_id AND {_OF_LIVE.format('a')} WHERE e.deleted = 0",
    ),
    "faults of instances": (
        1,
        "SELECT f.id, f.instance_uuid, f.code, f.message FROM instance_faults f "
        f"WHERE f.deleted = 0 AND {_OF_LIVE.format('f')}",
    ),
    "cached network information": (
        1,
        "SELECT instance_uuid, network_info FROM instance_info_caches WHERE deleted = 0",
    ),
    "key pairs": (2, "SELECT user_id, name, fingerprint, public_key FROM key_pairs WHERE deleted = 0"),
    "flavors": (
        1,
        "SELECT flavorid, name, memory_mb, vcpus, root_gb, ephemeral_gb, swap, is_public FROM instance_types "
        "WHERE deleted = 0",
    ),
    "specifications of flavors": (
        2,
        "SELECT t.flavorid, s.`key`, s.value FROM instance_type_extra_specs s "
        "JOIN instance_types t ON t.id = s.instance_type_id AND t.deleted = 0 WHERE s.deleted = 0",
    ),
    "access to flavors": (
        2,
        "SELECT t.flavorid, p.project_id FROM instance_type_projects p "
        "JOIN instance_types t ON t.id = p.instance_type_id AND t.deleted = 0 WHERE p.deleted = 0",
    ),
    "aggregates": (1, "SELECT id, name FROM aggregates WHERE deleted = 0"),
    "hosts of aggregates": (2, "SELECT aggregate_id, host FROM aggregate_hosts WHERE deleted = 0"),
    "metadata of aggregates": (2, "SELECT aggregate_id, `key`, value FROM aggregate_metadata WHERE deleted = 0"),
    "security group rules": (
        1,
        "SELECT id, parent_group_id, protocol, from_port, to_port, cidr, group_id FROM security_group_rules "
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

# 186_new_bdm_format.py (Havana) tells by columns of their own what virtual_name said.
_BLANK_BEFORE = (
    "SELECT instance_uuid, device_name, virtual_name = 'swap' FROM block_device_mapping "
    "WHERE deleted = 0 AND (virtual_name = 'swap' OR virtual_name LIKE 'ephemeral%')"
)
_BLANK_AFTER = (
    "SELECT instance_uuid, device_name, COALESCE(guest_format, '') = 'swap' FROM block_device_mapping "
    "WHERE deleted = 0 AND source_type = 'blank'"
)


def _read(cloud: Cloud) -> Facts:
    old = "virtual_name" in cloud.columns("nova", "block_device_mapping")
    return facts_of(cloud, "nova", {**_KINDS, "swap and ephemeral disks": (2, _BLANK_BEFORE if old else _BLANK_AFTER)})


check = same(
    "instances",
    "Every live instance keeps its host, flavor, state, disks, key and security groups",
    ("nova",),
    _read,
    "the instance runs on, and nova no longer knows the truth about it",
)

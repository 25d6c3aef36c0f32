"""Instances and what belongs to them, in cells and in the API database, from Rocky on."""

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

MARKER = "00000000-0000-0000-0000-000000000000"
"""The instance that is none: online migrations keep their place in its rows."""
CELL = {
    "instances": (
        1,
        "SELECT uuid, project_id, user_id, display_name, host, node, vm_state, deleted <> 0 FROM instances "
        f"WHERE uuid <> '{MARKER}'",
    ),
    "disks": (
        2,
        "SELECT instance_uuid, device_name, source_type, destination_type, volume_id, image_id, deleted <> 0 "
        "FROM block_device_mapping",
    ),
    "computes": (1, "SELECT uuid, host, hypervisor_hostname, deleted <> 0 FROM compute_nodes"),
}
API = {
    "flavors": (1, "SELECT flavorid, name, vcpus, memory_mb, root_gb, ephemeral_gb, swap, is_public FROM flavors"),
    "mappings": (
        1,
        "SELECT m.instance_uuid, c.uuid, m.project_id FROM instance_mappings m LEFT JOIN cell_mappings c ON c.id = m.cell_id "
        f"WHERE m.instance_uuid <> '{MARKER}'",
    ),
    "requests": (1, "SELECT instance_uuid FROM request_specs"),
    "key pairs": (2, "SELECT user_id, name, type, fingerprint FROM key_pairs"),
    "quotas": (2, "SELECT project_id, resource, hard_limit FROM quotas"),
    "aggregates": (1, "SELECT uuid, name FROM aggregates"),
}


def _facts(cloud: Cloud) -> Facts:
    return {**facts_of(cloud, "nova", CELL), **facts_of(cloud, "nova_api", API)}


check = same(
    "servers",
    "Instances, their hosts, disks, flavors and quotas are the same after every hop",
    ("nova",),
    _facts,
    "an instance is lost, or is not what and where it was",
    every_hop=True,
)

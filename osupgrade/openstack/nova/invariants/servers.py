"""Instances and what belongs to them, at any release: in the one database of old, or in cells and the API database.

Flavors, key pairs and aggregates move to the API database in Newton, quotas in Pike: a fact counts wherever it lives.
"""

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

MARKER = "00000000-0000-0000-0000-000000000000"
"""The instance that is none: online migrations keep their place in its rows."""
_FLAVOR = "SELECT flavorid, name, vcpus, memory_mb, root_gb, ephemeral_gb, swap, is_public FROM"
CELL = {
    "instances": (
        1,
        "SELECT uuid, project_id, user_id, display_name, host, node, vm_state, deleted <> 0 FROM instances "
        f"WHERE uuid <> '{MARKER}'",
    ),
    "volumes of instances": (
        3,
        "SELECT instance_uuid, device_name, volume_id, delete_on_termination FROM block_device_mapping "
        "WHERE deleted = 0 AND volume_id IS NOT NULL",
    ),
}
_DISKS = (
    2,
    "SELECT instance_uuid, device_name, source_type, destination_type, volume_id, image_id, deleted <> 0 "
    "FROM block_device_mapping",
)
_COMPUTES = (1, "SELECT uuid, host, hypervisor_hostname, deleted <> 0 FROM compute_nodes WHERE uuid IS NOT NULL")
_MAPPINGS = (
    1,
    "SELECT m.instance_uuid, c.uuid, m.project_id FROM instance_mappings m LEFT JOIN cell_mappings c ON c.id = m.cell_id "
    f"WHERE m.instance_uuid <> '{MARKER}'",
)
_REQUESTS = (1, "SELECT instance_uuid FROM request_specs")
BOTH = {
    "flavors": ((1, f"{_FLAVOR} instance_types WHERE deleted = 0"), (1, f"{_FLAVOR} flavors")),
    "key pairs": (
        (2, "SELECT user_id, name, fingerprint FROM key_pairs WHERE deleted = 0"),
        (2, "SELECT user_id, name, fingerprint FROM key_pairs"),
    ),
    "quotas": (
        (2, "SELECT project_id, resource, hard_limit FROM quotas WHERE deleted = 0"),
        (2, "SELECT project_id, resource, hard_limit FROM quotas"),
    ),
    "aggregates": ((1, "SELECT id, name FROM aggregates WHERE deleted = 0"), (1, "SELECT id, name FROM aggregates")),
}
"""What lives in nova's database at first and in the API database later: how it is read in each."""
_TABLES = {"flavors": ("instance_types", "flavors"), "key pairs": ("key_pairs", "key_pairs")}


def _facts(cloud: Cloud) -> Facts:
    kinds = dict(CELL)
    if "source_type" in cloud.columns("nova", "block_device_mapping"):
        kinds["disks"] = _DISKS
    if "uuid" in cloud.columns("nova", "compute_nodes"):
        kinds["computes"] = _COMPUTES
    found = dict(facts_of(cloud, "nova", kinds))
    api = cloud.tables("nova_api") if cloud.has("nova_api") else frozenset()
    for kind, (old, new) in BOTH.items():
        before, after = _TABLES.get(kind, (kind, kind))
        lived = facts_of(cloud, "nova", {kind: old})[kind] if before in cloud.tables("nova") else {}
        lives = facts_of(cloud, "nova_api", {kind: new})[kind] if after in api else {}
        found[kind] = {**lived, **lives}
    later = {"instance_mappings": ("mappings", _MAPPINGS), "request_specs": ("requests", _REQUESTS)}
    return {**found, **facts_of(cloud, "nova_api", dict(kind for table, kind in later.items() if table in api))}


def _completed(cloud: Cloud) -> Facts:
    """What online migrations make for what lacks it: mappings and requests of instances, and uuids of hypervisors."""
    found = _facts(cloud)
    known = {key[0] for key in found["instances"]}
    mine = {kind: {k: v for k, v in found.get(kind, {}).items() if k[0] in known} for kind in ("mappings", "requests")}
    return {**mine, "computes": found.get("computes", {})}


check = same(
    "servers",
    "Instances, their hosts, disks, flavors and quotas are the same after every hop",
    ("nova",),
    _facts,
    "an instance is lost, or is not what and where it was",
    may_appear=_completed,
    every_hop=True,
)

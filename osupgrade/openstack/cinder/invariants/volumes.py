"""Volumes keep their places, sizes and attachments; snapshots, types and quotas stay what they are."""

from __future__ import annotations

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

_KINDS = {
    "volumes": (
        1,
        "SELECT id, user_id, project_id, host, size, status, attach_status, instance_uuid, mountpoint, display_name, "
        "snapshot_id, volume_type_id, provider_location, provider_auth FROM volumes WHERE deleted = 0",
    ),
    "volume metadata": (2, "SELECT volume_id, `key`, value FROM volume_metadata WHERE deleted = 0"),
    "image metadata of volumes": (2, "SELECT volume_id, `key`, value FROM volume_glance_metadata WHERE deleted = 0"),
    "snapshots": (
        1,
        "SELECT id, volume_id, project_id, status, volume_size, display_name FROM snapshots WHERE deleted = 0",
    ),
    "metadata of snapshots": (2, "SELECT snapshot_id, `key`, value FROM snapshot_metadata WHERE deleted = 0"),
    "iSCSI targets": (2, "SELECT host, target_num, volume_id FROM iscsi_targets WHERE deleted = 0"),
    "volume types": (1, "SELECT id, name FROM volume_types WHERE deleted = 0"),
    "type specifications": (2, "SELECT volume_type_id, `key`, value FROM volume_type_extra_specs WHERE deleted = 0"),
    "backups": (1, "SELECT id, volume_id, status, container, size, service FROM backups WHERE deleted = 0"),
    "quotas of volumes": (2, "SELECT project_id, resource, hard_limit FROM quotas WHERE deleted = 0"),
    # 021_add_default_quota_class.py (Havana) writes the class "default".
    "quota classes of volumes": (
        2,
        "SELECT class_name, resource, hard_limit FROM quota_classes WHERE deleted = 0 AND class_name <> 'default'",
    ),
    "usages of volumes": (2, "SELECT project_id, resource, in_use, reserved FROM quota_usages WHERE deleted = 0"),
}


def _read(cloud: Cloud) -> Facts:
    return facts_of(cloud, "cinder", _KINDS)


check = same(
    "volumes",
    "Volumes, snapshots, types and quotas stay what they are, and what is attached stays attached",
    ("cinder",),
    _read,
    "a volume cannot be found, attached or restored as before",
)

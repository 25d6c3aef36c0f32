"""Volumes and what depends on them, at any release. Until Kilo the volume's own row held its attachment."""

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

_ATTACHED = (
    "SELECT volume_id, COALESCE(instance_uuid, ''), attach_status FROM volume_attachment "
    "WHERE deleted = 0 AND attach_status = 'attached'"
)
_SAID = (
    "SELECT id, COALESCE(instance_uuid, ''), attach_status FROM volumes "
    "WHERE deleted = 0 AND attach_status = 'attached'"
)
KINDS = {
    "volumes": (1, "SELECT id, project_id, user_id, display_name, size, status, host, deleted <> 0 FROM volumes"),
    "snapshots": (1, "SELECT id, volume_id, project_id, status, deleted <> 0 FROM snapshots"),
    "quotas": (2, "SELECT project_id, resource, hard_limit FROM quotas WHERE deleted = 0"),
}
_DETACHED = (
    1,
    "SELECT id, volume_id, instance_uuid, attached_host, attach_status, deleted <> 0 FROM volume_attachment",
)


def _facts(cloud: Cloud) -> Facts:
    there = "volume_attachment" in cloud.tables("cinder")
    kinds = {**KINDS, "attached volumes": (2, _ATTACHED if there else _SAID)}
    if there:
        kinds["attachments"] = _DETACHED
    return facts_of(cloud, "cinder", kinds)


check = same(
    "stored_volumes",
    "Volumes, snapshots, attachments and quotas are the same after every hop",
    ("cinder",),
    _facts,
    "a volume is lost, or no longer where its instance looks for it",
    every_hop=True,
)

"""Volumes and what hangs on them, from Rocky on."""

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

KINDS = {
    "volumes": (1, "SELECT id, project_id, user_id, display_name, size, status, host, deleted <> 0 FROM volumes"),
    "snapshots": (1, "SELECT id, volume_id, project_id, status, deleted <> 0 FROM snapshots"),
    "attachments": (
        1,
        "SELECT id, volume_id, instance_uuid, attached_host, attach_status, deleted <> 0 FROM volume_attachment",
    ),
    "quotas": (2, "SELECT project_id, resource, hard_limit FROM quotas WHERE deleted = 0"),
}


def _facts(cloud: Cloud) -> Facts:
    return facts_of(cloud, "cinder", KINDS)


check = same(
    "stored_volumes",
    "Volumes, snapshots, attachments and quotas are the same after every hop",
    ("cinder",),
    _facts,
    "a volume is lost, or no longer where its instance looks for it",
    every_hop=True,
)

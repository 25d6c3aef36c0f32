"""Images and where they are stored, at any release. Until Ocata, visibility followed from a flag and from the members."""

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

_SHARED = "EXISTS (SELECT 1 FROM image_members m WHERE m.image_id = images.id AND m.deleted = 0)"
_AS_IMAGE = "IF(deleted, 'deleted', (SELECT IF(i.status = 'pending_delete', i.status, 'active') FROM images i WHERE i.id = image_id))"
"""What Juno's migration makes of a location, which had no status of its own."""
_TOLD = f"CASE WHEN is_public THEN 'public' WHEN {_SHARED} THEN 'shared' ELSE 'private' END"
"""What Ocata's migration makes of the flag."""


def _facts(cloud: Cloud) -> Facts:
    visibility = "visibility" if "visibility" in cloud.columns("glance", "images") else _TOLD
    has_status = "status" in cloud.columns("glance", "image_locations")
    status = "status" if has_status else _AS_IMAGE
    kinds = {
        "images": (1, f"SELECT id, name, owner, status, {visibility}, size, disk_format, deleted FROM images"),
        "locations": (2, f"SELECT image_id, value, {status}, deleted FROM image_locations"),
        "shares": (2, "SELECT image_id, member, can_share, deleted FROM image_members"),
    }
    return facts_of(cloud, "glance", kinds)


check = same(
    "stored_images",
    "Images and where they are stored are the same after every hop",
    ("glance",),
    _facts,
    "an image is lost, or others see it",
    every_hop=True,
)

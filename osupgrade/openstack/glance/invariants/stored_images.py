"""Images from Rocky on, when visibility had become a column."""

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

KINDS = {
    "images": (1, "SELECT id, name, owner, status, visibility, size, disk_format, deleted FROM images"),
    "locations": (2, "SELECT image_id, value, status, deleted FROM image_locations"),
    "shares": (2, "SELECT image_id, member, can_share, deleted FROM image_members"),
}


def _facts(cloud: Cloud) -> Facts:
    return facts_of(cloud, "glance", KINDS)


check = same(
    "stored_images",
    "Images and where they are stored are the same after every hop",
    ("glance",),
    _facts,
    "an image is lost, or others see it",
    every_hop=True,
)

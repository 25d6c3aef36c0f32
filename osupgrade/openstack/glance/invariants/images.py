"""Images keep their data: locations, properties, members and tags."""

from __future__ import annotations

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

_KINDS = {
    "images": (
        1,
        "SELECT id, name, size, status, is_public, owner, checksum, container_format, disk_format, min_disk, min_ram, "
        "protected, deleted FROM images",
    ),
    "image locations": (2, "SELECT DISTINCT image_id, value, deleted FROM image_locations"),
    "image properties": (2, "SELECT image_id, name, value, deleted FROM image_properties"),
    "image members": (2, "SELECT image_id, member, can_share, status, deleted FROM image_members"),
    "image tags": (2, "SELECT image_id, value, deleted FROM image_tags"),
}


def _read(cloud: Cloud) -> Facts:
    return facts_of(cloud, "glance", _KINDS)


check = same(
    "images",
    "Images keep their locations, properties, members and tags",
    ("glance",),
    _read,
    "an image cannot be found, booted or shared as before",
)

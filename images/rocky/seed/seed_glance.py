"""Fill the glance database through glance's own database API.

Usage: seed_glance.py CLOUD.json
"""

import hashlib

import common

cloud = common.deterministic("glance")

from glance.common import config  # noqa: F401 (registers the options that the database API reads)
from glance.context import RequestContext
from glance.db.sqlalchemy import api
from oslo_config import cfg

cfg.CONF(cloud.configured(database={"connection": cloud.databases["glance"]}), project="glance")
admin = RequestContext(is_admin=True)

for project in cloud.projects:
    for number in range(1, cloud.images + 1):
        image_id = cloud.id("image", project, number)
        url = "file:///var/lib/glance/images/%s" % image_id
        # Train renames the key of the first ones; the last were stored before there was one.
        metadata = {"backend": "fast"} if number != cloud.images else {}
        values = {
            "id": image_id,
            "name": "%s-image%d" % (project, number),
            "owner": cloud.project_id(project),
            "status": "active",
            "visibility": ("public", "private", "shared", "community")[number % 4],
            "disk_format": "qcow2",
            "container_format": "bare",
            "min_disk": 1,
            "min_ram": 512,
            "size": 1 << 20,
            "virtual_size": 1 << 30,
            "checksum": hashlib.sha512(image_id.encode("utf-8")).hexdigest()[:32],
            "properties": {"hw_machine_type": "q35", "os_distro": "debian"},
            "locations": [{"url": url, "metadata": metadata, "status": "active"}],
        }
        api.image_create(admin, values)
        api.image_tag_create(admin, image_id, "seeded")
        if number % 4 == 2:
            other = cloud.projects[cloud.projects.index(project) - 1]
            api.image_member_create(admin, {"image_id": image_id, "member": cloud.project_id(other)})
    gone = cloud.id("image", project, "deleted")
    api.image_create(
        admin,
        {
            "id": gone,
            "name": "%s-deleted" % project,
            "owner": cloud.project_id(project),
            "status": "active",
            "visibility": "private",
            "disk_format": "raw",
            "container_format": "bare",
            "min_disk": 0,
            "min_ram": 0,
            "locations": [{"url": "file:///gone/%s" % gone, "metadata": {"backend": "slow"}, "status": "active"}],
        },
    )
    api.image_destroy(admin, gone)

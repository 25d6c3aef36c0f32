"""Fill the glance database through glance's own database API.

Usage: seed_glance.py CLOUD.json
"""

from __future__ import annotations

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
        content = hashlib.sha512(image_id.encode()).hexdigest()
        url = f"file:///var/lib/glance/images/{image_id}"
        values = {
            "id": image_id,
            "name": f"{project}-image{number}",
            "owner": cloud.project_id(project),
            "status": "active",
            "visibility": ("public", "private", "shared")[number % 3],
            "disk_format": "qcow2",
            "container_format": "bare",
            "min_disk": 1,
            "min_ram": 512,
            "size": 1 << 20,
            "virtual_size": 1 << 30,
            "checksum": content[:32],
            "os_hash_algo": "sha512",
            "os_hash_value": content,
            "properties": {"hw_machine_type": "q35", "os_distro": "debian"},
            "locations": [{"url": url, "metadata": {"store": "default"}, "status": "active"}],
        }
        api.image_create(admin, values)
        api.image_tag_create(admin, image_id, "seeded")
        if number % 3 == 2:
            other = cloud.projects[cloud.projects.index(project) - 1]
            api.image_member_create(admin, {"image_id": image_id, "member": cloud.project_id(other)})

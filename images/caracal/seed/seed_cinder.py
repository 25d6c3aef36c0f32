"""Fill the cinder database through cinder's own objects and database API.

Usage: seed_cinder.py CLOUD.json
"""

from __future__ import annotations

import common

cloud = common.deterministic("cinder")

from cinder import context, db, objects
from cinder.backup import rpcapi as backup_rpc
from cinder.common import config  # noqa: F401 (registers the options)
from cinder.objects import base
from cinder.scheduler import rpcapi as scheduler_rpc
from cinder.volume import rpcapi as volume_rpc
from oslo_config import cfg

BACKEND = "controller@lvm"

cfg.CONF(cloud.configured(database={"connection": cloud.databases["cinder"]}), project="cinder")
objects.register_all()
admin = context.get_admin_context()

services = {}
for binary, host, api in (
    ("cinder-scheduler", "controller", scheduler_rpc.SchedulerAPI),
    ("cinder-volume", BACKEND, volume_rpc.VolumeAPI),
    ("cinder-backup", "controller", backup_rpc.BackupAPI),
):
    service = objects.Service(
        context=admin,
        uuid=cloud.shared("service", binary),
        host=host,
        binary=binary,
        topic=binary,
        availability_zone="nova",
        report_count=1,
        disabled=False,
        rpc_current_version=api.RPC_API_VERSION,
        object_current_version=base.OBJ_VERSIONS.get_current(),
    )
    service.create()
    services[binary] = service

kind = objects.VolumeType(
    context=admin,
    name="lvm",
    description="seeded",
    is_public=True,
    extra_specs={"volume_backend_name": "lvm"},
    projects=[],
)
with common.shared():
    kind.create()

attached = {(project, number): (server, host) for project, number, server, host in cloud.servers()}
for project in cloud.projects:
    for number in range(1, cloud.volumes + 1):
        server = attached.get((project, number)) if number % 2 else None
        volume_id = cloud.id("volume", project, number)
        owner = {"user_id": cloud.user_id(project), "project_id": cloud.project_id(project)}
        volume = {
            **owner,
            "id": volume_id,
            "host": f"{BACKEND}#lvm",
            "size": number,
            "availability_zone": "nova",
            "status": "in-use" if server else "available",
            "attach_status": "attached" if server else "detached",
            "display_name": f"{project}-volume{number}",
            "volume_type_id": kind.id,
            "service_uuid": services["cinder-volume"].uuid,
            "use_quota": True,
            "metadata": {"seeded": "yes"},
        }
        db.volume_create(admin, volume)
        if server:
            attachment = {
                "id": cloud.id("attachment", project, number),
                "volume_id": volume_id,
                "instance_uuid": server[0],
                "attached_host": server[1],
                "mountpoint": "/dev/vdb",
                "attach_status": "attached",
                "attach_mode": "rw",
            }
            db.volume_attach(admin, attachment)
        if number == 1:
            snapshot = {
                **owner,
                "id": cloud.id("snapshot", project, number),
                "volume_id": volume_id,
                "status": "available",
                "progress": "100%",
                "volume_size": number,
                "display_name": f"{project}-snapshot{number}",
                "volume_type_id": kind.id,
                "use_quota": True,
                "metadata": {},
            }
            db.snapshot_create(admin, snapshot)

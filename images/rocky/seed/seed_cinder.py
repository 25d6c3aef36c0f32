"""Fill the cinder database through cinder's own objects and database API.

Usage: seed_cinder.py CLOUD.json
"""

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
    owner = {"user_id": cloud.user_id(project), "project_id": cloud.project_id(project)}
    # The last two have no type, as volumes of a site without a default one: Train gives them __DEFAULT__.
    for number in range(1, cloud.volumes + 2):
        deleted = number == cloud.volumes + 1
        server = attached.get((project, number)) if number % 2 and not deleted else None
        volume_id = cloud.id("volume", project, number)
        typed = kind.id if number < cloud.volumes else None
        volume = dict(
            owner,
            id=volume_id,
            host="%s#lvm" % BACKEND,
            size=number,
            availability_zone="nova",
            status="in-use" if server else "available",
            attach_status="attached" if server else "detached",
            display_name="%s-volume%d" % (project, number),
            volume_type_id=typed,
            service_uuid=services["cinder-volume"].uuid,
            # Asked of a living backend otherwise; this one has no targets that volumes share.
            shared_targets=False,
            metadata={"seeded": "yes"},
        )
        db.volume_create(admin, volume)
        if server:
            db.volume_attach(
                admin,
                {
                    "id": cloud.id("attachment", project, number),
                    "volume_id": volume_id,
                    "instance_uuid": server[0],
                    "attached_host": server[1],
                    "mountpoint": "/dev/vdb",
                    "attach_status": "attached",
                    "attach_mode": "rw",
                },
            )
        if number in (1, cloud.volumes):
            db.snapshot_create(
                admin,
                dict(
                    owner,
                    id=cloud.id("snapshot", project, number),
                    volume_id=volume_id,
                    status="available",
                    progress="100%",
                    volume_size=number,
                    display_name="%s-snapshot%d" % (project, number),
                    volume_type_id=typed,
                    metadata={},
                ),
            )
        if deleted:
            db.volume_destroy(admin, volume_id)
    db.quota_create(admin, cloud.project_id(project), "volumes", 50)
    db.quota_create(admin, cloud.project_id(project), "gigabytes", 5000)

"""Fill the cinder database through cinder's own database API, quota engine and volume types.

Usage: seed_cinder.py CLOUD.json, after seed_nova.py, whose attachments it records.
"""

import common

cloud, ids = common.deterministic('cinder')

from cinder.openstack.common import timeutils

clock = common.Clock(timeutils, cloud.newest, days=310)

# Every module registers its options when it is imported, which must be over before the configuration is read.
from cinder import context as cinder_context
from cinder import db
from cinder import flags
from cinder import quota
from cinder.volume import volume_types

HOST = 'controller'

CONFIGURATION = """
[DEFAULT]
sql_connection = %s
quota_volumes = -1
quota_snapshots = -1
quota_gigabytes = -1
"""


def configure():
    """Give cinder its configuration, before anything of it is used."""
    path = cloud.path('cinder.conf')
    with open(path, 'w') as target:
        target.write(CONFIGURATION % cloud.databases['cinder'])
    flags.parse_args(['cinder', '--config-file', path])


configure()
admin = cinder_context.get_admin_context()


def member(tenant):
    """The context of a tenant's first user."""
    return cinder_context.RequestContext(cloud.user_id(cloud.user_names(tenant)[0]), cloud.tenant_id(tenant),
                                         roles=['Member'])


def services():
    """The cinder services, and the iSCSI targets of their host."""
    for binary, topic in (('cinder-scheduler', 'cinder-scheduler'), ('cinder-volume', 'cinder-volume'),
                          ('cinder-backup', 'cinder-backup')):
        made = db.service_create(admin, {'host': HOST, 'binary': binary, 'topic': topic, 'report_count': 0,
                                         'availability_zone': 'nova'})
        db.service_update(admin, made['id'], {'report_count': 1000})
    # cinder's iscsi_num_targets is 100; more volumes need more.
    for number in range(1, max(100, cloud.volumes['per_tenant'] * len(cloud.tenants)) + 1):
        db.iscsi_target_create_safe(admin, {'host': HOST, 'target_num': number})


def types():
    """Volume types with extra specs, and one that is gone; returns the living ones' ids."""
    with ids.shared():
        volume_types.create(admin, 'lvm', {'volume_backend_name': 'LVM_iSCSI'})
        volume_types.create(admin, 'fast', {'volume_backend_name': 'LVM_SSD', 'qos:iops': '2000'})
        volume_types.create(admin, 'tape', {'volume_backend_name': 'TAPE'})
        volume_types.destroy(admin, volume_types.get_volume_type_by_name(admin, 'tape')['id'])
    return [volume_types.get_volume_type_by_name(admin, name)['id'] for name in ('lvm', 'fast')]


def volume(tenant, volume_id, name, size=10, **more):
    """One volume, with its quota reserved and committed as the API does it."""
    clock.move(1800)
    context = member(tenant)
    reserved = quota.QUOTAS.reserve(context, volumes=1, gigabytes=size)
    values = {'id': volume_id, 'user_id': context.user_id, 'project_id': context.project_id, 'size': size,
              'status': 'available', 'attach_status': 'detached', 'availability_zone': 'nova', 'host': HOST,
              'display_name': name, 'display_description': '', 'metadata': {'tenant': tenant, 'use': 'data'},
              'scheduled_at': clock.now, 'launched_at': clock.now,
              'provider_location': '192.0.2.1:3260,1 iqn.2010-10.org.openstack:volume-%s 1' % volume_id,
              'provider_auth': 'CHAP %s %s' % (volume_id[:8], volume_id[-8:])}
    values.update(more)
    made = db.volume_create(context, values)
    quota.QUOTAS.commit(context, reserved)
    return made


def tenant_volumes(tenant, kinds):
    """A tenant's volumes: bootable ones first, of several types, cloned, failed, snapshotted, backed up, deleted."""
    context = member(tenant)
    count = cloud.volumes['per_tenant']
    for number in range(count):
        volume_id = cloud.volume_id(tenant, number)
        more = {'volume_type_id': kinds[number % 2] if number % 3 else None}
        if number == count - 1:
            more.update(status='error', source_volid=cloud.volume_id(tenant, 0))
        volume(tenant, volume_id, '%s-volume%d' % (tenant, number), **more)
        if number < 2:
            for key, value in (('image_id', cloud.image_id(tenant, 0)), ('image_name', '%s-image0' % tenant),
                               ('min_ram', '0'), ('disk_format', 'qcow2')):
                db.volume_glance_metadata_create(admin, volume_id, key, value)
        if number % 2 == 0:
            db.volume_allocate_iscsi_target(admin, volume_id, HOST)
    snapshot(tenant, cloud.snapshot_id(tenant, 0), cloud.volume_id(tenant, 0))
    gone_snapshot = snapshot(tenant, drawn(), cloud.volume_id(tenant, 1))
    db.snapshot_destroy(admin, gone_snapshot)
    backup(tenant, cloud.volume_id(tenant, 0), 'available')
    db.backup_destroy(admin, backup(tenant, cloud.volume_id(tenant, 1), 'deleted'))
    for number in range(cloud.volumes['deleted_per_tenant']):
        gone = volume(tenant, drawn(), '%s-gone%d' % (tenant, number))
        reserved = quota.QUOTAS.reserve(context, volumes=-1, gigabytes=-gone['size'])
        db.volume_glance_metadata_create(admin, gone['id'], 'image_name', 'old')
        db.volume_glance_metadata_delete_by_volume(admin, gone['id'])
        db.volume_destroy(admin, gone['id'])
        quota.QUOTAS.commit(context, reserved)
    db.quota_create(admin, context.project_id, 'volumes', 50)
    # A service that is stopped in the middle leaves its reservation open.
    quota.QUOTAS.reserve(context, volumes=1)


def snapshot(tenant, snapshot_id, volume_id):
    """A snapshot that carries its volume's image with it."""
    clock.move(600)
    context = member(tenant)
    reserved = quota.QUOTAS.reserve(context, snapshots=1)
    db.snapshot_create(context, {
        'id': snapshot_id, 'user_id': context.user_id, 'project_id': context.project_id, 'volume_id': volume_id,
        'status': 'available', 'progress': '100%', 'volume_size': 10, 'display_name': '%s-snapshot' % tenant,
        'display_description': 'before the change', 'metadata': {'reason': 'change'}})
    db.volume_glance_metadata_copy_to_snapshot(admin, snapshot_id, volume_id)
    quota.QUOTAS.commit(context, reserved)
    return snapshot_id


def backup(tenant, volume_id, status):
    """A backup in swift."""
    context = member(tenant)
    return db.backup_create(admin, {
        'id': drawn(), 'user_id': context.user_id, 'project_id': context.project_id, 'volume_id': volume_id,
        'host': HOST, 'availability_zone': 'nova', 'display_name': '%s-backup' % tenant, 'container': 'volumebackups',
        'status': status, 'service': 'swift', 'size': 10, 'object_count': 22})['id']


def nova_traces():
    """Volumes that nova had made, and who is attached to what."""
    tenants = dict((cloud.tenant_id(tenant), tenant) for tenant in cloud.tenants)
    told = cloud.read('attached.json')
    for made in told['made']:
        volume(tenants[made['project']], made['id'], '', made['size'], snapshot_id=made['snapshot'])
    for attached in told['attached']:
        clock.move(60)
        db.volume_attached(admin, attached['volume'], attached['instance'], attached['mountpoint'])
        db.volume_update(admin, attached['volume'], {'attach_time': timeutils.strtime()})


def drawn():
    """The next id of the stream."""
    return str(ids.uuid4())


def main():
    """Seed in the order in which a cloud grows."""
    services()
    kinds = types()
    db.quota_class_create(admin, 'gold', 'volumes', 100)
    for tenant in cloud.tenants:
        tenant_volumes(tenant, kinds)
    nova_traces()


main()

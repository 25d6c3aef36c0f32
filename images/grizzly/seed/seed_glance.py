"""Fill the glance database through glance's own database API.

Usage: seed_glance.py CLOUD.json, after seed_nova.py, whose snapshots it registers.
"""

import hashlib

import common

cloud, ids = common.deterministic('glance')

from glance.openstack.common import timeutils

clock = common.Clock(timeutils, cloud.newest, days=320)

from glance.common import config
from glance import context as glance_context
from glance.db.sqlalchemy import api as db

GIBIBYTE = 1 << 30

CONFIGURATION = """
[DEFAULT]
sql_connection = %s
"""


def configure():
    """Give glance its configuration, before anything of it is used."""
    path = cloud.path('glance.conf')
    with open(path, 'w') as target:
        target.write(CONFIGURATION % cloud.databases['glance'])
    config.parse_args(['--config-file', path])
    db.setup_db_env()
    db.configure_db()


configure()
context = glance_context.RequestContext(is_admin=True, show_deleted=True)


def image(image_id, name, tenant, status='active', **more):
    """One image with a location, as an upload to the file store leaves it."""
    clock.move(3600)
    size = 1 + int(hashlib.sha256(image_id).hexdigest()[:6], 16)
    values = {'id': image_id, 'name': name, 'owner': cloud.tenant_id(tenant), 'status': status, 'is_public': False,
              'disk_format': 'qcow2', 'container_format': 'bare', 'size': size,
              'checksum': hashlib.md5(image_id).hexdigest(), 'min_disk': 0, 'min_ram': 0, 'properties': {}}
    if status in ('active', 'pending_delete'):
        values['locations'] = ['file:///var/lib/glance/images/%s' % image_id]
    else:
        values.update(size=None, checksum=None)
    values.update(more)
    return db.image_create(context, values)


def tenant_images(tenant, position):
    """What a tenant uploaded, shared, tagged and deleted."""
    neighbours = [other for other in cloud.tenants if other != tenant]
    for number in range(cloud.images['per_tenant']):
        image_id = cloud.image_id(tenant, number)
        image(image_id, '%s-image%d' % (tenant, number), tenant, is_public=number == 0, protected=number == 1,
              properties={'architecture': 'x86_64', 'os_type': 'linux', 'note': u'f\xfcr %s' % tenant})
        db.image_tag_set_all(context, image_id, ['lts', 'build-%d' % number])
        if number and neighbours:
            member = db.image_member_create(context, {
                'image_id': image_id, 'member': cloud.tenant_id(neighbours[position % len(neighbours)]),
                'can_share': number % 2 == 0, 'status': 'pending'})
            db.image_member_update(context, member['id'], {'status': 'accepted'})
    mirrored = image(drawn(), '%s-mirrored' % tenant, tenant, size=2 * GIBIBYTE)
    db.image_update(context, mirrored['id'], {'locations': ['file:///var/lib/glance/images/%s' % mirrored['id'],
                                                            'http://192.0.2.20/images/%s' % mirrored['id']]})
    for status in ('queued', 'saving', 'killed', 'pending_delete'):
        image(drawn(), '%s-%s' % (tenant, status), tenant, status)
    gone = image(drawn(), '%s-gone' % tenant, tenant, properties={'architecture': 'i686'})
    if neighbours:
        db.image_member_create(context, {'image_id': gone['id'], 'member': cloud.tenant_id(neighbours[0])})
    db.image_tag_set_all(context, gone['id'], ['old'])
    db.image_update(context, gone['id'], {'status': 'deleted'})
    db.image_destroy(context, gone['id'])


def snapshots():
    """The snapshots that nova took of instances."""
    tenants = dict((cloud.tenant_id(tenant), tenant) for tenant in cloud.tenants)
    for taken in cloud.read('snapshots.json'):
        image(taken['id'], taken['name'], tenants[taken['owner']], properties=taken['properties'])


def drawn():
    """The next id of the stream."""
    return str(ids.uuid4())


def main():
    """Seed tenant by tenant."""
    for position, tenant in enumerate(cloud.tenants):
        tenant_images(tenant, position)
    snapshots()


main()

"""What nova talks to and a database does not need: a hypervisor, cinder and glance.

They keep in memory what they are told, and report it for the scripts that fill cinder and glance.
"""

import contextlib
import uuid

from nova.compute import power_state
from nova import exception
import nova.image.glance
from nova.virt import fake

cloud = None
clock = None
volumes = None
images = None


def prepare(the_cloud, the_clock):
    """Put the pretended glance into nova and fill the shelves."""
    global cloud, clock, volumes, images
    cloud, clock = the_cloud, the_clock
    volumes, images = Shelf(), Images()
    nova.image.glance.get_remote_image_service = lambda context, href: (images, href)
    nova.image.glance.get_default_image_service = lambda: images


class Driver(fake.FakeDriver):
    """Nova's own fake hypervisor with a node of its own for each compute service and the size of a real host."""

    next_host = None
    fails = False

    def __init__(self, virtapi, read_only=False):
        super(Driver, self).__init__(virtapi, read_only)
        self._host = Driver.next_host

    def get_available_nodes(self):
        return [self._host]

    def get_available_resource(self, nodename):
        return {'vcpus': 32, 'memory_mb': 131072, 'local_gb': 4000, 'vcpus_used': 0, 'memory_mb_used': 0,
                'local_gb_used': 0, 'hypervisor_type': 'QEMU', 'hypervisor_version': 1004000,
                'hypervisor_hostname': nodename,
                'cpu_info': '{"vendor": "Intel", "model": "SandyBridge", "arch": "x86_64"}'}

    def spawn(self, context, instance, *args, **kwargs):
        if Driver.fails:
            raise exception.InstanceNotRunning(instance_id=instance['uuid'])
        super(Driver, self).spawn(context, instance, *args, **kwargs)
        # Grizzly's libvirt driver notes the root disk in every instance that has one.
        self.virtapi.instance_update(context, instance['uuid'], {'root_device_name': '/dev/vda'})

    # FakeDriver forgets these: the state it reports would then contradict the API's.

    def pause(self, instance):
        self.instances[instance['name']].state = power_state.PAUSED

    def suspend(self, instance):
        self.instances[instance['name']].state = power_state.SUSPENDED

    def power_off(self, instance):
        self.instances[instance['name']].state = power_state.SHUTDOWN

    def finish_migration(self, context, migration, instance, *args, **kwargs):
        self.instances[instance['name']] = fake.FakeInstance(instance['name'], power_state.RUNNING)

    def finish_revert_migration(self, instance, *args, **kwargs):
        self.instances[instance['name']] = fake.FakeInstance(instance['name'], power_state.RUNNING)

    def get_volume_connector(self, instance):
        return {'ip': '172.16.0.11', 'initiator': 'iqn.1993-08.org.debian:01:%s' % self._host, 'host': self._host}


@contextlib.contextmanager
def failing_spawn():
    """While this holds, no hypervisor manages to start an instance."""
    Driver.fails = True
    try:
        yield
    finally:
        Driver.fails = False


class Images(object):
    """Glance's image service: the images that seed_glance.py makes, and the snapshots that nova makes of instances."""

    def __init__(self):
        self._images = {}
        self._snapshots = []
        for tenant in cloud.tenants:
            for number in range(cloud.images['per_tenant']):
                image_id = cloud.image_id(tenant, number)
                self._images[image_id] = {
                    'id': image_id, 'name': '%s-image%d' % (tenant, number), 'status': 'active', 'size': 25165824,
                    'min_ram': 0, 'min_disk': 0, 'is_public': number == 0, 'container_format': 'bare',
                    'disk_format': 'qcow2', 'deleted': False, 'owner': cloud.tenant_id(tenant),
                    'properties': {'architecture': 'x86_64', 'os_type': 'linux'}}

    def show(self, context, image_id):
        if image_id not in self._images:
            raise exception.ImageNotFound(image_id=image_id)
        return dict(self._images[image_id])

    def create(self, context, metadata, data=None):
        image = dict(metadata, id=str(uuid.uuid4()), status='active', owner=context.project_id)
        self._images[image['id']] = image
        self._snapshots.append(image)
        return dict(image)

    def update(self, context, image_id, metadata, data=None, purge_props=False):
        self._images[image_id].update(metadata)
        return dict(self._images[image_id])

    def delete(self, context, image_id):
        del self._images[image_id]

    def report(self):
        """The snapshots, for seed_glance.py."""
        return [{'id': i['id'], 'name': i['name'], 'owner': i['owner'],
                 'properties': dict((k, str(v)) for k, v in i.get('properties', {}).items())} for i in self._snapshots]


class Shelf(object):
    """The volumes of the cloud, by id, and who took them."""

    def __init__(self):
        self._volumes = {}
        self._free = {}
        for tenant in cloud.tenants:
            self._free[tenant] = []
            # The last volume of a tenant stays free; seed_cinder.py deletes none of those that nova took.
            for number in range(cloud.volumes['per_tenant'] - 1):
                volume_id = cloud.volume_id(tenant, number)
                self._volumes[volume_id] = self.new(volume_id, cloud.tenant_id(tenant), 10, None)
                self._free[tenant].append(volume_id)
        self._made = []

    def new(self, volume_id, project_id, size, snapshot_id):
        """A volume as cinder's client shows it to nova."""
        return {'id': volume_id, 'size': size, 'status': 'available', 'attach_status': 'detached', 'mountpoint': None,
                'instance_uuid': None, 'availability_zone': 'nova', 'display_name': '', 'display_description': '',
                'snapshot_id': snapshot_id, 'volume_type_id': None, 'project_id': project_id, 'volume_metadata': {}}

    def take(self, tenant, bootable=False):
        """A free volume of a tenant; the bootable ones are the first."""
        if not self._free[tenant]:
            volume_id = cloud.volume_id(tenant, 'extra%d' % len(self._made))
            self.add(volume_id, cloud.tenant_id(tenant), 10, None)
            return volume_id
        return self._free[tenant].pop(0 if bootable else -1)

    def add(self, volume_id, project_id, size, snapshot_id):
        """A volume that did not exist before nova asked for it."""
        self._volumes[volume_id] = self.new(volume_id, project_id, size, snapshot_id)
        self._made.append(volume_id)
        return self._volumes[volume_id]

    def __getitem__(self, volume_id):
        return self._volumes[volume_id]

    def taken(self):
        """The ids of attached volumes."""
        return sorted(v['id'] for v in self._volumes.values() if v['instance_uuid'])

    def report(self):
        """Attachments and new volumes, for seed_cinder.py."""
        return {'attached': [{'volume': v, 'instance': self[v]['instance_uuid'], 'mountpoint': self[v]['mountpoint']}
                             for v in self.taken()],
                'made': [{'id': v, 'project': self[v]['project_id'], 'size': self[v]['size'],
                          'snapshot': self[v]['snapshot_id']} for v in self._made]}


class Volumes(object):
    """nova.volume.cinder.API, as far as nova calls it."""

    def get(self, context, volume_id):
        return dict(volumes[volume_id])

    def check_attach(self, context, volume, instance=None):
        if volume['status'] != 'available':
            raise exception.InvalidVolume(reason='status must be available')

    def check_detach(self, context, volume):
        pass

    def reserve_volume(self, context, volume):
        pass

    def unreserve_volume(self, context, volume):
        pass

    def begin_detaching(self, context, volume):
        pass

    def attach(self, context, volume, instance_uuid, mountpoint):
        volumes[volume['id']].update(status='in-use', attach_status='attached', instance_uuid=instance_uuid,
                                     mountpoint=mountpoint)

    def detach(self, context, volume):
        volumes[volume['id']].update(status='available', attach_status='detached', instance_uuid=None, mountpoint=None)

    def initialize_connection(self, context, volume, connector):
        return {'driver_volume_type': 'iscsi',
                'data': {'target_portal': '172.16.0.1:3260', 'target_lun': 1, 'volume_id': volume['id'],
                         'target_iqn': 'iqn.2010-10.org.openstack:volume-%s' % volume['id'], 'access_mode': 'rw'}}

    def terminate_connection(self, context, volume, connector):
        pass

    def get_snapshot(self, context, snapshot_id):
        return {'id': snapshot_id, 'status': 'available', 'volume_size': 10}

    def create(self, context, size, name, description, snapshot=None, **kwargs):
        return dict(volumes.add(str(uuid.uuid4()), context.project_id, size, snapshot and snapshot['id']))

    def delete(self, context, volume):
        pass

"""The cloud lives on: everything is made, changed and deleted once, and what was migrated is used again."""

import hashlib
import io

from clients import Clients
from rounds import BROKEN, Round

NAME = 'osupgrade-verify'
turn = Round()
account = turn.account
lab = turn.call('keystone', 'log in as the lab', Clients, account['user'], account['password'], account['tenant'])


def made(service, what, create, update, delete, *args, **kwargs):
    """Create, update and delete one thing; ``update`` and ``delete`` get what ``create`` returned."""
    thing = turn.call(service, 'create %s' % what, create, *args, **kwargs)
    if thing is not None:
        if update:
            turn.call(service, 'update %s' % what, update, thing)
        turn.call(service, 'delete %s' % what, delete, thing)


def keystone():
    """A tenant and a user, who gets a role, logs in, and goes."""
    v2 = lab.keystone2
    tenant = turn.call('keystone', 'create tenant', v2.tenants.create, NAME + '-tour')
    if tenant is None:
        return
    user = turn.call('keystone', 'create user', v2.users.create, NAME + '-tour', 'first', tenant_id=tenant.id)
    if user is not None:
        turn.call('keystone', 'update password', v2.users.update_password, user, 'second')
        role = [role for role in v2.roles.list() if role.name == 'admin'][0]
        turn.call('keystone', 'grant role', v2.roles.add_user_role, user, role, tenant)
        turn.call('keystone', 'log in with the new password', Clients, NAME + '-tour', 'second', NAME + '-tour')
        turn.call('keystone', 'take role', v2.roles.remove_user_role, user, role, tenant)
        made('keystone', 'ec2 credentials', lab.keystone2.ec2.create, None,
             lambda found: lab.keystone2.ec2.delete(lab.user_id, found.access), lab.user_id, lab.tenant_id)
        turn.call('keystone', 'delete user', v2.users.delete, user)
    turn.call('keystone', 'delete tenant', v2.tenants.delete, tenant)


def glance():
    """An image up, back byte for byte, changed and deleted."""
    data = hashlib.sha256(NAME).digest() * 2048
    image = turn.call('glance', 'create image', lambda: lab.glance.images.create(
        name=NAME, disk_format='raw', container_format='bare', data=io.BytesIO(data)))
    if image is None:
        return None
    back = turn.call('glance', 'download image', lambda: b''.join(lab.glance.images.data(image)))
    if back is not None and back != data:
        turn.finding('glance', 'GET /v1/images/ID', 'an image does not come back as it was put in',
                     rows=[(len(data), len(back))], columns=('bytes put', 'bytes got'))
    turn.call('glance', 'update image', lab.glance.images.update, image, properties={'tour': 'yes'})
    turn.call('glance', 'show image (v2)', lab.glance2.images.get, image.id)
    return image


def network():
    """A network, its router to the outside, a port with a floating address; returns the network."""
    api = lab.neutron
    net = turn.call('neutron', 'create network', api.create_network, {'network': {'name': NAME}})
    if net is None:
        return None
    net = net['network']
    turn.call('neutron', 'update network', api.update_network, net['id'], {'network': {'name': NAME + '-2'}})
    subnet = turn.call('neutron', 'create subnet', api.create_subnet, {'subnet': {
        'network_id': net['id'], 'cidr': '192.0.2.0/25', 'ip_version': 4, 'name': NAME}})
    if subnet is None:
        return net
    subnet = subnet['subnet']
    turn.call('neutron', 'update subnet', api.update_subnet, subnet['id'], {'subnet': {'dns_nameservers': ['192.0.2.1']}})
    made('neutron', 'second subnet', api.create_subnet, None, lambda found: api.delete_subnet(found['subnet']['id']),
         {'subnet': {'network_id': net['id'], 'cidr': '198.51.100.0/24', 'ip_version': 4}})
    return net


def external_network():
    """A network that routers may have their gateway on: the cloud's own, or one made for the purpose."""
    found = lab.neutron.list_networks(**{'router:external': True})['networks']
    if found and found[0]['subnets']:
        return found[0]
    outside = lab.neutron.create_network({'network': {
        'name': NAME + '-outside', 'router:external': True, 'provider:network_type': 'flat',
        'provider:physical_network': NAME}})['network']
    lab.neutron.create_subnet({'subnet': {
        'network_id': outside['id'], 'cidr': '192.0.2.128/25', 'ip_version': 4, 'enable_dhcp': False}})
    return outside


def router(net):
    """A router with gateway and interface, and a floating address on a port behind it."""
    api = lab.neutron
    subnet = lab.neutron.show_network(net['id'])['network']['subnets'][0]
    outside = turn.call('neutron', 'find an external network', external_network)
    one = turn.call('neutron', 'create router', api.create_router, {'router': {'name': NAME}})
    if one is None or outside is None:
        return
    one = one['router']['id']
    turn.call('neutron', 'update router', api.update_router, one, {'router': {'name': NAME + '-2'}})
    turn.call('neutron', 'set gateway', api.add_gateway_router, one, {'network_id': outside['id']})
    turn.call('neutron', 'add router interface', api.add_interface_router, one, {'subnet_id': subnet})
    port = turn.call('neutron', 'create port', api.create_port, {'port': {'network_id': net['id'], 'name': NAME}})
    if port is not None:
        port = port['port']['id']
        turn.call('neutron', 'update port', api.update_port, port, {'port': {'name': NAME + '-2'}})
        floating = turn.call('neutron', 'create floating IP', api.create_floatingip,
                             {'floatingip': {'floating_network_id': outside['id']}})
        if floating is not None:
            floating = floating['floatingip']['id']
            turn.call('neutron', 'associate floating IP', api.update_floatingip, floating,
                      {'floatingip': {'port_id': port}})
            turn.call('neutron', 'disassociate floating IP', api.update_floatingip, floating,
                      {'floatingip': {'port_id': None}})
            turn.call('neutron', 'delete floating IP', api.delete_floatingip, floating)
        turn.call('neutron', 'delete port', api.delete_port, port)
    turn.call('neutron', 'remove router interface', api.remove_interface_router, one, {'subnet_id': subnet})
    turn.call('neutron', 'clear gateway', api.remove_gateway_router, one)
    turn.call('neutron', 'delete router', api.delete_router, one)


def security_group():
    """A security group with a rule."""
    api = lab.neutron
    group = turn.call('neutron', 'create security group', api.create_security_group, {'security_group': {'name': NAME}})
    if group is not None:
        group = group['security_group']['id']
        made('neutron', 'security group rule', api.create_security_group_rule, None,
             lambda rule: api.delete_security_group_rule(rule['security_group_rule']['id']),
             {'security_group_rule': {'security_group_id': group, 'direction': 'ingress', 'protocol': 'tcp',
                                      'port_range_min': 22, 'port_range_max': 22}})
        turn.call('neutron', 'delete security group', api.delete_security_group, group)


def state_of(manager, thing, wanted, field='status'):
    """A probe: whether a thing has reached a state; BROKEN when it ended in error."""
    def probe():
        state = getattr(manager.get(thing.id), field).lower()
        return BROKEN if state.startswith('error') and wanted != 'error' else state == wanted
    return probe


def gone(manager, thing):
    """A probe: whether a thing is no longer there."""
    def probe():
        try:
            state = manager.get(thing.id).status.lower()
        except Exception as error:
            if getattr(error, 'code', None) == 404:
                return True
            raise
        return BROKEN if state.startswith('error') else False
    return probe


def cinder():
    """A volume with a snapshot; returns the volume."""
    api = lab.cinder
    volume = turn.call('cinder', 'create volume', api.volumes.create, 1, display_name=NAME)
    if volume is None or not turn.until('cinder', 'volume is available', state_of(api.volumes, volume, 'available')):
        return None
    turn.call('cinder', 'update volume', api.volumes.update, volume, display_name=NAME + '-2')
    snapshot = turn.call('cinder', 'create snapshot', api.volume_snapshots.create, volume.id, display_name=NAME)
    if snapshot is not None:
        if turn.until('cinder', 'snapshot is available', state_of(api.volume_snapshots, snapshot, 'available')):
            turn.call('cinder', 'update snapshot', api.volume_snapshots.update, snapshot, display_name=NAME + '-2')
            turn.call('cinder', 'delete snapshot', api.volume_snapshots.delete, snapshot)
            turn.until('cinder', 'snapshot is gone', gone(api.volume_snapshots, snapshot))
    return volume


def computes_up():
    """A probe: whether every nova-compute that runs here has reported."""
    up = set(one.host for one in lab.nova.services.list(binary='nova-compute') if one.state == 'up')
    return up >= set(turn.given['hosts']['nova-compute'])


def server(image, net, volume):
    """A server: booted, rebooted, with a volume, deleted, and its port with it."""
    api = lab.nova
    # They report every few seconds; until they have, the scheduler takes them for dead.
    turn.until('nova', 'computes are up', computes_up)
    key = turn.call('nova', 'create key pair', api.keypairs.create, NAME)
    small = min(api.flavors.list(), key=lambda flavor: (flavor.disk, flavor.ram))
    one = turn.call('nova', 'boot server', api.servers.create, NAME, image, small,
                    nics=[{'net-id': net['id']}], key_name=key.name if key else None)
    if one is not None:
        booted = turn.until('nova', 'server is active', state_of(api.servers, one, 'active'))
        if not booted:
            fault = getattr(api.servers.get(one.id), 'fault', None)
            turn.finding('nova', 'boot', 'a new server does not become active', rows=[(fault,)], columns=('fault',))
        if booted:
            ports = lab.neutron.list_ports(device_id=one.id)['ports']
            bad = [port for port in ports if port.get('binding:vif_type') != 'ovs']
            if bad or not ports:
                turn.finding('neutron', 'ports of a new server', 'the port of a new server is not bound',
                             'the server has no network', ('port', 'vif_type', 'host'),
                             [(p['id'], p.get('binding:vif_type'), p.get('binding:host_id')) for p in bad])
            found = turn.call('nova', 'list servers', api.servers.list)
            if found is not None and one.id not in [other.id for other in found]:
                turn.finding('nova', 'GET servers', 'a new server is not listed', rows=[(one.id,)], columns=('server',))
            turn.call('nova', 'update server', lambda: api.servers.update(one, name=NAME + '-2'))
            if volume is not None:
                attached = turn.call('nova', 'attach volume', api.volumes.create_server_volume, one.id, volume.id, '/dev/vdb')
                if attached and turn.until('cinder', 'volume is in use', state_of(lab.cinder.volumes, volume, 'in-use')):
                    turn.call('nova', 'detach volume', api.volumes.delete_server_volume, one.id, volume.id)
                    turn.until('cinder', 'volume is free again', state_of(lab.cinder.volumes, volume, 'available'))
            turn.call('nova', 'soft reboot', api.servers.reboot, one, 'SOFT')
            turn.until('nova', 'server is active after it', state_of(api.servers, one, 'active'))
            turn.call('nova', 'hard reboot', api.servers.reboot, one, 'HARD')
            turn.until('nova', 'server is active again', state_of(api.servers, one, 'active'))
            turn.call('nova', 'stop server', api.servers.stop, one)
            turn.until('nova', 'server is off', state_of(api.servers, one, 'shutoff'))
        turn.call('nova', 'delete server', api.servers.delete, one)
        if turn.until('nova', 'server is gone', gone(api.servers, one)):
            left = lab.neutron.list_ports(device_id=one.id)['ports']
            if left:
                turn.finding('neutron', 'ports of a deleted server', 'the port of a deleted server stays', '',
                             ('port',), [(p['id'],) for p in left])
    if key is not None:
        turn.call('nova', 'list key pairs', api.keypairs.list)
        turn.call('nova', 'delete key pair', api.keypairs.delete, key)


def migrated_servers():
    """A hard reboot of each migrated server on the hosts that run; serve.toml says what must hold afterwards."""
    api = lab.nova
    rebooted = []
    for one, host in turn.given.get('servers', ()):
        if host in turn.given['hosts'].get('nova-compute', ()):
            turn.subject = one
            found = turn.call('nova', 'show migrated server', api.servers.get, one)
            if found is not None and turn.call('nova', 'hard reboot migrated server', reboot, found):
                rebooted.append(found)
    for one in rebooted:
        turn.subject = one.id
        turn.until('nova', 'migrated server is active again', state_of(api.servers, one, 'active'))
    turn.subject = None


def reboot(one):
    """A hard reboot, which answers nothing."""
    lab.nova.servers.reboot(one, 'HARD')
    return True


if lab is not None:
    turn.part('keystone', keystone)
    image = turn.part('glance', glance) if turn.has('glance') else None
    # Without their workers, when messages stay in memory, nothing would ever become of a volume or a server.
    volume = turn.part('cinder', cinder) if 'cinder-volume' in turn.given['hosts'] else None
    net = turn.part('neutron', network) if turn.has('neutron') else None
    if net is not None:
        turn.part('neutron', router, net)
        turn.part('neutron', security_group)
    if 'nova-compute' in turn.given['hosts']:
        if image is not None and net is not None:
            turn.part('nova', server, image, net, volume)
        turn.part('nova', migrated_servers)
    if volume is not None:
        turn.call('cinder', 'delete volume', lab.cinder.volumes.delete, volume)
        turn.until('cinder', 'volume is gone', gone(lab.cinder.volumes, volume))
    if image is not None:
        turn.call('glance', 'delete image', lab.glance.images.delete, image)
    if net is not None:
        turn.call('neutron', 'delete network', lab.neutron.delete_network, net['id'])
turn.finish()

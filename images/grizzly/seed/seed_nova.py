"""Fill the nova database by its real API, conductor, scheduler and computes, in one process.

Usage: seed_nova.py CLOUD.json, started by seed_quantum.py, whose API it uses.

The services talk over impl_fake, whose cast waits for the consumer: when create() returns, the instance is there or has
failed. Hypervisor, cinder and glance are pretended (pretended.py).
"""

import base64
import hashlib
import os
import struct
import sys

import common

cloud, ids = common.deterministic('nova')

from nova.openstack.common import timeutils

clock = common.Clock(timeutils, cloud.newest, days=200)

from nova import config
from nova import context as nova_context
from nova.openstack.common import log as logging

TREE = cloud.trees['nova']
NETWORKS = cloud.read('networks.json')
AGES = 10 ** 9

CONFIGURATION = """
[DEFAULT]
sql_connection = %(database)s
sql_max_pool_size = 50
sql_max_overflow = 50
rpc_backend = nova.openstack.common.rpc.impl_fake
network_api_class = nova.network.quantumv2.api.API
quantum_url = %(quantum)s
quantum_auth_strategy =
quantum_url_timeout = 120
# On one host a resize finds no other: its operator has to allow the same one.
allow_resize_to_same_host = %(same_host)s
security_group_api = nova
compute_driver = pretended.Driver
volume_api_class = pretended.Volumes
default_floating_pool = public
scheduler_driver = nova.scheduler.filter_scheduler.FilterScheduler
scheduler_default_filters = RetryFilter,ComputeFilter,RamFilter
scheduler_max_attempts = 1
service_down_time = %(ages)d
report_interval = 86400
policy_file = %(tree)s/etc/nova/policy.json
api_paste_config = %(tree)s/etc/nova/api-paste.ini
state_path = %(directory)s/nova
lock_path = %(directory)s/nova
instances_path = %(directory)s/nova
compute_topic = compute
quota_instances = -1
quota_cores = -1
quota_ram = -1
quota_floating_ips = -1
quota_security_groups = -1
quota_security_group_rules = -1
quota_metadata_items = -1
quota_key_pairs = -1
my_ip = 172.16.0.1
host = controller
[conductor]
use_local = True
"""

# What a tenant's living instances are taken through, in turn. Every tenant begins somewhere else.
LIVES = ('active', 'attached', 'stopped', 'volume-backed', 'active', 'paused', 'resized', 'failed', 'active',
         'suspended', 'resize-confirmed', 'snapshotted', 'rescued', 'resize-reverted', 'rebooted', 'soft-deleted',
         'local-disks', 'snapshot-backed')
RUNNING_LIVES = ('active', 'attached', 'volume-backed', 'local-disks', 'snapshot-backed', 'rebooted', 'snapshotted',
                 'resize-confirmed', 'resize-reverted', 'resized')


def public_key(user):
    """An RSA public key of 2048 bits for a user: well formed, though nobody has its other half."""
    digits = ''.join(hashlib.sha256('%s/%s/%d' % (cloud.seed, user, n)).digest() for n in range(8))
    parts = ('ssh-rsa', '\x01\x00\x01', '\x00\xc1' + digits[2:] + '\x01')
    blob = ''.join(struct.pack('>I', len(part)) + part for part in parts)
    return 'ssh-rsa %s %s' % (base64.b64encode(blob), user)


LOCAL_DISKS = [{'device_name': '/dev/vdb', 'virtual_name': 'ephemeral0'},
               {'device_name': '/dev/vdc', 'virtual_name': 'swap'}]


def configure():
    """Give nova its configuration, before anything of it is used."""
    directory = cloud.path('nova')
    if not os.path.isdir(directory):
        os.makedirs(directory)
    path = cloud.path('nova.conf')
    with open(path, 'w') as target:
        target.write(CONFIGURATION % {'database': cloud.databases['nova'], 'quantum': NETWORKS['url'], 'tree': TREE,
                                      'directory': cloud.directory, 'ages': AGES,
                                      'same_host': len(cloud.compute_hosts()) == 1})
    config.parse_args(['nova', '--config-file', path])
    logging.setup('nova')
    # Nova's own hook leaves the traceback out.
    sys.excepthook = sys.__excepthook__


configure()

import pretended

pretended.prepare(cloud, clock)

import past
from nova import compute
from nova.compute import instance_types
from nova import db
from nova import network
from nova.network import quantumv2
from nova.openstack.common import jsonutils
from nova import quota
from nova import service

admin = nova_context.get_admin_context()


def give_administrator_a_token():
    """quantumclient refuses to go without a token, though a server without authentication ignores it."""
    get_client = quantumv2._get_client
    quantumv2._get_client = lambda token=None: get_client(token=token or 'administrator')


def start_services():
    """The control plane on one host, and a compute service on each compute host."""
    for host, binary, topic, manager in (
            ('controller', 'nova-conductor', 'conductor', 'nova.conductor.manager.ConductorManager'),
            ('controller', 'nova-scheduler', 'scheduler', 'nova.scheduler.manager.SchedulerManager'),
            ('controller', 'nova-consoleauth', 'consoleauth', 'nova.consoleauth.manager.ConsoleAuthManager'),
            ('controller', 'nova-cert', 'cert', 'nova.cert.manager.CertManager')):
        start(host, binary, topic, manager)
    computes = []
    for host in cloud.compute_hosts():
        # Nobody tells the hypervisor driver its host, so set it before the driver is made.
        pretended.Driver.next_host = host
        computes.append(start(host, 'nova-compute', 'compute', 'nova.compute.manager.ComputeManager'))
        computes[-1].manager.update_available_resource(admin)
    return computes


def start(host, binary, topic, manager):
    """One service, without its periodic tasks."""
    clock.move(1)
    made = service.Service.create(host=host, binary=binary, topic=topic, manager=manager, periodic_enable=False,
                                  db_allowed=True)
    made.start()
    return made


def member(tenant, number=0):
    """The context of one of a tenant's users."""
    user, project = cloud.user_id(cloud.user_names(tenant)[number]), cloud.tenant_id(tenant)
    return nova_context.RequestContext(user, project, roles=['Member'], auth_token='%s:%s' % (user, project))


def flavors():
    """Own flavors beside those that the migrations made: with local disks, private, and one that was deleted."""
    instance_types.create('web.small', 2048, 1, 20, ephemeral_gb=0, flavorid='101')
    instance_types.create('db.local', 8192, 4, 40, ephemeral_gb=80, flavorid='102', swap=1024)
    instance_types.create('private.large', 16384, 8, 80, flavorid='103', is_public=False)
    db.instance_type_extra_specs_update_or_create(admin, '102', {'local:disk': 'ssd', 'cpu:shares': '2048'})
    db.instance_type_access_add(admin, '103', cloud.tenant_id(cloud.tenants[0]))


def tenant_basics(tenant):
    """Key pairs, a security group with rules, and own limits."""
    for number in range(cloud.users_per_tenant):
        context = member(tenant, number)
        compute_keys.import_key_pair(context, context.user_id, '%s-key' % tenant,
                                     public_key(cloud.user_names(tenant)[number]))
    context = member(tenant)
    group = groups.create_security_group(context, 'frontend', 'HTTP from anywhere')
    groups.add_rules(context, group['id'], 'frontend', [
        {'parent_group_id': group['id'], 'protocol': 'tcp', 'from_port': port, 'to_port': port, 'cidr': '0.0.0.0/0'}
        for port in (80, 443)])
    spare = groups.create_security_group(context, 'spare', 'made and thrown away')
    groups.destroy(context, spare)
    db.quota_create(admin, context.project_id, 'instances', 100)
    db.quota_create(admin, context.project_id, 'cores', 400)


def boot(tenant, number, life, flavor, **options):
    """Boot one instance as a tenant's user, and return it as the API shows it."""
    clock.move(3600)
    user = number % cloud.users_per_tenant
    context = member(tenant, user)
    made = NETWORKS['made'][tenant]
    wanted = [(made['networks'][number % len(made['networks'])]['network'], None, None)]
    if number == 0:
        wanted = [(None, None, made['boot_port'])]
    if number % 4 == 1:
        wanted.append((NETWORKS['made']['shared'], None, None))
    elif number % 7 == 3:
        wanted.append((NETWORKS['made']['flat'], None, None))
    options.setdefault('image_href', cloud.image_id(tenant, number % cloud.images['per_tenant']))
    instances, _reservation = api.create(
        context, jsonutils.to_primitive(instance_types.get_instance_type_by_name(flavor)),
        display_name='%s-%s%d' % (tenant, life, number), key_name='%s-key' % tenant,
        security_group=['default', 'frontend'] if number % 3 == 0 else ['default'],
        metadata={'role': life, 'note': u'f\xfcr %s' % tenant}, requested_networks=wanted,
        user_data='IyEvYmluL3NoCg==' if number % 2 else None, **options)
    return context, api.get(context, instances[0]['uuid'])


def live(tenant, number, life):
    """Take one instance through its life."""
    if life == 'failed':
        with pretended.failing_spawn():
            context, instance = boot(tenant, number, life, 'm1.small')
    elif life == 'local-disks':
        context, instance = boot(tenant, number, life, 'db.local', block_device_mapping=LOCAL_DISKS)
    elif life == 'volume-backed':
        volume = pretended.volumes.take(tenant, bootable=True)
        context, instance = boot(tenant, number, life, 'web.small', image_href='', block_device_mapping=[
            {'device_name': '/dev/vda', 'volume_id': volume, 'delete_on_termination': False}])
    elif life == 'snapshot-backed':
        context, instance = boot(tenant, number, life, 'web.small', image_href='', block_device_mapping=[
            {'device_name': '/dev/vda', 'snapshot_id': cloud.snapshot_id(tenant, 0), 'volume_size': 10,
             'delete_on_termination': True}])
    else:
        context, instance = boot(tenant, number, life, 'm1.small' if number % 2 else 'web.small')
    clock.move(900)
    if life in ('attached', 'volume-backed'):
        api.attach_volume(context, instance, pretended.volumes.take(tenant), '/dev/vdb')
    elif life == 'stopped':
        api.stop(context, instance)
        api.lock(context, api.get(context, instance['uuid']))
    elif life == 'paused':
        api.pause(context, instance)
    elif life == 'suspended':
        api.suspend(context, instance)
    elif life in ('resized', 'resize-confirmed', 'resize-reverted'):
        api.resize(context, instance, instance_types.get_instance_type_by_name('m1.medium')['flavorid'])
        clock.move(600)
        instance = api.get(context, instance['uuid'])
        if life == 'resize-confirmed':
            api.confirm_resize(context, instance)
        elif life == 'resize-reverted':
            api.revert_resize(context, instance)
    elif life == 'snapshotted':
        api.snapshot(context, instance, '%s-backup' % tenant)
    elif life == 'rescued':
        api.rescue(context, instance)
    elif life == 'rebooted':
        api.reboot(context, instance, 'HARD')
    elif life == 'soft-deleted':
        api.soft_delete(context, instance)
    return api.get(context.elevated(read_deleted='yes'), instance['uuid'])


def give_floating_ip(tenant, instance):
    """A floating IP for the instance's first address, through quantum."""
    context = member(tenant)
    clock.move(60)
    address = network_api.allocate_floating_ip(context, 'public')
    ports = network_api.list_ports(context, device_id=instance['uuid'],
                                   network_id=[n['network'] for n in NETWORKS['made'][tenant]['networks']])['ports']
    network_api.associate_floating_ip(context, instance, address, ports[0]['fixed_ips'][0]['ip_address'])


def tenant_instances(tenant, position):
    """A tenant's instances, living and deleted; returns the hosts of those that run."""
    running = {}
    total = cloud.instances['per_tenant']
    deleted = cloud.instances['deleted_per_tenant']
    floating = cloud.networks['floating_ips']
    for number in range(total - deleted):
        life = LIVES[(position * (total - deleted) + number) % len(LIVES)]
        instance = live(tenant, number, life)
        if life in RUNNING_LIVES:
            running[instance['uuid']] = instance['host']
            if floating and instance['task_state'] is None:
                give_floating_ip(tenant, instance)
                floating -= 1
    for number in range(total - deleted, total):
        if number == total - deleted:
            context, instance = boot(tenant, number, 'deleted', 'db.local', block_device_mapping=LOCAL_DISKS)
        else:
            context, instance = boot(tenant, number, 'deleted', 'm1.tiny')
        clock.move(7200)
        api.delete(context, instance)
    return running


def trust_members(tenant):
    """Let the members of the default group reach each other.

    After the boots: such a rule makes every boot refresh its own instance, and over impl_fake the refresh waits for the
    boot, which waits for the refresh.
    """
    context = member(tenant)
    group = groups.get(context, name='default')
    db.security_group_rule_create(context, {'parent_group_id': group['id'], 'group_id': group['id'], 'protocol': 'tcp',
                                            'from_port': 1, 'to_port': 65535})


def aggregates():
    """An availability zone on some hosts, and an aggregate with metadata."""
    hosts = cloud.compute_hosts()
    zone = aggregate_api.create_aggregate(admin, 'rack1', 'zone-a')
    for host in hosts[:max(1, len(hosts) // 2)]:
        aggregate_api.add_host_to_aggregate(admin, zone['id'], host)
    fast = aggregate_api.create_aggregate(admin, 'ssd', None)
    aggregate_api.update_aggregate_metadata(admin, fast['id'], {'ssd': 'true'})
    aggregate_api.add_host_to_aggregate(admin, fast['id'], hosts[-1])


def archive():
    """Move soft-deleted rows to the shadow tables, as often as it takes.

    A row can only go once no other points at it, and the command takes the tables in any order.
    """
    for _run in range(2 if cloud.instances['archived'] else 0):
        db.archive_deleted_rows(admin, cloud.instances['archived'])


def open_reservation():
    """A reservation that nobody commits, as a service leaves it that is stopped in the middle."""
    context = member(cloud.tenants[-1])
    quota.QUOTAS.reserve(context, instances=1)


give_administrator_a_token()
api = compute.API()
groups = api.security_group_api
network_api = network.API()
aggregate_api = compute.api.AggregateAPI()
compute_keys = compute.api.KeypairAPI()
past.prepare(cloud=cloud, clock=clock, ids=ids, admin=admin, member=member, aggregate_api=aggregate_api)


def main():
    """Seed in the order in which a cloud grows."""
    computes = start_services()
    flavors()
    aggregates()
    past.before_grizzly()
    archive()
    past.thrown_away('early')
    running = {}
    for position, tenant in enumerate(cloud.tenants):
        if position == len(cloud.tenants) - 1:
            # Before the last tenant: its deleted rows stay where they are.
            archive()
        tenant_basics(tenant)
        running.update(tenant_instances(tenant, position))
        trust_members(tenant)
    first = db.instance_get_by_uuid(admin, sorted(running)[0])
    past.leftovers(first)
    past.thrown_away('late')
    clock.set(cloud.newest)
    for made in computes:
        made.manager.update_available_resource(admin)
    for made in db.service_get_all(admin):
        db.service_update(admin, made['id'], {'report_count': made['report_count'] + 1})
    open_reservation()
    cloud.write('running.json', running)
    cloud.write('attached.json', pretended.volumes.report())
    cloud.write('snapshots.json', pretended.images.report())


main()
sys.stdout.flush()
# Green threads of the services linger: nothing is left for them to do.
os._exit(0)

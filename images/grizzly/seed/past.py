"""What lies in nova's database from earlier: of the releases before, of nova-network, and what was thrown away since.

Written through nova's own database API, since no call of today's API makes such rows.
"""

from nova import context as nova_context
from nova import db
from nova import quota
from nova.compute import instance_types

cloud = clock = ids = admin = member = aggregate_api = None


def prepare(**given):
    """Take the cloud, its clock and ids, the administrator's context, member() and nova's API of aggregates."""
    globals().update(given)


def before_grizzly():
    """An instance as Folsom made them, without system metadata, deleted since; and a cell.

    No instance that Grizzly made is ever archived: its system metadata stay and hold it (foreign key). It ran from a
    volume, because one from an image stops Havana's 186 (scenarios/nova-archived-mappings).
    """
    context = member(cloud.tenants[0])
    instance = db.instance_create(context, {
        'user_id': context.user_id, 'project_id': context.project_id, 'image_ref': '',
        'vm_state': 'deleted', 'display_name': 'folsom', 'hostname': 'folsom', 'memory_mb': 512, 'vcpus': 1,
        'instance_type_id': instance_types.get_instance_type_by_name('m1.tiny')['id'], 'root_device_name': '/dev/vda',
        'host': cloud.compute_hosts()[0], 'node': cloud.compute_hosts()[0], 'security_groups': ['default'],
        'metadata': {'made': 'before Grizzly'}, 'reservation_id': 'r-folsom00', 'locked': True,
        'access_ip_v4': '192.0.2.99', 'access_ip_v6': '2001:db8::99'})
    for device, more in (('/dev/vda', {'volume_id': cloud.volume_id(cloud.tenants[0], 'folsom')}),
                         ('/dev/vdc', {'snapshot_id': cloud.snapshot_id(cloud.tenants[0], 9), 'volume_size': 10}),
                         ('/dev/vdd', {'virtual_name': 'ephemeral0'})):
        db.block_device_mapping_create(context, dict(more, instance_uuid=instance['uuid'], device_name=device,
                                                     delete_on_termination=False))
    for mapping in db.block_device_mapping_get_all_by_instance(context, instance['uuid']):
        db.block_device_mapping_destroy(context, mapping['id'])
    db.instance_destroy(context, instance['uuid'])
    db.cell_create(admin, {'name': 'attempt', 'is_parent': False, 'rpc_host': '192.0.2.12', 'rpc_port': 5672,
                           'username': 'cells', 'password': 'cells', 'rpc_virtual_host': '/'})
    db.cell_delete(admin, 'attempt')


def thrown_away(when):
    """One of each kind that nova's code soft-deletes, made and deleted again."""
    host = '%s-retired' % when
    gone = aggregate_api.create_aggregate(admin, host, 'zone-z')
    aggregate_api.update_aggregate_metadata(admin, gone['id'], {'retired': 'true'})
    db.aggregate_host_add(admin, gone['id'], host)
    db.aggregate_host_delete(admin, gone['id'], host)
    aggregate_api.delete_aggregate(admin, gone['id'])
    instance_types.create('%s.tiny' % when, 256, 1, 1, flavorid='%s-1' % when, is_public=False)
    db.instance_type_extra_specs_update_or_create(admin, '%s-1' % when, {'cpu:shares': '512'})
    db.instance_type_extra_specs_delete(admin, '%s-1' % when, 'cpu:shares')
    db.instance_type_access_add(admin, '%s-1' % when, cloud.tenant_id(cloud.tenants[0]))
    db.instance_type_access_remove(admin, '%s-1' % when, cloud.tenant_id(cloud.tenants[0]))
    instance_types.destroy('%s.tiny' % when)
    build = db.agent_build_create(admin, {'hypervisor': 'xen', 'os': 'linux', 'architecture': 'x86_64',
                                          'version': when, 'url': 'http://192.0.2.10/agent', 'md5hash': '0' * 32})
    db.agent_build_destroy(admin, build['id'])
    rule = {'protocol': 'udp', 'from_port': 69, 'to_port': 69, 'cidr': '192.0.2.0/24'}
    db.provider_fw_rule_destroy(admin, db.provider_fw_rule_create(admin, rule)['id'])
    db.security_group_default_rule_destroy(admin, db.security_group_default_rule_create(admin, rule)['id'])
    made = db.service_create(admin, {'host': host, 'binary': 'nova-compute', 'topic': 'compute', 'report_count': 9})
    db.compute_node_create(admin, {
        'service_id': made['id'], 'vcpus': 8, 'memory_mb': 16384, 'local_gb': 500, 'vcpus_used': 0,
        'memory_mb_used': 512, 'local_gb_used': 0, 'hypervisor_type': 'QEMU', 'hypervisor_version': 1002000,
        'hypervisor_hostname': host, 'cpu_info': '{}'})
    db.service_destroy(admin, made['id'])
    first = {'early': 8, 'late': 16}[when]
    network = db.network_create_safe(admin, {'label': host, 'cidr': '198.19.8.%d/29' % first, 'bridge': 'br101',
                                             'vlan': 400 + first, 'host': 'network1', 'multi_host': False})
    for last in (1, 2):
        db.fixed_ip_create(admin, {'address': '198.19.8.%d' % (first + last), 'network_id': network['id']})
    db.network_delete_safe(admin, network['id'])
    # A tenant that was removed: nova keeps only soft-deleted rows of it.
    project = cloud.tenant_id(host)
    db.quota_create(admin, project, 'cores', 10)
    former = nova_context.RequestContext(cloud.user_id(host), project, roles=['Member'])
    quota.QUOTAS.commit(former, quota.QUOTAS.reserve(former, instances=1, cores=2))
    db.quota_destroy_all_by_project(admin, project)


def leftovers(first):
    """What nothing above writes, through nova's own database API: EC2, S3, cells, usage, and nova-network."""
    project, user = cloud.tenant_id(cloud.tenants[0]), cloud.user_id(cloud.user_names(cloud.tenants[0])[0])
    db.quota_class_create(admin, 'default', 'instances', 20)
    db.certificate_create(admin, {'user_id': user, 'project_id': project, 'file_name': '%s/cert.pem' % project})
    db.agent_build_create(admin, {'hypervisor': 'kvm', 'os': 'linux', 'architecture': 'x86_64', 'version': '1.0',
                                  'url': 'http://192.0.2.10/agent', 'md5hash': '0' * 32})
    db.provider_fw_rule_create(admin, {'protocol': 'tcp', 'from_port': 25, 'to_port': 25, 'cidr': '192.0.2.0/24'})
    db.security_group_default_rule_create(admin, {'protocol': 'icmp', 'from_port': -1, 'to_port': -1,
                                                  'cidr': '10.0.0.0/8'})
    db.cell_create(admin, {'name': 'parent', 'is_parent': True, 'rpc_host': '192.0.2.11', 'rpc_port': 5672,
                           'username': 'cells', 'password': 'cells', 'rpc_virtual_host': '/'})
    month = clock.now.replace(day=1, hour=0, minute=0, second=0)
    db.bw_usage_update(admin, first['uuid'], 'fa:16:3e:00:00:01', month, 1000, 2000, 1000, 2000)
    volume = cloud.volume_id(cloud.tenants[0], 0)
    db.vol_usage_update(admin, volume, 10, 1024, 20, 2048, first['id'])
    db.vol_usage_update(admin, volume, 30, 4096, 40, 8192, first['id'], update_totals=True)
    for number in range(cloud.images['per_tenant']):
        db.s3_image_create(admin, cloud.image_id(cloud.tenants[0], number))
    db.ec2_volume_create(admin, volume)
    db.ec2_snapshot_create(admin, cloud.snapshot_id(cloud.tenants[0], 0))
    for host in cloud.compute_hosts():
        db.task_log_begin_task(admin, 'instance_usage_audit', month, clock.now, host, task_items=3, message='audit')
        db.task_log_end_task(admin, 'instance_usage_audit', month, clock.now, host, 0, message='audit done')
    pool = db.console_pool_create(admin, {'address': '172.16.0.11', 'username': 'console', 'password': 'console',
                                          'console_type': 'vnc', 'public_hostname': 'console.example.net',
                                          'host': 'controller', 'compute_host': first['host']})
    db.console_create(admin, {'instance_name': first['name'], 'instance_uuid': first['uuid'], 'password': 'console',
                              'port': 5900, 'pool_id': pool['id']})
    nova_network(first, project)


def nova_network(first, project):
    """The rows of a cloud that once ran nova-network."""
    old = db.network_create_safe(admin, {'label': 'before-quantum', 'cidr': '198.19.8.0/29', 'bridge': 'br100',
                                         'gateway': '198.19.8.1', 'netmask': '255.255.255.248', 'vlan': 400,
                                         'broadcast': '198.19.8.7', 'dns1': '192.0.2.53', 'project_id': project,
                                         'host': 'network1', 'multi_host': False})
    vif = db.virtual_interface_create(admin, {'address': 'fa:16:3e:00:00:02', 'instance_uuid': first['uuid'],
                                              'network_id': old['id'], 'uuid': str(ids.uuid4())})
    for last in range(1, 7):
        db.fixed_ip_create(admin, {'address': '198.19.8.%d' % last, 'network_id': old['id'], 'reserved': last < 3})
    db.fixed_ip_associate(admin, '198.19.8.3', first['uuid'], old['id'])
    db.fixed_ip_update(admin, '198.19.8.3',
                       {'allocated': True, 'virtual_interface_id': vif['id'], 'host': first['host']})
    for last in range(1, 4):
        db.floating_ip_create(admin, {'address': '192.0.2.%d' % (200 + last), 'pool': 'before-quantum',
                                      'interface': 'eth0'})
    db.floating_ip_fixed_ip_associate(admin, '192.0.2.201', '198.19.8.3', first['host'])
    db.floating_ip_allocate_address(admin, project, 'before-quantum')
    db.dnsdomain_register_for_zone(admin, 'internal.example.net', 'nova')
    db.dnsdomain_register_for_project(admin, 'public.example.net', project)

"""Fill the quantum database: the API's own application in process, agents by their own RPC clients over impl_fake.

Usage: seed_quantum.py CLOUD.json

Nova's instances get their ports from nova itself, so seed_nova.py runs as a child of this process, which meanwhile
serves the same application to it over HTTP. Each writing request begins an id stream of its own: ids then depend on
what is asked for, not on how often the server was asked.
"""

import hashlib
import json
import os
import random
import subprocess
import sys
import uuid

import common

cloud, ids = common.deterministic('quantum')

import eventlet
import eventlet.wsgi
import webob

from quantum.openstack.common import timeutils

# AgentExtRpcCallback takes its START_TIME when it is imported and drops reports that are older.
clock = common.Clock(timeutils, cloud.newest, days=300)

from quantum.common import config
from quantum.common import constants
from quantum import context as quantum_context

TREE = cloud.trees['neutron']
TUNNELS = cloud.networks['tunnel_type'] == 'gre'
LONG_AGO_IS_ALIVE = 10 ** 9

CONFIGURATION = """
[DEFAULT]
core_plugin = quantum.plugins.openvswitch.ovs_quantum_plugin.OVSQuantumPluginV2
rpc_backend = quantum.openstack.common.rpc.impl_fake
auth_strategy = noauth
api_paste_config = %(tree)s/etc/api-paste.ini
policy_file = %(tree)s/etc/policy.json
state_path = /tmp
lock_path = /tmp
allow_overlapping_ips = True
agent_down_time = %(alive)d
[QUOTAS]
quota_driver = quantum.db.quota_db.DbQuotaDriver
default_quota = -1
quota_network = -1
quota_subnet = -1
quota_port = -1
quota_router = -1
quota_floatingip = -1
quota_security_group = -1
quota_security_group_rule = -1
[DATABASE]
sql_connection = %(database)s
[OVS]
network_vlan_ranges = physnet1:100:299,physnet2
%(tunnels)s
[SECURITYGROUP]
firewall_driver = quantum.agent.linux.iptables_firewall.OVSHybridIptablesFirewallDriver
"""


def load_application():
    """Configure quantum and load the very application that quantum-server serves."""
    tunnels = 'tenant_network_type = vlan'
    if TUNNELS:
        tunnels = 'tenant_network_type = gre\nenable_tunneling = True\ntunnel_id_ranges = 1:1000'
    path = cloud.path('quantum.conf')
    with open(path, 'w') as target:
        target.write(CONFIGURATION % {'tree': TREE, 'alive': LONG_AGO_IS_ALIVE, 'tunnels': tunnels,
                                      'database': cloud.databases['neutron']})
    config.parse(['--config-file', path])
    return config.load_paste_app('quantum')


class Tokens(object):
    """WSGI middleware in keystone's place: a token is ``USER:TENANT``, or anything else for the administrator."""

    def __init__(self, application):
        self._application = application

    def __call__(self, environ, start_response):
        user, _colon, tenant = environ.get('HTTP_X_AUTH_TOKEN', '').partition(':')
        if tenant:
            environ['quantum.context'] = quantum_context.Context(user, tenant, roles=['Member'])
        return self._application(environ, start_response)


class OwnStream(object):
    """WSGI middleware: every writing request draws from a stream named by its method, path, body and recurrence."""

    def __init__(self, application):
        self._application = application
        self._seen = {}

    def __call__(self, environ, start_response):
        request = webob.Request(environ)
        if request.method != 'GET':
            what = hashlib.sha256('%s %s %s' % (request.method, request.path, request.body)).hexdigest()
            self._seen[what] = self._seen.get(what, 0) + 1
            restart('%s/%d' % (what, self._seen[what]))
        return self._application(environ, start_response)


def restart(what):
    """Begin the streams of ids and choices that belong to ``what``."""
    key = '%s/quantum/%s' % (cloud.seed, what)
    ids.restart(key)
    random.seed(key)


application = OwnStream(load_application())

from quantum.agent import dhcp_agent
from quantum.agent import l3_agent
from quantum.agent import rpc as agent_rpc
from quantum import manager

plugin = manager.QuantumManager.get_plugin()
admin = quantum_context.get_admin_context()


def call(method, path, body=None, tenant=None):
    """One API request, as the tenant or as the administrator; returns the decoded answer."""
    request = webob.Request.blank('/v2.0/%s.json' % path, method=method)
    if tenant is None:
        request.environ['quantum.context'] = quantum_context.get_admin_context()
    else:
        request.environ['quantum.context'] = quantum_context.Context(
            cloud.user_id(cloud.user_names(tenant)[0]), cloud.tenant_id(tenant), roles=['Member'])
    if body is not None:
        request.body = json.dumps(body, sort_keys=True)
        request.content_type = 'application/json'
    response = request.get_response(application)
    if response.status_int >= 300:
        raise RuntimeError('%s %s: %s %s' % (method, path, response.status, response.body))
    return json.loads(response.body) if response.body else None


def create(kind, tenant=None, **attributes):
    """Create one object of ``kind`` and return it."""
    name = kind.replace('-', '_')
    clock.move(60)
    if tenant is not None:
        attributes['tenant_id'] = cloud.tenant_id(tenant)
    collection = 'policies' if kind == 'policy' else kind + 's'
    return call('POST', collection, {name: attributes}, tenant)[name]


# Agents.

def report(agent_type, binary, topic, host, configurations):
    """An agent's first report of its state, through its own RPC client."""
    restart('agent/%s/%s' % (agent_type, host))
    with ids.shared():
        agent_rpc.PluginReportStateAPI('q-plugin').report_state(admin, {
            'binary': binary, 'host': cloud.agent_host(host), 'topic': topic, 'configurations': configurations,
            'agent_type': agent_type, 'start_flag': True}, use_call=True)


def start_agents():
    """OVS agents everywhere, DHCP and L3 agents on the network nodes, and their tunnel endpoints."""
    for number, host in enumerate(cloud.network_hosts() + cloud.compute_hosts()):
        clock.move(1)
        address = '172.16.0.%d' % (number + 11)
        # The mapping itself, and the devices within it: ovs_quantum_agent.py:187 and :202.
        configurations = {'physnet1': 'br-eth1', 'physnet2': 'br-eth2', 'devices': 0}
        report(constants.AGENT_TYPE_OVS, 'quantum-openvswitch-agent', 'N/A', host, configurations)
        if TUNNELS:
            plugin.callbacks.tunnel_sync(admin, tunnel_ip=address)
    for host in cloud.network_hosts():
        clock.move(1)
        report(constants.AGENT_TYPE_DHCP, 'quantum-dhcp-agent', 'dhcp_agent', host,
               {'dhcp_driver': 'quantum.agent.linux.dhcp.Dnsmasq', 'use_namespaces': True, 'dhcp_lease_time': 120,
                'networks': 0, 'subnets': 0, 'ports': 0})
        report(constants.AGENT_TYPE_L3, 'quantum-l3-agent', 'l3_agent', host,
               {'router_id': '', 'handle_internal_only_routers': True, 'gateway_external_network_id': '',
                'interface_driver': 'quantum.agent.linux.interface.OVSInterfaceDriver', 'use_namespaces': True,
                'routers': 0, 'interfaces': 0, 'floating_ips': 0, 'ex_gw_ports': 0})


def last_reports():
    """The agents' heartbeats at the moment the cloud is shut down."""
    clock.set(cloud.newest)
    for agent in call('GET', 'agents')['agents']:
        restart('heartbeat/%s' % agent['id'])
        agent_rpc.PluginReportStateAPI('q-plugin').report_state(admin, {
            'binary': agent['binary'], 'host': agent['host'], 'topic': agent['topic'],
            'configurations': agent['configurations'], 'agent_type': agent['agent_type']}, use_call=True)


def serve_dhcp():
    """What DHCP agents do: take networks that nobody serves, two agents for one network in three, and make ports."""
    for host in cloud.network_hosts():
        dhcp_client(host).get_active_networks()
    networks = call('GET', 'networks')['networks']
    by_name = sorted(networks, key=lambda network: network['name'])
    agents = dict((a['host'], a['id']) for a in call('GET', 'agents')['agents']
                  if a['agent_type'] == constants.AGENT_TYPE_DHCP)
    for number, network in enumerate(by_name):
        hosting = call('GET', 'networks/%s/dhcp-agents' % network['id'])['agents']
        if number % 3 == 0:
            spare = sorted(set(agents) - set(agent['host'] for agent in hosting))[:1]
            for host in spare:
                call('POST', 'agents/%s/dhcp-networks' % agents[host], {'network_id': network['id']})
    for host in cloud.network_hosts():
        client = dhcp_client(host)
        for network_id in sorted(client.get_active_networks()):
            network = client.get_network_info(network_id)
            if not any(subnet.enable_dhcp for subnet in network.subnets):
                continue
            # The agent names itself by gethostname(), whatever name it reports under.
            device = 'dhcp%s-%s' % (uuid.uuid5(uuid.NAMESPACE_DNS, host), str(network_id))
            restart('dhcp/%s/%s' % (host, network.name))
            port = client.get_dhcp_port(network_id, device)
            device_up(port.id, host)


def dhcp_client(host):
    """The RPC client of the DHCP agent on ``host``."""
    client = dhcp_agent.DhcpPluginApi('q-plugin', admin)
    client.host = cloud.agent_host(host)
    return client


def serve_routers():
    """What L3 agents do: take routers that nobody serves, and plug their ports."""
    names = dict((cloud.agent_host(host), host) for host in cloud.network_hosts())
    for host in cloud.network_hosts():
        l3_agent.L3PluginApi('q-plugin', cloud.agent_host(host)).get_routers(admin)
    for router in call('GET', 'routers')['routers']:
        hosting = call('GET', 'routers/%s/l3-agents' % router['id'])['agents']
        for port in call('GET', 'ports')['ports']:
            if port['device_id'] == router['id']:
                device_up(port['id'], names[hosting[0]['host']])


def device_up(port_id, host):
    """The OVS agent of a host finds a port's device and reports it up."""
    agent_id = 'ovs%s' % host
    plugin.callbacks.get_device_details(admin, agent_id=agent_id, device=port_id)
    plugin.callbacks.update_device_up(admin, agent_id=agent_id, device=port_id)


# What the administrator and the tenants make.

def add_subnet(network, tenant, cidr, **attributes):
    """A subnet with the usual options."""
    attributes.setdefault('dns_nameservers', ['192.0.2.53', '192.0.2.54'])
    return create('subnet', tenant, network_id=network['id'], cidr=cidr, ip_version=4, **attributes)


def provider_networks():
    """The networks of the cloud itself: external and shared on VLANs, a flat one and a local one."""
    owner = {'tenant_id': cloud.shared_id('tenant', 'admin')}
    external = create('network', name='public', **dict(owner, **{
        'router:external': True, 'provider:network_type': 'vlan', 'provider:physical_network': 'physnet1',
        'provider:segmentation_id': 100}))
    create('subnet', network_id=external['id'], cidr=cloud.networks['external_range'], ip_version=4, name='public',
           enable_dhcp=False, **owner)
    shared = create('network', name='services', shared=True, **dict(owner, **{
        'provider:network_type': 'vlan', 'provider:physical_network': 'physnet1', 'provider:segmentation_id': 101}))
    create('subnet', network_id=shared['id'], cidr='198.18.0.0/20', ip_version=4, name='services',
           gateway_ip='198.18.0.1', dns_nameservers=['192.0.2.53'],
           host_routes=[{'destination': '198.51.100.0/24', 'nexthop': '198.18.0.2'}],
           allocation_pools=[{'start': '198.18.1.1', 'end': '198.18.7.254'},
                             {'start': '198.18.9.1', 'end': '198.18.14.254'}], **owner)
    flat = create('network', name='appliances', **dict(owner, **{
        'provider:network_type': 'flat', 'provider:physical_network': 'physnet2', 'shared': True}))
    create('subnet', network_id=flat['id'], cidr='198.19.0.0/20', ip_version=4, name='appliances', **owner)
    local = create('network', name='scratch', **dict(owner, **{'provider:network_type': 'local'}))
    create('subnet', network_id=local['id'], cidr='198.19.16.0/24', ip_version=4, name='scratch', **owner)
    return {'external': external, 'services': shared, 'appliances': flat, 'scratch': local}


def tenant_networks(tenant, cidrs, external):
    """A tenant's security group, networks, and a router to the outside; returns what nova needs to boot on them."""
    group = create('security-group', tenant, name='frontend', description=u'HTTP f\xfcr alle')
    for port in (80, 443):
        create('security-group-rule', tenant, security_group_id=group['id'], direction='ingress', protocol='tcp',
               port_range_min=port, port_range_max=port, remote_ip_prefix='0.0.0.0/0', ethertype='IPv4')
    create('security-group-rule', tenant, security_group_id=group['id'], direction='ingress', ethertype='IPv4',
           protocol='icmp', remote_group_id=group['id'])
    router = create('router', tenant, name='%s-router' % tenant)
    call('PUT', 'routers/%s' % router['id'], {'router': {'external_gateway_info': {'network_id': external['id']}}},
         tenant)
    networks = []
    for number, cidr in enumerate(cidrs):
        network = create('network', tenant, name='%s-net%d' % (tenant, number + 1))
        subnet = add_subnet(network, tenant, cidr, name='%s-subnet%d' % (tenant, number + 1))
        call('PUT', 'routers/%s/add_router_interface' % router['id'], {'subnet_id': subnet['id']}, tenant)
        networks.append({'network': network['id'], 'subnet': subnet['id'], 'gateway': subnet['gateway_ip']})
    return {'group': group['id'], 'router': router['id'], 'networks': networks}


def dual_subnet_network(tenant):
    """A network with an IPv4 and an IPv6 subnet, and a port with an address on each."""
    network = create('network', tenant, name='%s-dual' % tenant)
    fourth = add_subnet(network, tenant, '198.19.17.0/24', name='%s-dual4' % tenant)
    sixth = create('subnet', tenant, network_id=network['id'], cidr='2001:db8:2::/64', ip_version=6,
                   name='%s-dual6' % tenant, enable_dhcp=False)
    create('port', tenant, network_id=network['id'], name='%s-dual' % tenant,
           fixed_ips=[{'subnet_id': fourth['id']}, {'subnet_id': sixth['id']}])


def handmade_ports(tenant, made):
    """Ports made by `quantum port-create`: without an owner and without a device."""
    for number in range(cloud.networks['handmade_ports']):
        place = made['networks'][number % len(made['networks'])]
        create('port', tenant, network_id=place['network'], name='%s-reserved%d' % (tenant, number + 1),
               security_groups=[made['group']])


def quotas():
    """Own limits for the first tenant."""
    call('PUT', 'quotas/%s' % cloud.tenant_id(cloud.tenants[0]),
         {'quota': {'port': 500, 'network': 50, 'floatingip': 50}})


# Nova's part.

def run_nova(made):
    """Serve the API on localhost while seed_nova.py boots instances against it; raise when it fails."""
    listener = eventlet.listen(('127.0.0.1', 0))
    with open(os.devnull, 'w') as silence:
        server = eventlet.spawn(eventlet.wsgi.server, listener, Tokens(application), log=silence)
        cloud.write('networks.json', {'url': 'http://127.0.0.1:%d' % listener.getsockname()[1], 'made': made})
        environment = dict(os.environ, PYTHONPATH=':'.join([cloud.trees['nova'], os.environ['OSUPGRADE_LAB']]))
        # The child's end of the pipe closes when it ends: that wakes this process without asking again and again.
        ours, theirs = os.pipe()
        child = subprocess.Popen([sys.executable, '-u', os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                                                     'seed_nova.py'), sys.argv[1]],
                                 env=environment, preexec_fn=lambda: os.close(ours))
        os.close(theirs)
        eventlet.greenio.GreenPipe(ours).read()
        status = child.wait()
        server.kill()
    if status:
        raise RuntimeError('seed_nova.py ended with %d' % status)


def plug_instances():
    """OVS agents on the compute nodes report the ports of running instances up."""
    hosts = cloud.read('running.json')
    for port in call('GET', 'ports')['ports']:
        if port['device_id'] in hosts:
            device_up(port['id'], hosts[port['device_id']])


def main():
    """Seed in the order in which a cloud grows."""
    start_agents()
    provider = provider_networks()
    made = {}
    for tenant, cidrs in zip(cloud.tenants, cloud.networks['tenant_cidrs']):
        made[tenant] = tenant_networks(tenant, cidrs, provider['external'])
    dual_subnet_network(cloud.tenants[0])
    first = made[cloud.tenants[0]]
    call('PUT', 'routers/%s' % first['router'], {'router': {'routes': [
        {'destination': '192.0.2.128/25', 'nexthop': first['networks'][0]['gateway'][:-1] + '9'}]}})
    quotas()
    serve_dhcp()
    serve_routers()
    for tenant in cloud.tenants:
        handmade_ports(tenant, made[tenant])
        made[tenant]['boot_port'] = create('port', tenant, network_id=made[tenant]['networks'][0]['network'],
                                           name='%s-for-nova' % tenant, security_groups=[made[tenant]['group']])['id']
        create('floatingip', tenant, floating_network_id=provider['external']['id'])
    made['shared'] = provider['services']['id']
    made['flat'] = provider['appliances']['id']
    run_nova(made)
    plug_instances()
    last_reports()


main()

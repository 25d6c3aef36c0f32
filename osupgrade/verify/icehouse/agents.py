"""What the agents ask when they come back after the upgrade, through their own RPC clients and the real broker.

The agents report under the names that this release gives its hosts. The OVS agent's question for each port that a device uses must be
answered as for a bound port, with the segment of its network; DHCP and L3 agents must get their networks and routers.
"""

import eventlet

eventlet.monkey_patch()

import gettext

gettext.install('neutron', unicode=1)

from neutron import context
from neutron.agent import dhcp_agent, l3_agent, securitygroups_rpc
from neutron.agent import rpc as agent_rpc
from neutron.common import config, topics

from rounds import Round

SHOWN = 2000
turn = Round()
config.parse(['--config-file', turn.given['etc'] + '/agent.conf'])
admin = context.get_admin_context_without_session()
plugin = agent_rpc.PluginApi(topics.PLUGIN)
reports = agent_rpc.PluginReportStateAPI(topics.PLUGIN)

# How a tool of the time names an agent's process, by the type under which it reports.
BINARIES = {'Open vSwitch agent': ('neutron-openvswitch-agent', 'N/A'), 'DHCP agent': ('neutron-dhcp-agent', 'dhcp_agent'),
            'L3 agent': ('neutron-l3-agent', 'l3_agent')}


class SecurityGroups(agent_rpc.PluginApi, securitygroups_rpc.SecurityGroupServerRpcApiMixin):
    """The agent's client with its questions about security groups, composed as the agent composes it."""


def name_now(host):
    """The name that a host's agents give themselves after the upgrade."""
    return host.split('.')[0] if turn.given['site']['hosts'] == 'short' else host


def agents():
    """Each agent's first report after its start; the agents by type, as (old host, host now)."""
    known = {}
    for agent_type, host, configurations in turn.given['agents']:
        if agent_type not in BINARIES:
            continue
        now = name_now(host)
        known.setdefault(agent_type, set()).add(now)
        binary, topic = BINARIES[agent_type]
        turn.call('neutron', 'report_state of the %s on %s' % (agent_type, now), reports.report_state, admin, {
            'binary': binary, 'host': now, 'topic': topic, 'agent_type': agent_type, 'start_flag': True,
            'configurations': configurations_of(configurations)}, use_call=True)
    return known


def configurations_of(text):
    """What the agent said of itself last time, as it would again."""
    import json
    try:
        found = json.loads(text)
    except ValueError:
        found = {}
    found.setdefault('tunnel_types', [turn.given['site']['tunnel_type']])
    found.setdefault('bridge_mappings', {})
    return found


def ports():
    """The OVS agent's question for every port that a device uses."""
    silent, wrong = [], []
    asked = turn.given['ports'][:SHOWN]

    def ask():
        for port, owner, host, kind, segment in asked:
            answer = plugin.get_device_details(admin, port, 'ovs-agent-%s' % name_now(host or 'nowhere'))
            if 'port_id' not in answer:
                silent.append((port, owner, host, answer))
            elif (answer.get('network_type'), answer.get('segmentation_id')) != (kind, segment):
                wrong.append((port, owner, host, '%s %s' % (kind, segment),
                              '%s %s' % (answer.get('network_type'), answer.get('segmentation_id'))))
        return True

    if not asked:
        return
    turn.call('neutron', 'get_device_details of %d ports' % len(asked), ask)
    if silent:
        # Without nova's database nothing could tell where instances run, and the preflight has said so.
        untold = 'servers' not in turn.given and all(port[1].startswith('compute:') for port in silent)
        turn.finding(
            'neutron', 'RPC get_device_details', '%d ports get no answer when the agent asks for them' % len(silent),
            'their interfaces are not wired after the next restart of the agent',
            ('port', 'device_owner', 'runs_on', 'answer'), silent, severity='warning' if untold else 'error')
    if wrong:
        turn.finding('neutron', 'RPC get_device_details', '%d ports are answered with another segment' % len(wrong),
                     'they are put on the wrong wire', ('port', 'device_owner', 'runs_on', 'segment', 'answer'), wrong)


def rules():
    """The agent's question for the security group rules of a host's instances."""
    asked = [port for port, owner, _host, _kind, _segment in turn.given['ports'] if owner.startswith('compute:')][:SHOWN]
    if not asked or not turn.given['site']['security_groups']:
        return
    answer = turn.call('neutron', 'security_group_rules_for_devices of %d ports' % len(asked),
                       SecurityGroups(topics.PLUGIN).security_group_rules_for_devices, admin, asked)
    missing = sorted(set(asked) - set(answer)) if answer is not None else []
    if missing:
        turn.finding('neutron', 'RPC security_group_rules_for_devices', '%d ports get no rules' % len(missing),
                     'their instances are cut off or unprotected', ('port',), [(port,) for port in missing])


def sync(known):
    """What L3 and DHCP agents are given to serve, against what they served before."""
    for agent_type, what, given, ask in (
            ('L3 agent', 'routers', turn.given['routers'], routers_on),
            ('DHCP agent', 'networks', turn.given['dhcp_networks'], networks_on)):
        lost = []
        for host in sorted(known.get(agent_type, ())):
            answer = turn.call('neutron', 'sync of the %s on %s' % (agent_type, host), ask, host)
            expected = set(thing for thing, served_by in given if name_now(served_by) == host)
            lost += [(host, thing) for thing in sorted(expected - set(answer or ()))]
        if lost:
            turn.finding('neutron', 'RPC sync of the %s' % agent_type,
                         '%d %s are no longer given to the agent that served them' % (len(lost), what),
                         'they are down after the upgrade until somebody schedules them again', ('host', what[:-1]), lost)


def routers_on(host):
    """The ids of the routers that the L3 agent on ``host`` is to serve."""
    return [router['id'] for router in l3_agent.L3PluginApi('q-l3-plugin', host).get_routers(admin)]


def networks_on(host):
    """The ids of the networks that the DHCP agent on ``host`` is to serve."""
    client = dhcp_agent.DhcpPluginApi(topics.PLUGIN, admin, False)
    client.host = host
    return [network.id for network in client.get_active_networks_info()]


known = turn.part('neutron', agents)
turn.part('neutron', ports)
turn.part('neutron', rules)
turn.part('neutron', sync, known or {})
turn.finish()

"""What the agents ask when they come back after the upgrade, through their own RPC clients and the real broker.

The agents report under the names that this release gives its hosts. The OVS agent's question for each port that a device uses must be
answered as for a bound port, with the segment of its network; DHCP and L3 agents must get their networks and routers.

Without a broker the messages stay in memory, and so the server's side of them is in this process too.
"""

import eventlet

eventlet.monkey_patch()

import gettext
import json

gettext.install('neutron', unicode=1)

from neutron import context
from neutron.agent import dhcp_agent, l3_agent, securitygroups_rpc
from neutron.agent import rpc as agent_rpc
from neutron.common import config, topics

from rounds import Round

SHOWN = 2000
turn = Round()
config.parse(['--config-file', turn.given['etc'] + ('/agent.conf' if turn.given['broker'] else '/neutron.conf')])
if not turn.given['broker']:
    import kombu.transport.virtual
    from neutron import service

    # neutron's impl_kombu makes every consumer in memory ask without a pause, and then they keep each other from work.
    kombu.transport.virtual.sleep = lambda _pause: eventlet.sleep(0.002)
    service.serve_rpc()
admin = context.get_admin_context_without_session()
plugin = agent_rpc.PluginApi(topics.PLUGIN)
reports = agent_rpc.PluginReportStateAPI(topics.PLUGIN)

# How a tool of the time names an agent's process, by the type under which it reports.
BINARIES = {'Open vSwitch agent': ('neutron-openvswitch-agent', 'N/A'), 'DHCP agent': ('neutron-dhcp-agent', 'dhcp_agent'),
            'L3 agent': ('neutron-l3-agent', 'l3_agent'), 'Linux bridge agent': ('neutron-linuxbridge-agent', 'N/A')}
# Under which key an L2 agent of this release says to what its physical networks lead. Grizzly's said nothing else, so that
# the mapping itself was all of its configurations (ovs_quantum_agent.py:187, linuxbridge_quantum_agent.py:472).
MAPPINGS = {'Open vSwitch agent': 'bridge_mappings', 'Linux bridge agent': 'interface_mappings'}


silent = []


def ask(name, question, *args, **kwargs):
    """A question to the server; one that has once not answered in time is asked no more. The answer, or None."""
    if silent:
        return None
    answer = turn.call('neutron', name, question, *args, **kwargs)
    if not turn.calls[-1]['ok'] and turn.calls[-1]['detail'].startswith('Timeout'):
        silent.append(name)
    return answer


class SecurityGroups(agent_rpc.PluginApi, securitygroups_rpc.SecurityGroupServerRpcApiMixin):
    """The agent's client with its questions about security groups, composed as the agent composes it."""


def name_now(host):
    """The name that a host's agents give themselves after the upgrade; an address is no name."""
    return host.split('.')[0] if turn.given['site']['hosts'] == 'short' and not host.replace('.', '').isdigit() else host


def agents():
    """Each agent's first report after its start; the agents by type, as (old host, host now)."""
    known = {}
    for agent_type, host, configurations in turn.given['agents']:
        if agent_type not in BINARIES:
            continue
        now = name_now(host)
        known.setdefault(agent_type, set()).add(now)
        binary, topic = BINARIES[agent_type]
        ask('report_state of the %s on %s' % (agent_type, now), reports.report_state, admin, {
            'binary': binary, 'host': now, 'topic': topic, 'agent_type': agent_type, 'start_flag': True,
            'configurations': configurations_of(agent_type, configurations)}, use_call=True)
    return known


def configurations_of(agent_type, text):
    """What the agent would say of itself at this release, from what it said last."""
    try:
        found = json.loads(text or '{}')
    except ValueError:
        found = {}
    key = MAPPINGS.get(agent_type)
    if key and key not in found:
        flat = dict((name, value) for name, value in found.items() if name != 'devices')
        found = {key: flat, 'devices': found.get('devices', 0)}
    if key and not found.get('tunnel_types'):
        found['tunnel_types'] = sorted(set(kind for kind, in turn.given['tunnels']))
    return found


def details_of(port, host):
    """What the OVS agent of a host receives about a port."""
    return plugin.get_device_details(admin, port, 'ovs-agent-%s' % name_now(host or 'nowhere'))


def ports():
    """The OVS agent's question for every port that a device uses."""
    unanswered, wrong = [], []
    living = set(name_now(host).lower() for kind, host, _configurations in turn.given['agents'] if kind in MAPPINGS)
    # A host whose agent is silent asks for nothing; what that means is said by the wiring round.
    asked = [p for p in turn.given['ports'] if not p[2] or name_now(p[2]).lower() in living][:SHOWN]

    def all_of_them():
        for port, owner, host, kind, segment in asked:
            answer = details_of(port, host)
            if 'port_id' not in answer:
                unanswered.append((port, owner, host, answer))
            elif (answer.get('network_type'), answer.get('segmentation_id')) != (kind, segment):
                wrong.append((port, owner, host, '%s %s' % (kind, segment),
                              '%s %s' % (answer.get('network_type'), answer.get('segmentation_id'))))
        return True

    if not asked:
        return
    ask('get_device_details of %d ports' % len(asked), all_of_them)
    if unanswered:
        # Without nova's database nothing could tell where instances run, and the preflight has said so.
        untold = 'servers' not in turn.given and all(port[1].startswith('compute:') for port in unanswered)
        turn.finding(
            'neutron', 'RPC get_device_details', '{n} port[s] get[s|] no answer when the agent asks for [it|them]',
            'their interfaces are not wired after the next restart of the agent',
            ('port', 'device_owner', 'runs_on', 'answer'), unanswered, severity='warning' if untold else 'error')
    if wrong:
        turn.finding('neutron', 'RPC get_device_details', '{n} port[s] [is|are] answered with a different segment',
                     'they are connected to the wrong network', ('port', 'device_owner', 'runs_on', 'segment', 'answer'), wrong)


def loose_ports():
    """Ports that run nowhere: an agent that asks for one must get nothing."""
    asked = turn.given['loose_ports'][:SHOWN]
    answered = []

    def all_of_them():
        for port, vif_type in asked:
            answer = details_of(port, None)
            if 'port_id' in answer:
                answered.append((port, vif_type, answer))
        return True

    if asked:
        ask('get_device_details of %d ports without a host' % len(asked), all_of_them)
    if answered:
        turn.finding('neutron', 'RPC get_device_details',
                     '{n} port[s] without a host [is|are] answered as bound',
                     'any host on which such an interface appears wires it', ('port', 'vif_type', 'answer'), answered)


def rules():
    """The agent's question for the security group rules of a host's instances."""
    asked = [port for port, owner, _host, _kind, _segment in turn.given['ports'] if owner.startswith('compute:')][:SHOWN]
    if not asked or not turn.given['site']['security_groups']:
        return
    answer = ask('security_group_rules_for_devices of %d ports' % len(asked),
                 SecurityGroups(topics.PLUGIN).security_group_rules_for_devices, admin, asked)
    if answer is None:
        return
    groups = {}
    for port, group in turn.given['port_groups']:
        groups.setdefault(port, set()).add(group)
    wrong = []
    for port in asked:
        told = answer.get(port, {})
        if port not in answer or set(told.get('security_groups', ())) != groups.get(port, set()):
            wrong.append((port, sorted(groups.get(port, ())), sorted(told.get('security_groups', ()))))
        elif groups.get(port) and not told.get('security_group_rules'):
            wrong.append((port, sorted(groups[port]), 'no rules'))
    if wrong:
        turn.finding('neutron', 'RPC security_group_rules_for_devices', '{n} port[s] [does|do] not get [its|their] rules',
                     'their instances are cut off or unprotected', ('port', 'security groups', 'answer'), wrong)


def sync(known):
    """What L3 and DHCP agents are given to serve, against what they served before."""
    for agent_type, what, given, question in (
            ('L3 agent', 'routers', turn.given['routers'], routers_on),
            ('DHCP agent', 'networks', turn.given['dhcp_networks'], networks_on)):
        lost, wrong = [], []
        served = {}
        for thing, served_by in given:
            served.setdefault(thing, set()).add(name_now(served_by))
        for host in sorted(known.get(agent_type, ())):
            answer = ask('sync of the %s on %s' % (agent_type, host), question, host)
            if answer is None:
                continue
            expected = set(thing for thing in served if host in served[thing])
            lost += [(host, thing) for thing in sorted(expected - set(answer))]
            # What nobody served before may be given to whoever asks first.
            wrong += [(host, thing, sorted(served[thing])) for thing in sorted(set(answer) - expected) if thing in served]
        if lost:
            turn.finding('neutron', 'RPC sync of the %s' % agent_type,
                         '{n} %s[s] [is|are] no longer assigned to the agent that served [it|them]' % what[:-1],
                         'they are down after the upgrade until somebody schedules them again', ('host', what[:-1]), lost)
        if wrong:
            turn.finding('neutron', 'RPC sync of the %s' % agent_type,
                         '{n} %s[s] [is|are] assigned to an agent that did not serve [it|them]' % what[:-1],
                         'they are served twice, or from a different host than before', ('host', what[:-1], 'served by'), wrong)


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
turn.part('neutron', loose_ports)
turn.part('neutron', rules)
turn.part('neutron', sync, known or {})
turn.finish()

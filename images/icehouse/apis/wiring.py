"""Whether every wire is given once, how the migrated ports are bound once their agents have asked for them, and what becomes
of that when somebody changes one.

Icehouse's ML2 binds a port anew with every update of it, whatever is updated (plugins/ml2/plugin.py takes a profile that was
not given for one that was taken away): what the move wrote stays only where ML2 itself would write the same.
"""

import json

import requests

from rounds import Round

SHOWN = 2000
DEVICES = ('network:dhcp', 'network:router_interface', 'network:router_gateway')
BINDING = ('binding:vif_type', 'binding:host_id', 'binding:vif_details')
L2_AGENTS = ('Open vSwitch agent', 'Linux bridge agent')
KINDS = ('flat', 'vlan', 'gre', 'vxlan')
WIRE = ('provider:network_type', 'provider:physical_network', 'provider:segmentation_id')
API = 'http://127.0.0.1:9696/v2.0'

turn = Round()
# What the plugin's mechanism driver makes of a bound port (mech_openvswitch.py, mech_linuxbridge.py).
WIRED = 'bridge' if turn.given['site']['plugin'] == 'linuxbridge' else 'ovs'
http = requests.Session()
http.trust_env = False


def login():
    """A token for the lab's own account."""
    account = turn.account
    body = {'auth': {'tenantName': account['tenant'], 'passwordCredentials': {
        'username': account['user'], 'password': account['password']}}}
    answer = http.post('http://127.0.0.1:5000/v2.0/tokens', data=json.dumps(body),
                       headers={'Content-Type': 'application/json'})
    answer.raise_for_status()
    return answer.json()['access']['token']['id']


def kind_of(port):
    """What uses a port, in one word."""
    owner = port['device_owner']
    return 'instances' if owner.startswith('compute:') else owner or 'nobody'


def listed():
    """Every port that the cloud had before the lab came, as an administrator sees it."""
    answer = http.get(API + '/ports.json')
    answer.raise_for_status()
    known = set(row[0] for row in turn.given['known_ports'])
    return [port for port in answer.json()['ports'] if port['id'] in known]


def on_living_hosts(ports):
    """The ports but for those on hosts whose L2 agent was silent already when the database was saved."""
    living = set(host.split('.')[0].lower() for kind, host, _configurations in turn.given['agents'] if kind in L2_AGENTS)
    silent = [p for p in ports if p.get('binding:host_id') and p['binding:host_id'].split('.')[0].lower() not in living]
    if silent:
        turn.finding('neutron', 'agents', '{n} port[s] [is|are] on a host whose agent had stopped reporting before the upgrade',
                     'nothing can be bound on such a host until its agent runs again',
                     ('port', 'device_owner', 'host'),
                     [(p['id'], p['device_owner'], p['binding:host_id']) for p in silent], severity='warning')
    known = set(p['id'] for p in silent)
    return [p for p in ports if p['id'] not in known]


def bound(ports):
    """Ports of devices are bound, those of nobody are not, and the bound ones say that they are filtered."""
    lost = [p for p in ports if (p['device_owner'] in DEVICES or p['device_owner'].startswith('compute:'))
            and p.get('binding:vif_type') != WIRED]
    if lost:
        # Without nova's database nothing could tell where instances run, and the preflight has said so.
        untold = 'servers' not in turn.given and all(p['device_owner'].startswith('compute:') for p in lost)
        states = ' or '.join(sorted(set(p.get('binding:vif_type', 'without a binding') for p in lost)))
        turn.finding('neutron', 'API ports', '{n} port[s] used by [a device|devices] [is|are] %s' % states,
                     'neutron-server gives the agent nothing for them, so they are cut off when it next asks',
                     ('port', 'device_owner', 'host', 'vif_type'),
                     [(p['id'], p['device_owner'], p.get('binding:host_id'), p.get('binding:vif_type')) for p in lost],
                     severity='warning' if untold else 'error')
    drawn = [p for p in ports if p.get('binding:vif_type') == WIRED and not p['binding:host_id']]
    if drawn:
        turn.finding('neutron', 'API ports', '{n} port[s] [is|are] shown as bound without a host',
                     'any update of such a port makes it unbound', ('port', 'device_owner', 'name'),
                     [(p['id'], p['device_owner'], p['name']) for p in drawn])
    bare = [p for p in ports if p.get('binding:vif_type') == WIRED and p['binding:host_id']
            and not p['binding:vif_details'].get('port_filter')]
    if bare and turn.given['site']['security_groups']:
        turn.finding('neutron', 'API ports', '{n} bound port[s] [is|are] not marked as filtered',
                     'at the next hard reboot nova plugs them without the bridge that applies the security group rules',
                     ('port', 'host', 'vif_details'), [(p['id'], p['binding:host_id'], p['binding:vif_details']) for p in bare])


def update(ports):
    """Update the name of each port to what it is: how it is bound stays as it is. Ports without a binding got theirs above."""
    changed = []
    for port in ports:
        turn.subject = port['id']
        answer = http.put('%s/ports/%s.json' % (API, port['id']), data=json.dumps({'port': {'name': port['name']}}))
        if answer.status_code != 200:
            raise RuntimeError('HTTP %d: %s' % (answer.status_code, answer.text[:200]))
        now = answer.json()['port']
        if 'binding:vif_type' in port and [port[f] for f in BINDING] != [now.get(f) for f in BINDING]:
            changed.append((port['id'], kind_of(port), shown(port), shown(now)))
    turn.subject = None
    return changed


def shown(port):
    """How a port is bound, on one line."""
    return '%s on %r %s' % tuple(json.dumps(port.get(f)) if f == BINDING[2] else str(port.get(f) or '') for f in BINDING)


def updates(ports):
    """Every migrated port at a full tour; else one of each kind, on each host, in each way of being bound."""
    kinds, changed = {}, []
    for port in ports[:SHOWN]:
        kinds.setdefault(kind_of(port), []).append(port)
    for kind, found in sorted(kinds.items()):
        if turn.given['level'] != 'full':
            found = list(dict((tuple(str(p.get(f)) for f in BINDING), p) for p in reversed(found)).values())
        name = 'update %d migrated ports of %s' % (len(found), kind)
        changed += turn.call('neutron', name, update, found) or []
    if changed:
        turn.finding('neutron', 'PUT /v2.0/ports/ID', '{n} port[s] [is|are] bound differently after a rename',
                     'any update changes how such a port is wired: it is not as ML2 itself would have made it',
                     ('port', 'used by', 'before', 'now'), changed)


def segments():
    """A second network on the wire of one that is there must be refused: who gets it sees the other's traffic."""
    answer = http.get(API + '/networks.json')
    answer.raise_for_status()
    given, asked = [], [n for n in answer.json()['networks'] if n.get('provider:network_type') in KINDS][:SHOWN]

    def ask():
        for net in asked:
            wire = dict((field, net[field]) for field in WIRE if net.get(field) is not None)
            if net['provider:network_type'] == 'flat':
                wire.pop('provider:segmentation_id', None)
            answer = http.post(API + '/networks.json', data=json.dumps({'network': dict(wire, name='osupgrade-verify')}))
            if answer.status_code == 201:
                given.append([net['id'], net['name']] + [net.get(field) for field in WIRE])
                http.delete('%s/networks/%s.json' % (API, answer.json()['network']['id']))
            elif answer.status_code != 409:
                raise RuntimeError('HTTP %d: %s' % (answer.status_code, answer.text[:200]))
        return True

    if asked:
        turn.call('neutron', 'ask for %d segments in use' % len(asked), ask)
    if given:
        turn.finding('neutron', 'POST /v2.0/networks', '{n} segment[s] in use [is|are] allocated again',
                     'the next network may share a segment with another tenant', ('network', 'name') + WIRE, given)


token = turn.call('keystone', 'POST tokens', login)
if token is not None:
    http.headers.update({'X-Auth-Token': token, 'Content-Type': 'application/json'})
    turn.part('neutron', segments)
    ports = turn.call('neutron', 'list ports after the agents asked', listed)
    if ports:
        ports = turn.part('neutron', on_living_hosts, ports) or []
        turn.part('neutron', bound, ports)
        turn.part('neutron', updates, ports)
turn.finish()

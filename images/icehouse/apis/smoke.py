"""The short round: old passwords log in, and everything in the databases is listed by the APIs."""

from clients import Clients, compute, login
from rounds import Round

SHOWN, QUOTAS, LOGINS = 300, 100, 200
turn = Round()
account = turn.account
lab = turn.call('keystone', 'log in as the lab', Clients, account['user'], account['password'], account['tenant'])


def old_passwords():
    """Users whose password of before is known, in each of their tenants: roles, and key pairs as they see them.

    Of a large cloud's users it is every second, third ... that is asked.
    """
    known = [given for given in turn.given.get('users', ()) if turn.given['passwords'][given[0]] is not None]
    for user, tenant, roles in known[::len(known) // LOGINS + 1]:
        password = turn.given['passwords'][user]
        session = turn.call('keystone', 'log in as %s in %s' % (user, tenant), login, user, password, tenant)
        if session is None:
            continue
        found = set(role['name'] for role in session.auth_ref['user']['roles'])
        if found != set(roles.split(',')):
            turn.finding('keystone', 'POST /v2.0/tokens', 'a login does not give %s their roles in %s' % (user, tenant),
                         'the user may do less, or more, than before', ('assigned', 'in the token'),
                         [(roles, ','.join(sorted(found)))])
        if turn.has('nova'):
            key_pairs(user, session)


def key_pairs(user, session):
    """A user's key pairs are those in the database, with their fingerprints."""
    found = turn.call('nova', 'list key pairs of %s' % user,
                      compute(session.auth_token, session.auth_tenant_id).keypairs.list)
    if found is None:
        return
    expected = set((name, mark) for owner, name, mark in turn.given['key_pairs'] if owner == session.auth_user_id)
    listed = set((pair.name, pair.fingerprint) for pair in found)
    if listed != expected:
        turn.finding('nova', 'GET os-keypairs', 'the key pairs of %s differ from those in the database' % user,
                     'the user cannot log in to new servers', ('in the database', 'listed'), [(sorted(expected), sorted(listed))])


def quotas():
    """Every tenant's quotas, where the database sets one."""
    tenants = [tenant.id for tenant in lab.keystone2.tenants.list()][:QUOTAS]
    for service, question in (
            ('nova', lambda tenant: lab.nova.quotas.get(tenant)._info),
            ('cinder', lambda tenant: lab.cinder2.quotas.get(tenant)._info),
            ('neutron', lambda tenant: lab.neutron.show_quota(tenant)['quota'])):
        if not turn.has(service):
            continue
        told = turn.call(service, 'show quotas of %d tenants' % len(tenants),
                         lambda ask=question: dict((tenant, ask(tenant)) for tenant in tenants))
        rows = turn.given[service + '_quotas']
        wrong = [(tenant, what, limit, told[tenant][what]) for tenant, what, limit in rows
                 if told and what in told.get(tenant, ()) and told[tenant][what] != limit]
        if wrong:
            turn.finding(service, 'quotas', '{n} quota[s] differ[s|] from the database',
                         'tenants get less, or more, than was agreed', ('tenant', 'what', 'in the database', 'shown'), wrong)


def shown():
    """Each thing by itself, as its client's `show` asks for it; the first few hundred of a kind."""
    api = lab.neutron
    asked = [('glance', 'images', 'v1 images', lab.glance.images.get), ('glance', 'v2 images', 'images', lab.glance2.images.get),
             ('cinder', 'volumes', 'volumes', lab.cinder2.volumes.get),
             ('cinder', 'snapshots', 'snapshots', lab.cinder2.volume_snapshots.get),
             ('nova', 'servers', 'servers', lab.nova.servers.get)]
    asked += [('neutron', kind, kind, getattr(api, 'show_' + one)) for kind, one in (
        ('networks', 'network'), ('subnets', 'subnet'), ('ports', 'port'), ('routers', 'router'),
        ('floatingips', 'floatingip'), ('security_groups', 'security_group'))]
    for service, name, kind, show in asked:
        idents = turn.lists.get(kind, ())[:SHOWN]
        if idents:
            turn.call(service, 'show %d %s' % (len(idents), name), each, show, idents)


def each(show, idents):
    """Show all of these, one after the other; the first that fails says which it is."""
    for ident in idents:
        turn.subject = ident
        show(ident)
    turn.subject = None
    return True


def listings():
    """Everything there is, through the APIs of the time."""
    everything = {'all_tenants': 1}
    keystone = lab.keystone
    for name in ('users', 'projects', 'roles', 'domains', 'groups', 'services', 'endpoints', 'credentials'):
        turn.list('keystone', name, getattr(keystone, name).list)
    turn.list('keystone', 'v2 tenants', lab.keystone2.tenants.list)
    if turn.has('glance'):
        turn.list('glance', 'images', lambda: list(lab.glance2.images.list()))
        turn.list('glance', 'v1 images', lambda: list(lab.glance.images.list(is_public=None)))
    if turn.has('cinder'):
        for version, client in (('', lab.cinder2), ('v1 ', lab.cinder)):
            turn.list('cinder', version + 'volumes', client.volumes.list, search_opts=everything)
            turn.list('cinder', version + 'snapshots', client.volume_snapshots.list, search_opts=everything)
            turn.list('cinder', version + 'volume types', client.volume_types.list)
        turn.list('cinder', 'backups', lab.cinder2.backups.list)
    if turn.has('nova'):
        turn.list('nova', 'servers', lab.nova.servers.list, search_opts=everything)
        turn.list('nova', 'flavors', lab.nova.flavors.list, is_public=None)
        turn.list('nova', 'hypervisors', lab.nova.hypervisors.list)
        turn.list('nova', 'aggregates', lab.nova.aggregates.list)
        turn.list('nova', 'nova services', lab.nova.services.list)
    if turn.has('neutron'):
        for name in ('networks', 'subnets', 'routers', 'floatingips', 'agents', 'security_groups', 'security_group_rules'):
            turn.list('neutron', name, neutron_list, name)
        ports(turn.list('neutron', 'ports', neutron_list, 'ports'))
        segments()


def neutron_list(name):
    """Neutron's client answers with the collection inside its name."""
    return getattr(lab.neutron, 'list_%s' % name)()[name]


def ports(found):
    """Every port of an administrator's list says how it is bound, or its binding is gone."""
    dumb = [port for port in found if 'binding:vif_type' not in port or 'binding:host_id' not in port]
    if dumb:
        turn.finding(
            'neutron', 'API ports', '{n} port[s] [is|are] shown without [its|their] binding',
            'they have no row in ml2_port_bindings: the agent gets no details for them and does not wire them',
            ('port', 'device_owner', 'status'), [(p['id'], p['device_owner'], p['status']) for p in dumb])
    before = set(port for port, in turn.given.get('failed_ports', ()))
    failed = [port for port in found if port.get('binding:vif_type') == 'binding_failed' and port['id'] not in before]
    if failed:
        turn.finding(
            'neutron', 'API ports', '{n} port[s] [has|have] the state binding_failed', 'they cannot be plugged',
            ('port', 'device_owner', 'host'), [(p['id'], p['device_owner'], p['binding:host_id']) for p in failed])


def segments():
    """Every network says on which wire it is."""
    bare = [net for net in neutron_list('networks') if not net.get('provider:network_type') and not net.get('segments')]
    if bare:
        turn.finding('neutron', 'API networks', '{n} network[s] [is|are] shown without a segment',
                     'ports on such a network have no connection', ('network', 'name'), [(n['id'], n['name']) for n in bare])


if lab is not None:
    turn.part('keystone', old_passwords)
    turn.part('keystone', listings)
    turn.part('keystone', quotas)
    if turn.given['level'] == 'full':
        turn.part('keystone', shown)
turn.finish()

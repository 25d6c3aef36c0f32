"""Everything that the APIs show of a cloud, as plain data, before anything is changed. The same questions at every release.

Plain HTTP and no client library: what counts is what the servers say, on the wire, to any client.
"""

import json

import requests

from rounds import Round

turn = Round()
account = turn.account
http = requests.Session()
http.trust_env = False
# The lab's own account is nobody's object.
OWN = account['tenant_id']


def ask(url, token):
    """The answer to a GET; raises for anything but 200."""
    answer = http.get(url, headers={'X-Auth-Token': token, 'Accept': 'application/json'})
    if answer.status_code != 200:
        raise RuntimeError('HTTP %d: %s' % (answer.status_code, answer.text[:200]))
    return without_links(answer.json())


def without_links(value):
    """An answer without its links: they name the address that was asked and the tenant that asked."""
    if isinstance(value, dict):
        return dict((key, without_links(item)) for key, item in value.items() if key != 'links')
    return [without_links(item) for item in value] if isinstance(value, list) else value


def login(user, password, tenant):
    """A token, and what came with it."""
    body = {'auth': {'tenantName': tenant, 'passwordCredentials': {'username': user, 'password': password}}}
    answer = http.post('http://127.0.0.1:5000/v2.0/tokens', data=json.dumps(body),
                       headers={'Content-Type': 'application/json'})
    if answer.status_code != 200:
        raise RuntimeError('HTTP %d: %s' % (answer.status_code, answer.text[:200]))
    return answer.json()['access']


def keep(service, name, url, key=None, ident='id'):
    """Ask for a collection and keep each of its items by its id; the items."""
    answer = turn.call(service, 'GET %s' % name, ask, url, TOKEN)
    if answer is None:
        return []
    items = [item for item in answer[key or name] if OWN not in (item.get('id'), item.get('tenant_id'))]
    turn.facts.setdefault(service, {})[name] = dict(('%s' % item[ident], item) for item in items)
    return items


def collect(service, name, items, question):
    """Ask once for each item; keep the answers under the name. One line in the table of calls."""
    found = {}

    def all_of_them():
        for ident, url in items:
            found[ident] = question(url)
        return True

    if items:
        turn.call(service, 'GET %s (%d times)' % (name, len(items)), all_of_them)
        turn.facts.setdefault(service, {})[name] = found


def exactly(pairs):
    """What is kept by name, with the names as one field: there, a name more is a difference as one less is."""
    found = dict(pairs)
    return dict(found, all=sorted(found))


def keystone():
    """Users, tenants, who has which role where, the catalogue."""
    v3 = 'http://127.0.0.1:35357/v3'
    users = keep('keystone', 'users', v3 + '/users')
    projects = keep('keystone', 'projects', v3 + '/projects')
    for name in ('domains', 'groups', 'services', 'endpoints', 'policies', 'credentials', 'roles'):
        keep('keystone', name, '%s/%s' % (v3, name))
    pairs = [('%s in %s' % (user['name'], project['name']), '%s/projects/%s/users/%s/roles' % (v3, project['id'], user['id']))
             for user in users for project in projects][:2000]
    collect('keystone', 'roles of users', pairs,
            lambda url: exactly((role['name'], {}) for role in ask(url, TOKEN)['roles']))
    collect('keystone', 'catalogues', [('%s in %s' % (one['user'], one['tenant']), one) for one in turn.given['logins']], catalogue)
    groups = turn.facts.get('keystone', {}).get('groups', {})
    collect('keystone', 'users of groups', [(ident, '%s/groups/%s/users' % (v3, ident)) for ident in sorted(groups)],
            lambda url: exactly((user['id'], {}) for user in ask(url, TOKEN)['users']))


def catalogue(one):
    """Where a user's catalogue says the services are."""
    access = login(one['user'], one['password'], one['tenant'])
    return exactly(('%s %s' % (service['type'], service['name']), service['endpoints']) for service in access['serviceCatalog'])


def glance():
    """Images with their properties and members."""
    v1 = 'http://127.0.0.1:9292/v1/images'
    images = keep('glance', 'images', v1 + '/detail?is_public=None&limit=100000')
    collect('glance', 'members of images', [(i['id'], '%s/%s/members' % (v1, i['id'])) for i in images][:1000],
            lambda url: exactly((member['member_id'], member) for member in ask(url, TOKEN)['members']))
    keep('glance', 'images (v2)', 'http://127.0.0.1:9292/v2/images?limit=100000', 'images')


def cinder():
    """Volumes, snapshots, types, and the tenants' quotas."""
    base = 'http://127.0.0.1:8776/v1/%s' % OWN
    keep('cinder', 'volumes', base + '/volumes/detail?all_tenants=1')
    keep('cinder', 'snapshots', base + '/snapshots/detail?all_tenants=1')
    keep('cinder', 'types', base + '/types', 'volume_types')
    quotas('cinder', base)


def nova():
    """Servers, flavours, aggregates, key pairs of those who can log in, quotas."""
    base = 'http://127.0.0.1:8774/v2/%s' % OWN
    keep('nova', 'servers', base + '/servers/detail?all_tenants=1')
    flavors = keep('nova', 'flavors', base + '/flavors/detail?is_public=None')
    collect('nova', 'flavor extra specs', [(f['id'], '%s/flavors/%s/os-extra_specs' % (base, f['id'])) for f in flavors],
            lambda url: ask(url, TOKEN)['extra_specs'])
    keep('nova', 'aggregates', base + '/os-aggregates')
    keep('nova', 'hypervisors', base + '/os-hypervisors')
    quotas('nova', base)
    collect('nova', 'key pairs', [('%s in %s' % (one['user'], one['tenant']), one) for one in turn.given['logins']], key_pairs)


def key_pairs(one):
    """A user's key pairs, as that user sees them."""
    token = login(one['user'], one['password'], one['tenant'])['token']
    url = 'http://127.0.0.1:8774/v2/%s/os-keypairs' % token['tenant']['id']
    return dict((pair['keypair']['name'], pair['keypair']) for pair in ask(url, token['id'])['keypairs'])


def quotas(service, base):
    """Every tenant's quotas."""
    projects = turn.facts.get('keystone', {}).get('projects', {})
    collect(service, 'quotas', [(ident, '%s/os-quota-sets/%s' % (base, ident)) for ident in sorted(projects)][:500],
            lambda url: ask(url, TOKEN)['quota_set'])


def neutron():
    """Everything of the network."""
    base = 'http://127.0.0.1:9696/v2.0'
    for name in ('networks', 'subnets', 'ports', 'routers', 'floatingips', 'agents'):
        keep('neutron', name, '%s/%s.json' % (base, name))
    keep('neutron', 'security_groups', base + '/security-groups.json')
    keep('neutron', 'security_group_rules', base + '/security-group-rules.json')
    quotas = turn.call('neutron', 'GET quotas', ask, base + '/quotas.json', TOKEN)
    if quotas is not None:
        turn.facts['neutron']['quotas'] = dict((q['tenant_id'], q) for q in quotas['quotas'] if q['tenant_id'] != OWN)


entered = turn.call('keystone', 'POST tokens', login, account['user'], account['password'], account['tenant'])
if entered is not None:
    TOKEN = entered['token']['id']
    for service, part in (('keystone', keystone), ('glance', glance), ('cinder', cinder), ('nova', nova), ('neutron', neutron)):
        if turn.has(service):
            turn.part(service, part)
turn.finish()

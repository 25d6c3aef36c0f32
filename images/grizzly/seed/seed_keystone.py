# -*- coding: utf-8 -*-
"""Fill the keystone database through keystone's own managers, and its token controllers for real logins.

Usage: seed_keystone.py CLOUD.json

Names stay ASCII: Grizzly's length check calls str() on every short column. Descriptions need not.
"""

import datetime
import random

import common

cloud, ids = common.deterministic('keystone')

from keystone.openstack.common import timeutils

clock = common.Clock(timeutils, cloud.newest, days=330)

from keystone import config

CONFIGURATION = """
[DEFAULT]
admin_token = unused
[sql]
connection = %s
[identity]
driver = keystone.identity.backends.sql.Identity
[catalog]
driver = keystone.catalog.backends.sql.Catalog
[token]
driver = keystone.token.backends.sql.Token
[trust]
driver = keystone.trust.backends.sql.Trust
[policy]
driver = keystone.policy.backends.sql.Policy
[ec2]
driver = keystone.contrib.ec2.backends.sql.Ec2
[signing]
token_format = UUID
[auth]
methods = password,token
password = keystone.auth.plugins.password.Password
token = keystone.auth.plugins.token.Token
"""

REGION = 'RegionOne'
MEMBER = '9fe2ff9ee4384b1894a90878d3e92bab'  # _member_, made by the migrations
SERVICES = (('keystone', 'identity', 'http://192.0.2.1:5000/v2.0'), ('glance', 'image', 'http://192.0.2.1:9292'),
            ('nova', 'compute', 'http://192.0.2.1:8774/v2/$(tenant_id)s'),
            ('cinder', 'volume', 'http://192.0.2.1:8776/v1/$(tenant_id)s'),
            ('quantum', 'network', 'http://192.0.2.1:9696'), ('ec2', 'ec2', 'http://192.0.2.1:8773/services/Cloud'))


def configure():
    """Give keystone its configuration, before anything of it is used."""
    path = cloud.path('keystone.conf')
    with open(path, 'w') as target:
        target.write(CONFIGURATION % cloud.databases['keystone'])
    config.CONF(['--config-file', path], project='keystone')


configure()

from keystone.auth import controllers as auth_controllers
from keystone.catalog import controllers as catalog_controllers
from keystone import service
from keystone.token import controllers as token_controllers

identity = service.DRIVERS['identity_api']
context = {'is_admin': True, 'query_string': {}}
ROLES = dict((name, cloud.shared_id('role', name)) for name in ('admin', 'Member', 'operator', 'KeystoneServiceAdmin'))
ROLES['_member_'] = MEMBER
PARTNERS = cloud.shared_id('domain', 'partners')


def hexadecimal():
    """The next id as keystone makes them."""
    return ids.uuid4().hex


def project(name, project_id, domain='default', **more):
    """A project."""
    identity.create_project(context, project_id, dict({
        'id': project_id, 'name': name, 'domain_id': domain, 'enabled': True, 'description': None}, **more))
    return project_id


def user(name, user_id, domain='default', **more):
    """A user with a real password hash; the password is his name."""
    identity.create_user(context, user_id, dict({
        'id': user_id, 'name': name, 'domain_id': domain, 'enabled': True, 'password': name,
        'email': '%s@example.net' % name}, **more))
    return user_id


def catalog():
    """Services and endpoints; one call of the v2 API writes an endpoint's three rows."""
    endpoints = catalog_controllers.Endpoint()
    for name, kind, url in SERVICES:
        service_id = cloud.shared_id('service', name)
        service.DRIVERS['catalog_api'].create_service(context, service_id, {
            'id': service_id, 'type': kind, 'name': name, 'description': '%s of the lab' % name})
        with ids.shared():
            endpoints.create_endpoint(context, {'region': REGION, 'service_id': service_id, 'publicurl': url,
                                                'internalurl': url, 'adminurl': url.replace(':5000', ':35357')})


def common_ground():
    """Roles, domains, the administrator and the services' users: what copies of the cloud share."""
    for name in sorted(ROLES):
        if name != '_member_':
            identity.create_role(context, ROLES[name], {'id': ROLES[name], 'name': name})
    identity.create_domain(context, PARTNERS, {'id': PARTNERS, 'name': 'partners', 'enabled': True,
                                               'description': u'Partner f\xfcr Schulung'})
    admin_project = project('admin', cloud.shared_id('tenant', 'admin'))
    service_project = project('service', cloud.shared_id('tenant', 'service'))
    admin = user('admin', cloud.shared_id('user', 'admin'), default_project_id=admin_project)
    for role in ('admin', 'KeystoneServiceAdmin'):
        identity.add_role_to_user_and_project(context, admin, admin_project, ROLES[role])
    for name in ('nova', 'glance', 'cinder', 'quantum', 'ec2'):
        made = user(name, cloud.shared_id('user', name))
        identity.add_role_to_user_and_project(context, made, service_project, ROLES['admin'])
    partner = user('partner', cloud.shared_id('user', 'partner'), PARTNERS)
    workshop = project('workshop', cloud.shared_id('tenant', 'workshop'), PARTNERS, enabled=False)
    identity.create_grant(context, ROLES['operator'], user_id=partner, domain_id=PARTNERS)
    identity.create_grant(context, ROLES['Member'], user_id=partner, project_id=workshop)
    with ids.shared():
        policy = hexadecimal()
        service.DRIVERS['policy_api'].create_policy(context, policy, {
            'id': policy, 'type': 'application/json', 'blob': {'default': [['role:admin']]}, 'extra_note': 'kept'})
    user('leaver', cloud.shared_id('user', 'leaver'), enabled=False)


def tenant(name):
    """A tenant with its users, a group, grants of every kind, credentials and trusts."""
    project_id = project(name, cloud.tenant_id(name), description=u'Mandant %s \u2013 Gr\xf6\xdfe S' % name)
    users = [user(user_name, cloud.user_id(user_name), default_project_id=project_id)
             for user_name in cloud.user_names(name)]
    group = hexadecimal()
    identity.create_group(context, group, {'id': group, 'name': '%s-staff' % name, 'domain_id': 'default',
                                           'description': 'everybody of %s' % name})
    identity.create_grant(context, ROLES['operator'], group_id=group, project_id=project_id)
    identity.create_grant(context, ROLES['Member'], group_id=group, domain_id='default')
    for number, user_id in enumerate(users):
        identity.add_user_to_project(context, project_id, user_id)
        identity.add_user_to_group(context, user_id, group)
        if number == 0:
            for role in ('Member', 'operator'):
                identity.create_grant(context, ROLES[role], user_id=user_id, project_id=project_id)
            identity.create_grant(context, ROLES['operator'], user_id=user_id, domain_id='default')
    access = hexadecimal()
    service.DRIVERS['ec2_api'].create_credential(context, access, {
        'user_id': users[0], 'tenant_id': project_id, 'access': access, 'secret': hexadecimal()})
    credential = hexadecimal()
    identity.create_credential(context, credential, {'id': credential, 'user_id': users[0], 'project_id': project_id,
                                                     'type': 'cert', 'blob': {'serial': credential}})
    for number, days in enumerate((300, -30)):
        trust = hexadecimal()
        service.DRIVERS['trust_api'].create_trust(context, trust, {
            'trustor_user_id': users[0], 'trustee_user_id': users[-1], 'project_id': project_id, 'impersonation': True,
            'expires_at': cloud.newest + datetime.timedelta(days=days)}, [{'id': ROLES['Member']}])
    gone = hexadecimal()
    service.DRIVERS['trust_api'].create_trust(context, gone, {
        'trustor_user_id': users[0], 'trustee_user_id': users[-1], 'project_id': project_id, 'impersonation': False,
        'expires_at': None}, [{'id': ROLES['Member']}])
    service.DRIVERS['trust_api'].delete_trust(context, gone)


def log_in(name):
    """Real logins of a tenant's users: over the v2 and the v3 API."""
    for user_name in cloud.user_names(name):
        token_controllers.Auth().authenticate(context, auth={
            'tenantName': name, 'passwordCredentials': {'username': user_name, 'password': user_name}})
        auth_controllers.Auth().authenticate_for_token(context, auth={
            'identity': {'methods': ['password'], 'password': {'user': {'id': cloud.user_id(user_name),
                                                                        'password': user_name}}},
            'scope': {'project': {'id': cloud.tenant_id(name)}}})


def tokens(count):
    """Many tokens with the contents of v2 logins, expired over the last weeks: nothing in Grizzly ever removes them."""
    people = []
    for name in cloud.tenants:
        project_ref = identity.get_project(context, cloud.tenant_id(name))
        for user_name in cloud.user_names(name):
            user_id = cloud.user_id(user_name)
            people.append((identity.get_user(context, user_id), project_ref,
                           identity.get_metadata(context, user_id=user_id, tenant_id=project_ref['id'])))
    for number in range(count):
        user_ref, project_ref, metadata_ref = random.choice(people)
        token_id = hexadecimal()
        expires = cloud.newest + datetime.timedelta(seconds=86400 - number * 3600)
        service.DRIVERS['token_api'].create_token(context, token_id, {
            'key': token_id, 'id': token_id, 'expires': expires, 'user': user_ref, 'tenant': project_ref,
            'metadata': metadata_ref, 'trust_id': None})


def main():
    """Seed in the order in which a cloud grows."""
    common_ground()
    catalog()
    for name in cloud.tenants:
        clock.move(86400)
        tenant(name)
    clock.set(cloud.newest)
    for name in cloud.tenants:
        log_in(name)
    logins = 2 * cloud.users_per_tenant * len(cloud.tenants)
    tokens(max(0, cloud.tokens - logins))


main()

"""The period's own clients, all with one token, straight at the lab's addresses: the catalogue names the operator's."""

import cinderclient.client
import glanceclient
import keystoneclient.v2_0.client
import keystoneclient.v3.client
import neutronclient.v2_0.client
import novaclient.client

PUBLIC = 'http://127.0.0.1:5000/v2.0'
ADMIN = 'http://127.0.0.1:35357'


def login(user, password, tenant=None):
    """Log in with a password as every client of the time does; the keystone client with its token."""
    return keystoneclient.v2_0.client.Client(username=user, password=password, tenant_name=tenant, auth_url=PUBLIC)


def compute(token, tenant_id):
    """Nova's client for a token that was issued for a tenant."""
    return _aimed(novaclient.client.Client('1.1', None, None, None, PUBLIC), token, 8774, 'v2', tenant_id)


def _aimed(client, token, port, version, tenant_id):
    client.client.auth_token = token
    client.client.management_url = 'http://127.0.0.1:%d/%s/%s' % (port, version, tenant_id)
    return client


class Clients(object):
    """Every service's client for one account. ``tenant_id`` is the tenant that the token is for."""

    def __init__(self, user, password, tenant):
        self.session = login(user, password, tenant)
        self.token = self.session.auth_token
        self.tenant_id = self.session.auth_tenant_id
        self.user_id = self.session.auth_user_id
        self.keystone = keystoneclient.v3.client.Client(token=self.token, endpoint=ADMIN + '/v3')
        self.keystone2 = keystoneclient.v2_0.client.Client(token=self.token, endpoint=ADMIN + '/v2.0')
        self.glance = glanceclient.Client('1', 'http://127.0.0.1:9292', token=self.token)
        self.glance2 = glanceclient.Client('2', 'http://127.0.0.1:9292', token=self.token)
        self.cinder = self._volumes('1', user, password, tenant)
        self.cinder2 = self._volumes('2', user, password, tenant)
        self.nova = compute(self.token, self.tenant_id)
        self.neutron = neutronclient.v2_0.client.Client(token=self.token, endpoint_url='http://127.0.0.1:9696')

    def _volumes(self, version, *who):
        client = cinderclient.client.Client(version, *(who + (PUBLIC,)))
        return _aimed(client, self.token, 8776, 'v' + version, self.tenant_id)

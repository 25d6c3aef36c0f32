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
        self.cinder = self._aimed(cinderclient.client.Client('1', user, password, tenant, PUBLIC), 8776, 'v1')
        self.cinder2 = self._aimed(cinderclient.client.Client('2', user, password, tenant, PUBLIC), 8776, 'v2')
        self.nova = self._aimed(novaclient.client.Client('1.1', user, password, tenant, PUBLIC), 8774, 'v2')
        self.neutron = neutronclient.v2_0.client.Client(token=self.token, endpoint_url='http://127.0.0.1:9696')

    def _aimed(self, client, port, version):
        client.client.auth_token = self.token
        client.client.management_url = 'http://127.0.0.1:%d/%s/%s' % (port, version, self.tenant_id)
        return client

"""Give the lab its own administrator and a complete catalogue in the (copied) keystone database, before anything runs.

    account.py --config-file=FILE TENANT TENANT_ID USER PASSWORD

Keystone's own code does it. An operator's dump does not say what the services' passwords are, so the lab's services and
clients all use this account. Clients that look a service up in the catalogue must find one even where the cloud keeps its
catalogue in a file (catalog.backends.templated), or where keystone's database is not part of the rehearsal.
"""

import sys
import uuid

from keystone import config, service
from keystone.common import dependency, sql

_, config_file, tenant, tenant_id, user, password = sys.argv

config.configure()
sql.initialize()
config.CONF([config_file], project='keystone', version='lab')
drivers = service.load_backends()
dependency.resolve_future_dependencies()
identity, assignment = drivers['identity_api'], drivers['assignment_api']

roles = [role['id'] for role in assignment.list_roles() if role['name'] == 'admin']
if not roles:
    roles = [uuid.uuid4().hex]
    assignment.create_role(roles[0], {'id': roles[0], 'name': 'admin'})
assignment.create_project(
    tenant_id, {'id': tenant_id, 'name': tenant, 'domain_id': 'default', 'enabled': True, 'description': 'the lab'})
identity.create_user(
    tenant_id, {'id': tenant_id, 'name': user, 'domain_id': 'default', 'enabled': True, 'password': password})
assignment.add_role_to_user_and_project(tenant_id, tenant_id, roles[0])

catalog = drivers['catalog_api']
known = dict((one['id'], one['type']) for one in catalog.list_services())
served = set(known.get(endpoint['service_id']) for endpoint in catalog.list_endpoints())
for kind, url in (('compute', 'http://127.0.0.1:8774/v2/$(tenant_id)s'), ('network', 'http://127.0.0.1:9696/'),
                  ('image', 'http://127.0.0.1:9292/'), ('volume', 'http://127.0.0.1:8776/v1/$(tenant_id)s')):
    if kind not in served:
        service_id, endpoint_id = uuid.uuid4().hex, uuid.uuid4().hex
        catalog.create_service(service_id, {'id': service_id, 'type': kind, 'name': 'osupgrade-verify'})
        catalog.create_endpoint(endpoint_id, {'id': endpoint_id, 'service_id': service_id, 'interface': 'public',
                                              'region': 'osupgrade-verify', 'url': url})

"""Give the lab its own administrator in the (copied) keystone database, with keystone's own code and before anything runs.

    account.py --config-file=FILE TENANT TENANT_ID USER PASSWORD

An operator's dump does not say what the services' passwords are, so the lab's services and clients all use this account.
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

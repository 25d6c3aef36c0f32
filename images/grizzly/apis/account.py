"""Give the lab its own administrator in the (copied) keystone database, with keystone's own code and before anything runs.

    account.py --config-file=FILE TENANT TENANT_ID USER PASSWORD
"""

import sys
import uuid

from keystone import config

_, config_file, tenant, tenant_id, user, password = sys.argv
config.CONF([config_file], project='keystone')

from keystone import service

identity = service.DRIVERS['identity_api']
context = {'is_admin': True, 'query_string': {}}

roles = [role['id'] for role in identity.list_roles(context) if role['name'] == 'admin']
if not roles:
    roles = [uuid.uuid4().hex]
    identity.create_role(context, roles[0], {'id': roles[0], 'name': 'admin'})
identity.create_project(context, tenant_id, {
    'id': tenant_id, 'name': tenant, 'domain_id': 'default', 'enabled': True, 'description': 'the lab'})
identity.create_user(context, tenant_id, {
    'id': tenant_id, 'name': user, 'domain_id': 'default', 'enabled': True, 'password': password})
identity.add_role_to_user_and_project(context, tenant_id, tenant_id, roles[0])

"""Fill the keystone database: ``keystone-manage bootstrap`` in process, then keystone's own managers.

Usage: seed_keystone.py CLOUD.json
"""

import random
import tempfile

import common

cloud = common.deterministic("keystone")

import keystone.conf
import passlib.utils
import passlib.utils.handlers
from keystone.cmd import bootstrap
from keystone.common import fernet_utils, provider_api

# Salts of password hashes.
passlib.utils.rng = passlib.utils.handlers.rng = random.Random(cloud.seed)

CATALOG = (
    ("identity", "keystone", "http://controller:5000/v3"),
    ("image", "glance", "http://controller:9292"),
    ("volumev3", "cinder", "http://controller:8776/v3"),
    ("placement", "placement", "http://controller:8778"),
    ("compute", "nova", "http://controller:8774/v2.1"),
    ("network", "neutron", "http://controller:9696"),
)

keystone.conf.configure()
# Keystone does not start without keys. They are thrown away: nothing that is seeded is signed or encrypted with them.
keys = tempfile.mkdtemp()
settings = {
    "fernet_tokens": {"key_repository": keys},
    "database": {"connection": cloud.databases["keystone"]},
    "identity": {"password_hash_rounds": 4},
    "cache": {"enabled": False},
}
keystone.conf.CONF(cloud.configured(**settings), project="keystone")
fernet_utils.FernetUtils(keys, 1, "fernet_tokens").initialize_key_repository()

first = bootstrap.Bootstrapper()
first.admin_username = first.project_name = first.admin_role_name = "admin"
first.admin_password = common.PASSWORD
first.service_name = "keystone"
first.region_id = common.REGION
first.public_url = first.internal_url = first.admin_url = CATALOG[0][2]
with common.shared():
    first.bootstrap()
api = provider_api.ProviderAPIs


def make_project(project_id, name, **more):
    """A project of the default domain."""
    described = {"id": project_id, "name": name, "domain_id": common.DOMAIN, "description": name, "enabled": True}
    api.resource_api.create_project(project_id, dict(described, is_domain=False, parent_id=common.DOMAIN, **more))


def make_user(user_id, name, project_id, *roles):
    """A user with roles on a project. Keystone draws the id of a user itself: let it draw ours."""
    user = {"name": name, "domain_id": common.DOMAIN, "password": common.PASSWORD, "enabled": True}
    api.identity_api.driver.create_user(user_id, dict(user, id=user_id))
    for role in roles:
        api.assignment_api.add_role_to_user_and_project(user_id, project_id, role)


service_project = cloud.shared("project", "service").replace("-", "")
make_project(service_project, "service")
for kind, name, url in CATALOG[1:]:
    user_id = cloud.shared("user", name).replace("-", "")
    make_user(user_id, name, service_project, first.admin_role_id)
    service_id = cloud.shared("service", name).replace("-", "")
    api.catalog_api.create_service(service_id, {"id": service_id, "type": kind, "name": name, "enabled": True})
    for interface in ("public", "internal", "admin"):
        endpoint = cloud.shared("endpoint", name, interface).replace("-", "")
        described = {"id": endpoint, "service_id": service_id, "interface": interface, "url": url, "enabled": True}
        api.catalog_api.create_endpoint(endpoint, dict(described, region_id=common.REGION))

limit_id = cloud.shared("registered limit").replace("-", "")
api.unified_limit_api.create_registered_limits(
    [
        {
            "id": limit_id,
            "service_id": cloud.shared("service", "nova").replace("-", ""),
            "region_id": common.REGION,
            "resource_name": "cores",
            "default_limit": 20,
            "description": None,
        }
    ]
)
for project in cloud.projects:
    owner = cloud.project_id(project)
    make_project(owner, project)
    for number in range(1, cloud.users_per_project + 1):
        roles = (first.member_role_id, first.reader_role_id)[: 2 if number == 1 else 1]
        make_user(cloud.user_id(project, number), "%s-user%d" % (project, number), owner, *roles)
    api.resource_api.create_project_tag(owner, "seeded")
    group_id = cloud.id("group", project).replace("-", "")
    group = {"id": group_id, "name": "%s-readers" % project, "domain_id": common.DOMAIN, "description": ""}
    api.identity_api.driver.create_group(group_id, group)
    api.identity_api.add_user_to_group(cloud.user_id(project), group_id)
    api.assignment_api.create_grant(first.reader_role_id, group_id=group_id, project_id=owner)
    secret = {
        "id": cloud.id("application", project).replace("-", ""),
        "name": "%s-deploy" % project,
        "secret": common.PASSWORD,
        "user_id": cloud.user_id(project),
        "project_id": owner,
        "unrestricted": False,
        "description": "seeded",
    }
    api.application_credential_api.driver.create_application_credential(secret, [{"id": first.member_role_id}])
    api.trust_api.create_trust(
        cloud.id("trust", project).replace("-", ""),
        {
            "trustor_user_id": cloud.user_id(project),
            "trustee_user_id": cloud.user_id(project, cloud.users_per_project),
            "project_id": owner,
            "impersonation": True,
            "expires_at": None,
        },
        [{"id": first.member_role_id}],
    )
    api.unified_limit_api.create_limits(
        [
            {
                "id": cloud.id("limit", project).replace("-", ""),
                "project_id": owner,
                "service_id": cloud.shared("service", "nova").replace("-", ""),
                "region_id": common.REGION,
                "resource_name": "cores",
                "resource_limit": 40,
                "description": None,
            }
        ]
    )

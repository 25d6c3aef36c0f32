"""Who may do what where: users, projects, roles and grants keep their meaning through keystone's assignment rewrite."""

from __future__ import annotations

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud
from osupgrade.openstack.keystone.sql import GRANT_TYPES, grants

_KINDS = {
    "users": (1, "SELECT id, name, password, enabled, domain_id FROM user"),
    "projects": (1, "SELECT id, name, enabled, domain_id FROM project"),
    "domains": (1, "SELECT id, name, enabled FROM domain"),
    "groups": (1, "SELECT id, name, domain_id FROM `group`"),
    "members of groups": (2, "SELECT user_id, group_id FROM user_group_membership"),
    "roles": (1, "SELECT id, name FROM role"),
    "services": (1, "SELECT id, type FROM service"),
    "endpoints": (1, "SELECT id, interface, region, service_id, url FROM endpoint"),
    "trusts": (1, "SELECT id, trustor_user_id, trustee_user_id, project_id, impersonation, deleted_at FROM trust"),
    "roles of trusts": (2, "SELECT trust_id, role_id FROM trust_role"),
    "credentials": (1, "SELECT id, user_id, project_id, type, `blob` FROM credential WHERE type <> 'ec2'"),
    "policies": (1, "SELECT id, type, `blob` FROM policy"),
}


_OWN_KEYS = "SELECT access, secret FROM ec2_credential"
_KEYS = (
    "SELECT SUBSTRING_INDEX(SUBSTRING_INDEX(`blob`, '\"access\": \"', -1), '\"', 1), "
    "SUBSTRING_INDEX(SUBSTRING_INDEX(`blob`, '\"secret\": \"', -1), '\"', 1) FROM credential "
    "WHERE type = 'ec2' AND id = SHA2(SUBSTRING_INDEX(SUBSTRING_INDEX(`blob`, '\"access\": \"', -1), '\"', 1), 256)"
)
"""Access keys with their secrets: in a table of their own in Grizzly, as credentials of type ec2 from Havana on."""


def _read(cloud: Cloud) -> Facts:
    tables = cloud.tables("keystone")
    kinds = {**_KINDS, "EC2 keys": (1, _OWN_KEYS if "ec2_credential" in tables else _KEYS)}
    if "assignment" in tables:
        kinds["grants"] = (4, "SELECT type, actor_id, target_id, role_id FROM assignment")
        return facts_of(cloud, "keystone", kinds)
    held = {(GRANT_TYPES[g.table], g.actor, g.target, role): () for g in grants(cloud) for role in g.roles}
    return {**facts_of(cloud, "keystone", kinds), "grants": held}


check = same(
    "grants",
    "Users, projects and roles stay, and everybody keeps their roles, in the same projects",
    ("keystone",),
    _read,
    "somebody may do less, or more, than before the upgrade",
)

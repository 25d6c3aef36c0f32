"""Who may do what, at any release: users, projects, domains, grants, application credentials and trusts.

A user's name moves from ``user`` to ``local_user`` in Newton, domains become rows of ``project`` in Mitaka, whose column
for it comes in Kilo, and grants come to ``assignment`` in Havana and Icehouse.
"""

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud
from osupgrade.openstack.keystone.sql import GRANT_TYPES, grants

ROOT = "<<keystone.domain.root>>"
"""The row of ``project`` that Mitaka makes for what has no domain."""
_NAMED = "SELECT u.id, l.name, l.domain_id, u.enabled FROM user u JOIN local_user l ON l.user_id = u.id"
_OWN_NAME = "SELECT id, name, domain_id, enabled FROM user"
_PROJECTS = "SELECT id, name, domain_id, enabled FROM project"
_MOVED = f"SELECT id, name, enabled FROM project WHERE is_domain AND id <> '{ROOT}'"
_DOMAINS = f"SELECT id, name, enabled FROM domain WHERE id <> '{ROOT}'"
LATER = {
    "application_credential": (
        "application credentials",
        (1, "SELECT id, user_id, project_id, name FROM application_credential"),
    ),
    "trust": ("trusts", (1, "SELECT id, trustor_user_id, trustee_user_id, project_id FROM trust")),
}


def _facts(cloud: Cloud) -> Facts:
    tables = cloud.tables("keystone")
    moved = "is_domain" in cloud.columns("keystone", "project")
    kinds = {
        "users": (1, _NAMED if "local_user" in tables else _OWN_NAME),
        "projects": (1, f"{_PROJECTS} WHERE NOT is_domain" if moved else _PROJECTS),
        "domains": (1, " UNION ".join([_DOMAINS] * ("domain" in tables) + [_MOVED] * moved)),
        **dict(kind for table, kind in LATER.items() if table in tables),
    }
    if "assignment" in tables:
        inherited = "inherited" if "inherited" in cloud.columns("keystone", "assignment") else "0"
        kinds["grants"] = (5, f"SELECT type, actor_id, target_id, role_id, {inherited} FROM assignment")
        return facts_of(cloud, "keystone", kinds)
    held = {(GRANT_TYPES[g.table], g.actor, g.target, role, 0): () for g in grants(cloud) for role in g.roles}
    return {**facts_of(cloud, "keystone", kinds), "grants": held}


check = same(
    "identities",
    "Users, projects and grants are the same after every hop",
    ("keystone",),
    _facts,
    "someone can no longer log in, or may do more or less than before",
    every_hop=True,
)

"""Who may do what: from Rocky on these tables keep their names."""

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

KINDS = {
    "users": (1, "SELECT u.id, l.name, l.domain_id, u.enabled FROM user u JOIN local_user l ON l.user_id = u.id"),
    "projects": (1, "SELECT id, name, domain_id, enabled, is_domain FROM project"),
    "grants": (5, "SELECT type, actor_id, target_id, role_id, inherited FROM assignment"),
    "application credentials": (1, "SELECT id, user_id, project_id, name FROM application_credential"),
    "trusts": (1, "SELECT id, trustor_user_id, trustee_user_id, project_id FROM trust"),
}


def _facts(cloud: Cloud) -> Facts:
    return facts_of(cloud, "keystone", KINDS)


check = same(
    "identities",
    "Users, projects and grants are the same after every hop",
    ("keystone",),
    _facts,
    "someone can no longer log in, or may do more or less than before",
    every_hop=True,
)

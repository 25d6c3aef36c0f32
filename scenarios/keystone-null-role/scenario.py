"""A grant whose first role has no id: keystone's 039 drops the roles after it, and nothing says so."""

from collections.abc import Iterator

from osupgrade.scenarios import Cloud, Damage, Evidence, Finding, Scenario, Silent, service

keystone = service("keystone")

scenario = Scenario(
    title="A role without an id in a grant removes the roles after it",
    services=("keystone",),
    symptom=Silent(
        "after:icehouse/keystone", breaks=("grants",), damage=Damage(1, ("trap-user", "trap-project", "trap-role"))
    ),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A separate user with such a grant."""
    keystone.plant_grant(cloud, '{"roles": [null, "trap-role"]}')


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Such grants, in any of the four tables."""

    def broken(grant: keystone.Grant) -> bool:
        """A null among the role ids."""
        return None in grant.roles

    yield from keystone.grants_finding(
        scenario,
        cloud,
        broken,
        message="grant[s] contain[s|] a role without an id",
        effect="Icehouse's 039 stops reading such a grant at that role and exits 0: the roles after it are gone",
        cure="remove the empty role",
        roles=lambda grant: tuple(role for role in grant.roles if role),
    )


@scenario.probe()
def lost(cloud: Cloud) -> Evidence:
    """The role that the user had, and no longer has."""
    return cloud.evidence(
        "keystone",
        "SELECT 'trap-user' AS user, 'trap-project' AS project, r.id AS role FROM role r WHERE r.id = 'trap-role' AND NOT EXISTS "
        "(SELECT 1 FROM assignment a WHERE a.actor_id = 'trap-user' AND a.role_id = r.id)",
    )

"""A grant whose first role has no id: keystone's 039 drops the roles after it, and nothing says so."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Evidence, Finding
from osupgrade.openstack.keystone.sql import Grant, grants_finding, plant_grant
from osupgrade.scenarios.contract import Scenario, Silent

scenario = Scenario(
    title="A role without an id in a grant takes the roles after it away",
    services=("keystone",),
    symptom=Silent("after:icehouse/keystone", breaks=("grants",)),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A user of his own with such a grant."""
    plant_grant(cloud, '{"roles": [null, "trap-role"]}')


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Such grants, in any of the four tables."""

    def broken(grant: Grant) -> bool:
        """A null among the role ids."""
        return None in grant.roles

    yield from grants_finding(
        scenario,
        cloud,
        broken,
        message="grants hold a role without an id",
        consequence="Icehouse's 039 stops reading such a grant at that role and exits 0: the roles after it are gone",
        cure="take the empty role out",
        roles=lambda grant: tuple(role for role in grant.roles if role),
    )


@scenario.probe()
def lost(cloud: Cloud) -> Evidence:
    """The role that the user had, and has no more."""
    return cloud.evidence(
        "keystone",
        "user project role",
        "SELECT 'trap-user', 'trap-project', r.id FROM role r WHERE r.id = 'trap-role' AND NOT EXISTS "
        "(SELECT 1 FROM assignment a WHERE a.actor_id = 'trap-user' AND a.role_id = r.id)",
    )

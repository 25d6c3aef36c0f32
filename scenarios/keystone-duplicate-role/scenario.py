"""A grant that names a role twice."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.openstack.keystone.sql import Grant, grants_finding, plant_grant
from osupgrade.scenarios.contract import Blocks, Scenario

scenario = Scenario(
    title="A grant that names a role twice stops keystone's 039",
    services=("keystone",),
    symptom=Blocks("icehouse/keystone", error=r"1062.*trap-user-trap-project-trap-role", version="38"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A user of his own with such a grant."""
    plant_grant(cloud, '{"roles": ["trap-role", "trap-role"]}')


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Such grants, in any of the four tables."""

    def broken(grant: Grant) -> bool:
        """The same role id more than once."""
        return len(set(grant.roles)) < len(grant.roles)

    yield from grants_finding(
        scenario,
        cloud,
        broken,
        message="grants name a role twice",
        consequence="Icehouse's keystone stops at 039 with 1062; it is left at 38 with rows already moved",
        cure="name each role once",
        roles=lambda grant: tuple(dict.fromkeys(role for role in grant.roles if role)),
    )

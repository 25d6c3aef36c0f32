"""A grant that names a role which is gone."""

from collections.abc import Iterator

from osupgrade.scenarios import Blocks, Cloud, Finding, Scenario, service

keystone = service("keystone")

scenario = Scenario(
    title="A grant of a role that no longer exists stops keystone's 039",
    services=("keystone",),
    symptom=Blocks("icehouse/keystone", error=r"1452.*assignment", version="38"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A separate user with such a grant."""
    keystone.plant_grant(cloud, '{"roles": ["trap-role", "gone-role"]}')


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Such grants, in any of the four tables."""
    known = keystone.known_roles(cloud)

    def broken(grant: keystone.Grant) -> bool:
        """A role id that no role has."""
        return any(role is not None and role not in known for role in grant.roles)

    yield from keystone.grants_finding(
        scenario,
        cloud,
        broken,
        message="grant[s] name[s|] a role that no longer exists",
        effect="Icehouse's keystone stops at 039 with 1452 (assignment has a foreign key onto role); it stays at 38 with rows already moved",
        cure="remove the missing roles from the grants",
        roles=lambda grant: tuple(role for role in grant.roles if role in known),
    )

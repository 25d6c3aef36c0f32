"""A grant that names a role twice."""

from collections.abc import Iterator

from osupgrade.scenarios import Blocks, Cloud, Finding, Scenario, service

keystone = service("keystone")

scenario = Scenario(
    title="A grant that names a role twice stops keystone's 039",
    services=("keystone",),
    symptom=Blocks("icehouse/keystone", error=r"1062.*trap-user-trap-project-trap-role", version="38"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A separate user with such a grant."""
    keystone.plant_grant(cloud, '{"roles": ["trap-role", "trap-role"]}')


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Such grants, in any of the four tables."""

    def broken(grant: keystone.Grant) -> bool:
        """The same role id more than once."""
        return len(set(grant.roles)) < len(grant.roles)

    yield from keystone.grants_finding(
        scenario,
        cloud,
        broken,
        message="grant[s] name[s|] a role twice",
        effect="Icehouse's keystone stops at 039 with 1062; it stays at 38 with rows already moved",
        cure="name each role once",
        roles=lambda grant: tuple(dict.fromkeys(role for role in grant.roles if role)),
    )

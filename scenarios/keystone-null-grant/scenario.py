"""A grant whose data is NULL, or not what keystone itself writes."""

from collections.abc import Iterator

from osupgrade.scenarios import Blocks, Cloud, Finding, Scenario, service

keystone = service("keystone")

scenario = Scenario(
    title="A grant without data stops keystone's 029",
    services=("keystone",),
    symptom=Blocks("havana/keystone", error=r"TypeError: expected string or buffer", version="28"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A separate user with such a grant."""
    keystone.plant_grant(cloud, None)


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Such grants, in any of the four tables."""

    def broken(grant: keystone.Grant) -> bool:
        """No data at all, no JSON object, no list of roles, or roles in the form of another release."""
        return grant.misformed

    yield from keystone.grants_finding(
        scenario,
        cloud,
        broken,
        message="grant[s] [has|have] no data, or data that keystone cannot read",
        effect="Havana's keystone stops at 029 with a TypeError or a ValueError and stays at 28, or Icehouse's at 039 and stays at 38",
        cure="write the roles that can be read as keystone does, and an empty list otherwise",
        roles=lambda grant: tuple(role for role in grant.roles if role),
    )

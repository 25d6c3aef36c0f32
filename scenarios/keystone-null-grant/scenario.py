"""A grant whose data is NULL."""

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
        """No data at all."""
        return grant.data is None

    yield from keystone.grants_finding(
        scenario,
        cloud,
        broken,
        message="grants have no data",
        effect="Havana's keystone stops at 029 with TypeError: expected string or buffer; it is left at 28",
        cure="say that they grant nothing",
        roles=lambda _grant: (),
    )

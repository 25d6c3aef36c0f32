"""A grant whose JSON was encoded twice, as Grizzly's own 020 does it."""

import json
from collections.abc import Iterator

from osupgrade.scenarios import Blocks, Cloud, Finding, Scenario, service

keystone = service("keystone")

scenario = Scenario(
    title="A grant encoded twice stops keystone's 029",
    services=("keystone",),
    symptom=Blocks("havana/keystone", error=r"TypeError: string indices must be integers|AttributeError", version="28"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A separate user with such a grant."""
    keystone.plant_grant(cloud, json.dumps('{"roles": ["trap-role"]}'))


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Such grants, in any of the four tables."""

    def broken(grant: keystone.Grant) -> bool:
        """A JSON string in which JSON lies."""
        return grant.twice

    yield from keystone.grants_finding(
        scenario,
        cloud,
        broken,
        message="grant[s] [is|are] encoded twice",
        effect="Havana's keystone stops at 029 with a TypeError; it stays at 28",
        cure="decode them once",
        roles=lambda grant: tuple(role for role in grant.roles if role),
    )

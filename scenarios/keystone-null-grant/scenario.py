"""A grant whose data is NULL."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.openstack.keystone.sql import Grant, grants_finding, plant_grant
from osupgrade.scenarios.contract import Blocks, Scenario

scenario = Scenario(
    title="A grant without data stops keystone's 029",
    services=("keystone",),
    symptom=Blocks("havana/keystone", error=r"TypeError: expected string or buffer", version="28"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A user of his own with such a grant."""
    plant_grant(cloud, None)


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Such grants, in any of the four tables."""

    def broken(grant: Grant) -> bool:
        """No data at all."""
        return grant.data is None

    yield from grants_finding(
        scenario,
        cloud,
        broken,
        message="grants have no data",
        consequence="Havana's keystone stops at 029 with TypeError: expected string or buffer; it is left at 28",
        cure="say that they grant nothing",
        roles=lambda _grant: (),
    )

"""neutron's tables in MyISAM: no foreign key of the coming releases can refer to them."""

from collections.abc import Iterator

from osupgrade.scenarios import Blocks, Cloud, Finding, Scenario, is_before, not_innodb, put_in_myisam

scenario = Scenario(
    title="neutron's ports are in MyISAM",
    services=("neutron",),
    symptom=Blocks("havana/neutron", error=r"\((1215|1005), .*CREATE TABLE portbindingports", version="f489cf14a79c"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """What is left of a server whose default was MyISAM."""
    put_in_myisam(cloud, "neutron", "ports")


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables of neutron that are not InnoDB."""
    if is_before(cloud, "neutron", "icehouse"):
        yield from not_innodb(
            scenario,
            cloud,
            "a foreign key cannot refer to a table in another engine: Havana's first new table with a key onto such a table "
            "fails with 1215 (or 1005, errno 150); the foreign keys of such tables themselves were lost when the engine "
            "changed",
        )

"""cinder's tables in MyISAM: no foreign key of the coming releases can refer to them."""

from collections.abc import Iterator

from osupgrade.scenarios import Blocks, Cloud, Finding, Scenario, is_before, not_innodb, put_in_myisam

scenario = Scenario(
    title="cinder's volumes are in MyISAM",
    services=("cinder",),
    symptom=Blocks("havana/cinder", error=r"\((1215|1005), .*CREATE TABLE transfers", version="9"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """What is left of a server whose default was MyISAM."""
    put_in_myisam(cloud, "cinder", "volumes")


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables of cinder that are not InnoDB."""
    if is_before(cloud, "cinder", "icehouse"):
        yield from not_innodb(
            scenario,
            cloud,
            "a foreign key cannot refer to a table in another engine: Havana's 010 makes the table transfers with one onto "
            "volumes, and stops with 1215 (or 1005, errno 150); the foreign keys of such tables themselves were lost when "
            "the engine changed",
        )

"""nova's tables in MyISAM: the keys that Havana adds are too long for it, and no foreign key can refer to them."""

from collections.abc import Iterator

from osupgrade.scenarios import Blocks, Cloud, Finding, Scenario, is_before, not_innodb, put_in_myisam

scenario = Scenario(
    title="nova's services are in MyISAM",
    services=("nova",),
    # MySQL 5.6 finds the key too long at 196; MariaDB's MyISAM takes it, and its InnoDB stops at 209's foreign key.
    symptom=Blocks("havana/nova", error=r"1071, .*uniq_services0host0topic0deleted|\((1215|1005), .*compute_nodes"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """What is left of a server whose default was MyISAM."""
    put_in_myisam(cloud, "nova", "services")


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables of nova that are not InnoDB."""
    if is_before(cloud, "nova", "icehouse"):
        yield from not_innodb(
            scenario,
            cloud,
            "Havana's nova adds unique keys that are longer than MyISAM's 1000 bytes (1071), and in 209 foreign keys onto "
            "such tables (1215, or 1005 with errno 150); where no table is InnoDB it leaves the foreign keys out without a "
            "word. Those of such tables themselves were lost when the engine changed",
        )

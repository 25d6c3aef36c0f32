"""A keystone table in MyISAM: Havana's 027 makes it InnoDB and forgets its foreign keys, and nothing says so."""

from collections.abc import Iterator

from osupgrade.scenarios import Cloud, Damage, Evidence, Finding, Scenario, Silent, is_before, not_innodb, put_in_myisam

scenario = Scenario(
    title="Keystone's tables in MyISAM end without their foreign keys",
    services=("keystone",),
    symptom=Silent("after:havana/keystone", damage=Damage(1, ("endpoint", "service_id", "service"))),
)

ENGINES = "27"
"""The migration that makes all tables InnoDB."""


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """What is left of a server whose default was MyISAM."""
    put_in_myisam(cloud, "keystone", "endpoint")


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables of keystone that are not InnoDB."""
    if is_before(cloud, "keystone", ENGINES):
        yield from not_innodb(
            scenario,
            cloud,
            f"Havana's {ENGINES} makes them InnoDB and exits 0, but leaves their foreign keys out: nothing keeps their "
            "rows together any more",
        )


@scenario.probe()
def forgotten(cloud: Cloud) -> Evidence:
    """The foreign key that Havana's keystone has and this one lacks."""
    return cloud.evidence(
        "keystone",
        "SELECT 'endpoint' AS `table`, 'service_id' AS `column`, 'service' AS parent FROM DUAL WHERE NOT EXISTS "
        "(SELECT 1 FROM information_schema.key_column_usage WHERE table_schema = DATABASE() "
        "AND table_name = 'endpoint' AND referenced_table_name = 'service')",
    )

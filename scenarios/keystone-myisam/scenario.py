"""A keystone table in MyISAM: Havana's 027 makes it InnoDB and forgets its foreign keys, and nothing says so."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Cure, Evidence, Finding, Severity, Sql
from osupgrade.scenarios.contract import Scenario, Silent
from osupgrade.schema.catalogue import lineage, variants

scenario = Scenario(
    title="Keystone's tables in MyISAM end without their foreign keys",
    services=("keystone",),
    symptom=Silent("after:havana/keystone"),
)

ENGINES = 27
"""The migration that makes all tables InnoDB."""
MISSING = (
    "SELECT 'endpoint', 'service_id', 'service' FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM "
    "information_schema.key_column_usage WHERE table_schema = DATABASE() AND table_name = 'endpoint' "
    "AND referenced_table_name = 'service')"
)
OTHERS = (
    "SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE() "
    "AND table_type = 'BASE TABLE' AND engine <> 'InnoDB' ORDER BY 1"
)


KEYS = (
    "SELECT table_name, column_name, referenced_table_name FROM information_schema.key_column_usage "
    "WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL"
)


def statements(cloud: Cloud) -> Iterator[str]:
    """All tables InnoDB, then the foreign keys that Grizzly's keystone has and this database lacks."""
    for table, _engine in cloud.rows("keystone", OTHERS):
        yield f"ALTER TABLE `{table}` ENGINE = InnoDB"
    there = set(cloud.rows("keystone", KEYS))
    tables = cloud.tables("keystone")
    for table in lineage("keystone", variants("keystone")[0]).head("grizzly").schema.tables:
        for key in table.foreign_keys:
            (column,), (referred,) = key.columns, key.referred
            if {table.name, key.table} <= tables and (table.name, column, key.table) not in there:
                yield (
                    f"ALTER TABLE `{table.name}` ADD FOREIGN KEY (`{column}`) REFERENCES `{key.table}` (`{referred}`)"
                )


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """What is left of a server whose default was MyISAM."""
    keys = cloud.rows(
        "keystone",
        "SELECT constraint_name FROM information_schema.key_column_usage WHERE table_schema = DATABASE() "
        "AND table_name = 'endpoint' AND referenced_table_name IS NOT NULL",
    )
    cloud.execute(
        "keystone",
        *(f"ALTER TABLE endpoint DROP FOREIGN KEY `{name}`" for (name,) in keys),
        "ALTER TABLE endpoint ENGINE = MyISAM",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables of keystone that are not InnoDB."""
    version = cloud.value("keystone", "SELECT MAX(version) FROM migrate_version")
    tables = cloud.evidence("keystone", "table engine", OTHERS)
    if tables.total and version is not None and version < ENGINES:
        yield Finding(
            source=scenario.name,
            severity=Severity.ERROR,
            service="keystone",
            place="keystone",
            message=f"{tables.total} tables of keystone are not InnoDB",
            consequence=f"Havana's {ENGINES} makes them InnoDB and exits 0, but leaves their foreign keys out: nothing keeps "
            "their rows together any more",
            evidence=tables,
            cure=Cure(
                "make them InnoDB and give them Grizzly's foreign keys before Havana",
                tuple(Sql("keystone", statement) for statement in statements(cloud)),
            ),
            command=f"osupgrade rehearse --cure {scenario.name}",
        )


@scenario.probe()
def forgotten(cloud: Cloud) -> Evidence:
    """The foreign key that Havana's keystone has and this one lacks."""
    return cloud.evidence("keystone", "table column parent", MISSING)

"""Icehouse's keystone makes a latin1 table itself, and refuses it when it is run again."""

from collections.abc import Iterator, Sequence

from osupgrade.cloud.cloud import Cloud, ToolRun
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="Icehouse's keystone cannot run db_sync twice where the database's default is latin1",
    services=("keystone",),
    symptom=Blocks("icehouse/keystone", error=r'ValueError: Tables "region" have non utf8 collation', version="44"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """The default of a server that nobody set up for utf8; all tables are utf8."""
    cloud.execute("keystone", "ALTER DATABASE {keystone} DEFAULT CHARACTER SET latin1")


@scenario.instead("icehouse/keystone", lane="naive")
@scenario.instead("icehouse/keystone", lane="cured")
def run_twice(cloud: Cloud) -> Sequence[ToolRun]:
    """The package runs it when it is installed, the operator runs it again."""
    return tuple(cloud.tool("icehouse", "keystone", "db_sync") for _ in range(2))


@scenario.preflight("seeded", "before:icehouse/keystone")
def find(cloud: Cloud) -> Iterator[Finding]:
    """A default that is not utf8."""
    yield from rows_finding(
        scenario,
        cloud,
        place="keystone.migrate_version",
        columns="database default",
        query="SELECT schema_name, default_character_set_name FROM information_schema.schemata "
        "WHERE schema_name = DATABASE() AND default_character_set_name NOT LIKE 'utf8%'",
        message="keystone's database has a default character set other than utf8",
        consequence="Icehouse's 037 makes `region` in it; each later `keystone-manage db_sync` stops with ValueError: "
        'Tables "region" have non utf8 collation, though the first came through',
        cure="give the database utf8 as its default before Icehouse makes the table",
        statements=("ALTER DATABASE {keystone} DEFAULT CHARACTER SET utf8",),
    )

"""A keystone database whose tables are latin1."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.openstack.keystone.sql import NOT_UTF8, UPSTREAM
from osupgrade.scenarios.charset import conversion
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="Icehouse's keystone refuses tables that are not utf8",
    services=("keystone",),
    symptom=Blocks("icehouse/keystone", error=r"ValueError: Tables .* have non utf8 collation", version="36"),
)

LATIN = f"{NOT_UTF8} AND table_name IN ({UPSTREAM})"
"""An own table is own-latin1-table's."""


def latin(cloud: Cloud) -> list[str]:
    """The tables to convert."""
    return [str(row[0]) for row in cloud.rows("keystone", f"SELECT table_name {LATIN}")]


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A table as a server with a latin1 default would have made it."""
    cloud.execute(
        "keystone",
        "ALTER TABLE policy CONVERT TO CHARACTER SET latin1",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables of another character set."""
    yield from rows_finding(
        scenario,
        cloud,
        place="keystone.migrate_version",
        columns="table collation",
        query=f"SELECT table_name, table_collation {LATIN}",
        message="{n} tables of keystone are not utf8",
        consequence="Icehouse's keystone refuses to migrate: ValueError: Tables ... have non utf8 collation; it stays at 36",
        cure="convert them (look first whether utf8 bytes lie in latin1 columns: then go by way of BLOB)",
        statements=(
            *conversion(cloud, "keystone", latin(cloud), "utf8"),
            "ALTER DATABASE {keystone} DEFAULT CHARACTER SET utf8",
        ),
    )

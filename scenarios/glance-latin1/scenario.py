"""A glance database made on a server whose default is latin1."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.charset import conversion
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="Icehouse's glance refuses tables that are not utf8",
    services=("glance",),
    symptom=Blocks("icehouse/glance", error=r"ValueError: Tables .* have non utf8 collation", version="29"),
)

LATIN = "table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_collation NOT LIKE '%utf8%'"


def latin(cloud: Cloud) -> list[str]:
    """The tables to convert."""
    return [row[0] for row in cloud.rows("glance", f"SELECT table_name FROM information_schema.tables WHERE {LATIN}")]


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """What Grizzly makes on a latin1 server."""
    cloud.execute(
        "glance",
        *conversion(cloud, "glance", cloud.tables("glance"), "latin1"),
        "ALTER DATABASE {glance} DEFAULT CHARACTER SET latin1",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables of another character set, migrate_version included: glance's check does not spare it."""
    yield from rows_finding(
        scenario,
        cloud,
        place="glance.images",
        columns="table collation",
        query=f"SELECT table_name, table_collation FROM information_schema.tables WHERE {LATIN}",
        message="{n} tables of glance are not utf8",
        consequence="Icehouse's glance refuses to migrate: ValueError: Tables ... have non utf8 collation; it stays at 29",
        cure="convert them all, migrate_version too (look first whether utf8 bytes lie in latin1 columns)",
        statements=(
            *conversion(cloud, "glance", latin(cloud), "utf8"),
            "ALTER DATABASE {glance} DEFAULT CHARACTER SET utf8",
        ),
    )

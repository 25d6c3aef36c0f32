"""A cinder database restored with latin1 tables."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.charset import conversion
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="latin1 tables stop cinder's 010",
    services=("cinder",),
    symptom=Blocks("havana/cinder", error=r"(1215|1005).*", version="9"),
)

LATIN = "table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_collation NOT LIKE '%utf8%'"


def latin(cloud: Cloud) -> list[str]:
    """The tables to convert."""
    return [row[0] for row in cloud.rows("cinder", f"SELECT table_name FROM information_schema.tables WHERE {LATIN}")]


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A restore under another default."""
    cloud.execute("cinder", *conversion(cloud, "cinder", cloud.tables("cinder"), "latin1"))


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables of another character set than Havana's new ones."""
    yield from rows_finding(
        scenario,
        cloud,
        place="cinder.volumes",
        columns="table collation",
        query=f"SELECT table_name, table_collation FROM information_schema.tables WHERE {LATIN}",
        message="{n} tables of cinder are not utf8",
        consequence="cinder's 010 makes transfers in utf8 with a key onto volumes and meets 1215 (1005 on 5.1 and 5.5); cinder stays at 9",
        cure="convert them",
        statements=(*conversion(cloud, "cinder", latin(cloud), "utf8"),),
    )

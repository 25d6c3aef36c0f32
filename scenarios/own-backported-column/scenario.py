"""A column of Havana's, back-ported by the operator."""

from collections.abc import Iterator

from osupgrade.cloud import Cloud
from osupgrade.model import Finding
from osupgrade.scenario import Blocks, Scenario
from osupgrade.scenariolib import rows_finding

scenario = Scenario(
    title="A back-ported column stops nova's 188",
    services=("nova",),
    symptom=Blocks("havana/nova", error=r"1060.*Duplicate column name 'disabled_reason'", version="187"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """The operator took a feature of Havana early."""
    cloud.execute(
        "nova",
        "ALTER TABLE services ADD COLUMN disabled_reason VARCHAR(255)",
        "UPDATE services SET disabled_reason = 'broken fan' LIMIT 1",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """The column that Havana is about to add."""
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.services",
        columns="column_name column_type",
        query="SELECT column_name, column_type FROM information_schema.columns WHERE table_schema = DATABASE() "
        "AND table_name = 'services' AND column_name = 'disabled_reason' "
        "AND (SELECT version FROM migrate_version) < 188",
        message="nova.services has a column disabled_reason, which is Havana's",
        consequence="nova's 188 adds it and meets 1060 Duplicate column name; nova is left at 187",
        cure="give the column another name, and take its content over once nova's 188 has made the real one",
        statements=("ALTER TABLE services CHANGE disabled_reason own_disabled_reason VARCHAR(255)",),
    )


@scenario.preflight("after:havana/nova")
def bring_back(cloud: Cloud) -> Iterator[Finding]:
    """The parked content, once Havana has made the column."""
    if "own_disabled_reason" not in cloud.columns("nova", "services"):
        return
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.services",
        columns="services with_reason",
        query="SELECT COUNT(*), COUNT(own_disabled_reason) FROM services",
        message="the content of the back-ported column waits under another name",
        consequence="the reasons why services are disabled do not show",
        cure="copy it into the real column and drop the own one",
        statements=(
            "UPDATE services SET disabled_reason = own_disabled_reason",
            "ALTER TABLE services DROP COLUMN own_disabled_reason",
        ),
    )

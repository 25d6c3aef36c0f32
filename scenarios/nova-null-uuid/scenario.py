"""An instance without a uuid defeats nova's purge of orphans."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="An instance whose uuid is NULL stops nova's 209",
    services=("nova",),
    symptom=Blocks("havana/nova", error=r"1452.*fk_instance_faults_instance_uuid", version="208"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A row from the days before uuids, and an orphan that the purge should take away."""
    cloud.execute(
        "nova",
        "INSERT INTO instances (uuid, deleted) VALUES (NULL, 0)",
        "INSERT INTO instance_faults (instance_uuid, code, deleted) VALUES ('gone-uuid', 500, 0)",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Instances without a uuid."""
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.instances",
        columns="id uuid created_at",
        query="SELECT id, uuid, created_at FROM instances WHERE uuid IS NULL",
        message="{n} instances have no uuid",
        consequence="`NOT IN (..., NULL)` is never true, so nova's 209 purges no orphan and then meets 1452; nova is left at 208",
        cure="delete them: no API can reach an instance without a uuid",
        statements=("DELETE FROM instances WHERE uuid IS NULL",),
    )

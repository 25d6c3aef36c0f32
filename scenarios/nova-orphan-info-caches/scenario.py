"""Info caches of instances that are gone stop nova's 185."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="Orphaned instance_info_caches stop nova's 185",
    services=("nova",),
    symptom=Blocks("havana/nova", error=r"1452.*instance_info_caches_instance_uuid_fkey", version="184"),
)

ORPHANS = "instance_info_caches c LEFT JOIN instances i ON i.uuid = c.instance_uuid WHERE i.id IS NULL"


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """What a restore with foreign keys off lets in."""
    cloud.execute(
        "nova",
        "SET foreign_key_checks = 0",
        "INSERT INTO instance_info_caches (instance_uuid, network_info, deleted) VALUES ('gone-uuid', '[]', 0)",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Caches of instances that are gone."""
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.instance_info_caches",
        needs=("instances",),
        columns="id instance_uuid",
        query=f"SELECT c.id, c.instance_uuid FROM {ORPHANS}",
        message="{n} info caches belong to instances that are gone",
        consequence="nova's 185 cannot add the foreign key again (1452); nova is left at 184 with half of its keys renamed",
        cure="delete them",
        statements=(f"DELETE c FROM {ORPHANS}",),
    )

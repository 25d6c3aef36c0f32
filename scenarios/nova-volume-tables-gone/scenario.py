"""nova-volume's left-over tables were tidied away."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="A missing left-over table stops nova's 193",
    services=("nova",),
    symptom=Blocks("havana/nova", error=r"NoSuchTableError.*shadow_volume_types", version="192"),
)

NAMES = (
    "volume_types",
    "volume_metadata",
    "volume_type_extra_specs",
    "sm_volume",
    "sm_flavors",
    "sm_backend_config",
    "virtual_storage_arrays",
)
WANTED = " UNION ALL ".join(f"SELECT '{shadow}{name}' AS name" for shadow in ("", "shadow_") for name in NAMES)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """The operator tidied up what nova-volume had left."""
    cloud.execute(
        "nova",
        "DROP TABLE shadow_volume_types",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables that 193 is going to drop and that are not there."""
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.volumes",
        columns="missing",
        query="SELECT w.name FROM (" + WANTED + ") w LEFT JOIN information_schema.tables t "
        "ON t.table_schema = DATABASE() AND t.table_name = w.name "
        "WHERE t.table_name IS NULL AND (SELECT version FROM migrate_version) < 193",
        message="{n} left-over tables of nova-volume are missing",
        consequence="nova's 193 drops them by name and stops with NoSuchTableError; nova is left at 192",
        cure="make it again, empty: 193 drops it",
        statements=("CREATE TABLE IF NOT EXISTS shadow_volume_types LIKE volume_types",),
    )

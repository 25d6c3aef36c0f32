"""cinder's storage-manager tables were tidied away."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="Missing sm_ tables stop cinder's 016",
    services=("cinder",),
    symptom=Blocks("havana/cinder", error=r"NoSuchTableError.*sm_", version="15"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """The operator tidied up."""
    cloud.execute(
        "cinder",
        "DROP TABLE sm_volume, sm_backend_config, sm_flavors",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables that 016 is going to drop and that are not there."""
    yield from rows_finding(
        scenario,
        cloud,
        place="cinder.volumes",
        columns="missing",
        query="SELECT w.name FROM (SELECT 'sm_flavors' AS name UNION ALL SELECT 'sm_backend_config' "
        "UNION ALL SELECT 'sm_volume') w LEFT JOIN information_schema.tables t "
        "ON t.table_schema = DATABASE() AND t.table_name = w.name "
        "WHERE t.table_name IS NULL AND (SELECT version FROM migrate_version) < 16",
        message="{n} tables of the storage manager are missing",
        consequence="cinder's 016 drops them by name and stops with NoSuchTableError; cinder is left at 15",
        cure="make them again, empty: 016 drops them",
        statements=tuple(
            f"CREATE TABLE IF NOT EXISTS {table} (id INT PRIMARY KEY) ENGINE=InnoDB"
            for table in ("sm_flavors", "sm_backend_config", "sm_volume")
        ),
    )

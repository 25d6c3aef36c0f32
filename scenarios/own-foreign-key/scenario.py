"""An own table that points at a table which Havana drops."""

from collections.abc import Iterator

from osupgrade.cloud import Cloud
from osupgrade.model import Finding
from osupgrade.scenario import Blocks, Scenario
from osupgrade.scenariolib import rows_finding

scenario = Scenario(
    title="An own foreign key onto a doomed table stops nova's 193",
    services=("nova",),
    symptom=Blocks("havana/nova", error=r"(1217|1451).*DROP TABLE volume_types", version="192"),
)

DOOMED = (
    "'volume_types', 'volume_metadata', 'volume_type_extra_specs', 'sm_volume', 'sm_flavors', 'sm_backend_config', "
    "'virtual_storage_arrays', 'compute_node_stats'"
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A billing table of the operator's."""
    cloud.execute(
        "nova",
        "CREATE TABLE billing_vt (id INT PRIMARY KEY, vt INT, CONSTRAINT own_billing FOREIGN KEY (vt) "
        "REFERENCES volume_types (id)) ENGINE=InnoDB",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Foreign keys of tables that are not nova's onto tables that nova's 193 and 233 drop."""
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.",
        columns="table constraint references",
        query="SELECT table_name, constraint_name, referenced_table_name FROM information_schema.key_column_usage "
        f"WHERE table_schema = DATABASE() AND referenced_table_name IN ({DOOMED}) AND table_name NOT IN ({DOOMED}) "
        "AND table_name NOT LIKE 'shadow%%'",
        message="{n} own foreign keys point at tables that the upgrade drops",
        consequence="nova's 193 meets 1217 at DROP TABLE; nova is left at 192 with six tables gone",
        cure="drop the foreign key; the own table stays",
        statements=("ALTER TABLE billing_vt DROP FOREIGN KEY own_billing",),
    )

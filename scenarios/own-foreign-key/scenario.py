"""An own table that points at a table which Havana drops."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="An own foreign key onto a doomed table stops nova's 193",
    services=("nova",),
    symptom=Blocks("havana/nova", error=r"(1217|1451).*DROP TABLE volume_types", version="192"),
)

GONE = (
    "volume_types",
    "volume_metadata",
    "volume_type_extra_specs",
    "sm_volume",
    "sm_flavors",
    "sm_backend_config",
    "virtual_storage_arrays",
    "compute_node_stats",
)
"""Tables of Grizzly's nova that 193 (Havana) and 233 (Icehouse) drop, each with its shadow."""
DOOMED = ", ".join(f"'{prefix}{table}'" for table in GONE for prefix in ("", "shadow_"))
OWN = (
    "SELECT DISTINCT IF(table_schema = DATABASE(), CONCAT('`', table_name, '`'), "
    "CONCAT('`', table_schema, '`.`', table_name, '`')), constraint_name, referenced_table_name "
    "FROM information_schema.key_column_usage WHERE referenced_table_schema = DATABASE() "
    f"AND referenced_table_name IN ({DOOMED}) AND NOT (table_schema = DATABASE() AND table_name IN ({DOOMED})) "
    "ORDER BY 1, 2"
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
    """Foreign keys, from whatever schema, onto tables that nova's 193 and 233 drop."""
    if not cloud.has("nova"):
        return
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.",
        columns="table constraint references",
        query=OWN,
        message="{n} own foreign keys point at tables that the upgrade drops",
        consequence="nova's 193 meets 1217 at DROP TABLE; nova is left at 192 with six tables gone (233 likewise)",
        cure="drop the foreign key; the own table stays",
        statements=tuple(
            f"ALTER TABLE {table} DROP FOREIGN KEY `{constraint}`" for table, constraint, _ in cloud.rows("nova", OWN)
        ),
    )

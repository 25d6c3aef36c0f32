"""The operator's own view and trigger read a table of nova that Icehouse drops."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="An own view and an own trigger over a table that Icehouse drops",
    services=("nova",),
    symptom=Blocks("icehouse/nova", error=r"1146.*compute_node_stats.*UPDATE compute_nodes SET stats", version="232"),
)

GONE = (
    "compute_node_stats",
    "volume_types",
    "volume_metadata",
    "volume_type_extra_specs",
    "sm_volume",
    "sm_flavors",
    "sm_backend_config",
    "virtual_storage_arrays",
)
"""Tables of Grizzly's nova that 193 (Havana) and 233 (Icehouse) drop."""
NAMED = "(^|[^0-9A-Za-z_])(" + "|".join(GONE) + ")([^0-9A-Za-z_]|$)"
OWN = (
    "SELECT 'VIEW', table_name, view_definition FROM information_schema.views "
    "WHERE table_schema = DATABASE() AND view_definition REGEXP '{names}' "
    "UNION ALL SELECT 'TRIGGER', trigger_name, CONCAT('on ', event_object_table, ': ', action_statement) "
    "FROM information_schema.triggers WHERE trigger_schema = DATABASE() "
    "AND (action_statement REGEXP '{names}' OR event_object_table REGEXP '{names}') ORDER BY 1, 2"
).replace("{names}", NAMED)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A view for the capacity report, and a trigger that notes what a node said when it was last updated."""
    cloud.execute(
        "nova",
        "CREATE VIEW own_capacity AS SELECT n.hypervisor_hostname, s.`key`, s.value "
        "FROM compute_nodes n JOIN compute_node_stats s ON s.compute_node_id = n.id",
        "CREATE TABLE own_history (at DATETIME, node INT, stats INT) ENGINE = InnoDB",
        "CREATE TRIGGER own_note AFTER UPDATE ON compute_nodes FOR EACH ROW INSERT INTO own_history "
        "SELECT UTC_TIMESTAMP(), NEW.id, COUNT(*) FROM compute_node_stats WHERE compute_node_id = NEW.id",
    )


@scenario.preflight("seeded", "after:icehouse/nova")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Views and triggers that name such a table."""
    if not cloud.has("nova"):
        return
    own = cloud.rows("nova", OWN)
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.compute_nodes",
        columns="kind name definition",
        query=OWN,
        message="{n} own views and triggers name tables that nova's migrations drop",
        consequence="each statement that fires such a trigger fails with 1146 once the table is gone: nova's 233 itself on "
        "compute_nodes (left at 232), or later nova; such a view stays, unusable, and mysqldump stops at it",
        cure="keep the definitions shown, drop them, and write them anew for Icehouse's tables",
        statements=tuple(f"DROP {kind} IF EXISTS `{name}`" for kind, name, _ in own),
    )

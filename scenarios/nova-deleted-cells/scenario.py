"""Nova's 179 takes a deleted cell for a living one, unless its id is 1."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Evidence, Finding
from osupgrade.scenarios.contract import Scenario, Silent
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="A deleted cell comes back to life in nova's 179",
    services=("nova",),
    symptom=Silent("after:havana/nova"),
    not_on={"mariadb105": "it enforces the CHECK that SQLAlchemy makes with a Boolean: no id gets into the column"},
)

# Before 179 the column is a Boolean, into which Grizzly's code writes the row's id as it does everywhere else.
BOOLEAN = (
    "EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() "
    "AND table_name = '{table}' AND column_name = 'deleted' AND data_type = 'tinyint')"
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """Two cells that were deleted, one of them archived since."""
    columns = "(id, name, is_parent, created_at, deleted_at, deleted)"
    for number, table in ((7, "cells"), (8, "shadow_cells")):
        row = f"({number}, 'retired{number}', 0, '2013-06-01', '2013-07-01', {number})"
        cloud.execute("nova", f"INSERT INTO {table} {columns} VALUES {row}")


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Deleted cells that 179 does not take for deleted."""
    for table in ("cells", "shadow_cells"):
        yield from rows_finding(
            scenario,
            cloud,
            place=f"nova.{table}",
            columns="id name deleted deleted_at",
            query=f"SELECT id, name, deleted, deleted_at FROM {table} WHERE deleted > 1 AND {BOOLEAN.format(table=table)}",
            message="{n} cells are deleted, and nova's 179 (181 for archived ones) does not see it",
            consequence="they are there again after Havana's `nova-manage db sync`, and nova-cells talks to them",
            cure="write 1 for true, as 179 and 181 expect it",
            statements=(f"UPDATE {table} SET deleted = 1 WHERE deleted > 1",),
        )


@scenario.probe()
def returned(cloud: Cloud) -> Evidence:
    """Cells that are alive and have a date of deletion."""
    return cloud.evidence(
        "nova",
        "table id name deleted_at",
        "SELECT 'cells', id, name, deleted_at FROM cells WHERE deleted = 0 AND deleted_at IS NOT NULL "
        "UNION ALL SELECT 'shadow_cells', id, name, deleted_at FROM shadow_cells WHERE deleted = 0",
    )

"""What is written into the version table of a database without rows."""

import pytest

from osupgrade.rehearsal.inspect.stamp import stamps, version_table
from osupgrade.schema.catalogue import lineage


@pytest.mark.parametrize(
    ("database", "release", "table", "rows"),
    [
        ("nova", "rocky", "migrate_version", [("nova", "", 390)]),
        (
            "keystone",
            "rocky",
            "migrate_version",
            [
                ("keystone", "", 109),
                *((f"keystone_{name}", "", 52) for name in ("expand", "data_migrate", "contract")),
            ],
        ),
        ("keystone", "zed", "alembic_version", [("29e87d24a316",), ("e25ffa003242",)]),
        ("nova", "zed", "alembic_version", [("ccb0fa1a2252",)]),
    ],
)
def test_each_era_s_table_gets_its_rows(database, release, table, rows):
    head = lineage(database, "rocky-hibiscus").head(release)
    assert version_table(head.schema) == table
    found = stamps(database, head.name, table)
    assert [values for _, values in found] == rows
    assert all(statement.count("%s") == len(values) for statement, values in found)

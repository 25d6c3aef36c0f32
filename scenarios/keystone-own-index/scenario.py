"""The operator's own index has the name of one that Gazpacho's keystone makes; their other changes are left alone."""

from collections.abc import Iterator

from osupgrade.scenarios import Blocks, Cloud, Finding, Scenario, rows

scenario = Scenario(
    title="A custom index on project_endpoint_group stops keystone's e8725d6fa226",
    services=("keystone",),
    symptom=Blocks(
        "gazpacho/keystone", error=r"1061.*Duplicate key name 'idx_project_id'", version="47147121, c88cdce8f248"
    ),
)

INDEX = "idx_project_id"


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """The index in advance of the real fix, and a column, an index and a table that no release makes."""
    cloud.execute("keystone", f"CREATE INDEX {INDEX} ON project_endpoint_group (project_id)")
    cloud.execute("keystone", "ALTER TABLE project ADD COLUMN cost_centre VARCHAR(20) NULL")
    cloud.execute("keystone", "UPDATE project SET cost_centre = LEFT(id, 8)")
    cloud.execute("keystone", "CREATE INDEX own_cost_centre ON project (cost_centre)")
    cloud.execute("keystone", "CREATE TABLE own_billing (id INT PRIMARY KEY, project_id VARCHAR(64)) ENGINE=InnoDB")
    cloud.execute("keystone", "INSERT INTO own_billing SELECT 1, MIN(id) FROM project")


@scenario.preflight("seeded", "before:gazpacho/keystone")
def find(cloud: Cloud) -> Iterator[Finding]:
    """The index before the revision that makes it."""
    yield from rows(
        scenario,
        cloud,
        place="keystone.project_endpoint_group",
        needs=("alembic_version",),  # keystone had another version table until Zed
        query="SELECT index_name AS `index`, column_name AS `column` FROM information_schema.statistics WHERE table_schema = DATABASE() "
        f"AND table_name = 'project_endpoint_group' AND index_name = '{INDEX}' "
        "AND EXISTS (SELECT 1 FROM alembic_version WHERE version_num = '47147121')",
        message=f"a custom index of project_endpoint_group has the name {INDEX}, which keystone's e8725d6fa226 creates",
        effect="e8725d6fa226 (2026.1) stops with 1061, duplicate key name",
        cure="drop it; the migration creates the same one",
        statements=(f"DROP INDEX {INDEX} ON project_endpoint_group",),
    )


@scenario.check()
def kept(cloud: Cloud) -> Iterator[Finding]:
    """The operator's own column, index and table must still be there, with their rows."""
    held = cloud.value(
        "keystone",
        "SELECT (SELECT COUNT(*) FROM project WHERE cost_centre <> LEFT(id, 8) OR cost_centre IS NULL) = 0 "
        "AND (SELECT COUNT(*) FROM own_billing) = 1 AND (SELECT COUNT(*) FROM information_schema.statistics "
        "WHERE table_schema = DATABASE() AND index_name = 'own_cost_centre') = 1",
    )
    if not held:
        yield from rows(
            scenario,
            cloud,
            place="keystone.project",
            query="SELECT id FROM project",
            message="a custom column, index or table was lost in the upgrade",
            effect="what reads them fails",
            cure="restore them from the backup",
        )

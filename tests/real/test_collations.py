"""The lab's own queries work on any collation: what no foreign key holds together may differ in each table."""

import zlib

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.site import Site
from osupgrade.checks import load_checks
from osupgrade.cloud.laboratory import restore_lane
from osupgrade.model.quoting import statement
from osupgrade.rehearsal.asking import ask, spared
from osupgrade.scenarios.loading import load_scenarios

LANE = "collations"
FOREIGN_KEYS = (
    "SELECT DISTINCT table_name, constraint_name, referenced_table_name FROM information_schema.key_column_usage "
    "WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL"
)
COLLATIONS = ("utf8_general_ci", "utf8_unicode_ci")


@pytest.fixture(scope="module")
def cloud(laboratory, tmp_path_factory):
    names = {d.name: d.name for part in laboratory.plan.first.services.values() for d in part.databases}
    databases = restore_lane(laboratory, names, LANE)
    yield laboratory.cloud(Site(), LANE, databases, tmp_path_factory.mktemp(LANE))
    for name in databases.values():
        laboratory.server.drop(name)


def held_together(keys, tables):
    """A name for each table that all tables have to which foreign keys lead from it."""
    names = {table: table for table in tables}
    for table, _key, referred in keys:
        one, other = names[table], names[referred]
        names = {table: other if name == one else name for table, name in names.items()}
    return names


@pytest.fixture(scope="module")
def groups(cloud):
    """The groups of tables of each database, once their foreign keys are noted and out of the way."""
    found = {}
    for database in cloud.databases:
        keys = cloud.rows(database, FOREIGN_KEYS)
        found[database] = held_together(keys, cloud.tables(database))
        cloud.execute(
            database,
            *(statement("ALTER TABLE {table} DROP FOREIGN KEY {key}", table=table, key=key) for table, key, _ in keys),
        )
    return found


@pytest.mark.parametrize("mix", range(4))
def test_every_preflight_and_invariant_can_look_at_mixed_collations(laboratory, cloud, groups, mix):
    for database, names in groups.items():
        convert = "ALTER TABLE {table} CONVERT TO CHARACTER SET utf8 COLLATE "
        cloud.execute(
            database,
            *(
                statement(convert, table=table) + COLLATIONS[zlib.crc32(f"{database}.{name}".encode()) >> mix & 1]
                for table, name in names.items()
            ),
        )
    known = load_scenarios([root() / "scenarios"]).applying(laboratory.plan)
    asked = [
        finding
        for scenario in known
        for stages, preflight in scenario.preflights
        if "seeded" in map(str, stages)
        for finding in ask(scenario, preflight, cloud)
    ]
    assert asked
    looked = [spared(c.name, "invariant", "", cloud, lambda c=c: c.census(cloud)) for c in load_checks().values()
              if c.name in laboratory.plan.path.checks]  # fmt: skip
    blind = [found.message for found in (*asked, *(fault for _, fault in looked if fault))]
    assert [message for message in blind if "could not run" in message] == []

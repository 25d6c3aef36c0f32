"""What statements need of the schema that they find."""

import pytest

from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Column, Table
from osupgrade.schema.uses import find_uses

BEFORE = Schema(
    tables=(
        Table("hosts", (Column("id", "int", False), Column("name", "text", True), Column("rack", "text", True))),
        Table("ports", (Column("id", "int", False), Column("host", "int", True))),
    )
)


@pytest.mark.parametrize(
    ("statement", "uses"),
    [
        ("ALTER TABLE hosts ADD COLUMN zone VARCHAR(9)", {"hosts": ()}),
        ("ALTER TABLE `hosts` CHANGE COLUMN name name VARCHAR(9)", {"hosts": ("name",)}),
        ("ALTER TABLE ports DROP FOREIGN KEY ports_ibfk_1", {"ports": ("-ports_ibfk_1",)}),
        ("DROP INDEX host ON ports", {"ports": ("-host",)}),
        ("CREATE UNIQUE INDEX u ON ports (host)", {"ports": ("host",)}),
        ("UPDATE hosts SET rack = 'x' WHERE name = 'y'", {"hosts": ("name", "rack")}),
        ("UPDATE ports SET zone='x' WHERE ports.host IN (SELECT hosts.id FROM hosts)", {"ports": ("host",)}),
        ("SELECT hosts.name, ports.host FROM hosts JOIN ports ON ports.host = hosts.id",
         {"hosts": ("id", "name"), "ports": ("host",)}),
        ("SELECT hosts.id, hosts.name, hosts.rack FROM hosts", {"hosts": ()}),
        ("SHOW CREATE TABLE `ports`", {"ports": ()}),
        ("DROP TABLE ports", {"ports": ()}),
        ("CREATE TABLE zones (id INTEGER)", {}),
        ("UPDATE alembic_version SET version_num='x'", {}),
    ],
)  # fmt: skip
def test_one_statement(statement, uses):
    assert find_uses([statement], BEFORE) == uses


def test_a_dropped_index_is_named_by_its_own_statement():
    assert find_uses(["ALTER TABLE ports DROP INDEX host_index"], BEFORE) == {"ports": ("-host_index",)}


def test_reflecting_everything_needs_nothing():
    assert find_uses(["SHOW FULL TABLES", "SHOW CREATE TABLE `ports`"], BEFORE) == {}


def test_a_table_that_is_looked_for_before_it_is_made():
    assert find_uses(["DESCRIBE `zones`", "\nCREATE TABLE zones (id INTEGER)"], BEFORE) == {"zones": ("?",)}
    assert find_uses(["DESCRIBE `hosts`"], BEFORE) == {}

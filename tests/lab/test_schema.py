"""Reading a schema from real servers: MySQL 5.6 and MariaDB say the same of the same statements."""

import itertools
import time
from dataclasses import replace

import pytest

from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.model.errors import UsageFault
from osupgrade.schema.catalogue import lineage
from osupgrade.schema.diff import diff, table_sql
from osupgrade.schema.reading import ddl, read_connection, read_schema
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.verdicts import judge_result

STATEMENTS = (
    "CREATE TABLE parent (id INT AUTO_INCREMENT PRIMARY KEY, code VARCHAR(40) NOT NULL DEFAULT '', UNIQUE u (code)) "
    "ENGINE=InnoDB DEFAULT CHARSET=utf8",
    "CREATE TABLE child (id BIGINT UNSIGNED NOT NULL, parent_id INT NULL, enabled BOOL NOT NULL DEFAULT 1, "
    "CHECK (enabled IN (0, 1)), note TEXT, born TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE "
    "CURRENT_TIMESTAMP, day DATETIME NULL, ratio DECIMAL(5,2) DEFAULT 0.5, word VARCHAR(20) DEFAULT 'it''s', "
    "kind ENUM('a','b') DEFAULT 'a', flags SMALLINT(3) DEFAULT NULL, PRIMARY KEY (id), KEY n (note(12), flags), "
    "FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE NO ACTION) "
    "ENGINE=InnoDB DEFAULT CHARSET=utf8",
    "CREATE TABLE old (id INT, name VARCHAR(20)) ENGINE=MyISAM DEFAULT CHARSET=latin1",
    "CREATE TRIGGER stamp BEFORE INSERT ON old FOR EACH ROW SET NEW.id = 1",
    "CREATE VIEW both_of_them AS SELECT id, parent_id FROM child",
    "CREATE PROCEDURE nothing() SELECT 1",
    "INSERT INTO parent (code) VALUES ('x'), ('y')",
)


@pytest.fixture(scope="module", params=["mysql56", "mariadb105"])
def server(client, request):
    tag = ImageStore(client).ensure([request.param], print)[request.param]
    with Lab(client) as lab, start_database(lab, tag) as server:
        yield server


@pytest.fixture
def filled(server):
    server.create("filled")
    for statement in STATEMENTS:
        server.execute("filled", statement)
    return server


def test_both_servers_say_the_same(filled, request):
    schema = read_schema(filled, "filled")
    seen = request.config.stash.setdefault(SEEN, [])
    seen.append(schema)
    for one, other in itertools.pairwise(seen):
        assert diff(one, other) == ()
    assert schema.names == {"parent", "child", "old"}
    assert [t.name for t in schema.triggers] == ["stamp"]
    assert [v.name for v in schema.views] == ["both_of_them"]
    assert [r.name for r in schema.routines] == ["nothing"]
    assert dict(schema.counters)["parent"] == 3
    child = schema.table("child")
    assert {c.name: c.type for c in child.columns} | {"id": "bigint unsigned", "flags": "smallint"} == {
        c.name: c.type for c in child.columns
    }
    assert child.checks == ()
    assert (child.foreign_keys[0].on_delete, child.foreign_keys[0].on_update) == ("CASCADE", "RESTRICT")
    assert next(i for i in child.indexes if i.name == "n").parts == (("note", 12), ("flags", 0))
    assert Schema.from_json(schema.to_json()) == schema


SEEN = pytest.StashKey[list[Schema]]()


def test_ddl_is_the_server_s_own_without_counters(filled):
    text = ddl(filled, "filled")
    assert "AUTO_INCREMENT=" not in text
    assert "CREATE TABLE `parent`" in text
    assert "TRIGGER `stamp` BEFORE INSERT" in text
    assert "VIEW `both_of_them`" in text
    filled.execute("filled", "INSERT INTO parent (code) VALUES ('z')")
    assert ddl(filled, "filled") == text


def test_the_sql_of_every_change_undoes_it(filled):
    before = read_schema(filled, "filled")
    for statement in (
        "ALTER TABLE parent ADD COLUMN own VARCHAR(20) DEFAULT 'x', ADD INDEX own_index (own)",
        "ALTER TABLE child MODIFY COLUMN word VARCHAR(99), DROP INDEX n",
        "ALTER TABLE child DROP FOREIGN KEY child_ibfk_1",
        "ALTER TABLE child DROP COLUMN day",
        "CREATE TABLE own_table (id INT PRIMARY KEY)",
        "DROP TRIGGER stamp",
        "DROP TABLE old",
    ):
        filled.execute("filled", statement)
    changes = diff(before, read_schema(filled, "filled"))
    order = {"table": 0, "column": 1, "index": 2, "foreign key": 3}
    for change in sorted(changes, key=lambda c: (order.get(c.object, 9), c.object != "index", c.sql)):
        if not (change.object == "index" and change.name == "own_index"):
            for statement in change.sql:
                filled.execute("filled", statement)
    # The server made the key's index again, after the key's name.
    left = diff(before, read_schema(filled, "filled"))
    assert [c.sentence for c in left] == ["index child.parent_id is now called child_ibfk_1"]
    filled.execute("filled", *left[0].sql)
    assert diff(before, read_schema(filled, "filled")) == ()


DAMAGE = (
    ("cinder", "ALTER TABLE volumes DROP COLUMN encryption_key_id"),
    ("cinder", "ALTER TABLE volumes MODIFY COLUMN host VARCHAR(20) NOT NULL"),
    ("cinder", "DROP TABLE transfers"),
    ("cinder", "CREATE TABLE left_behind (id INT PRIMARY KEY)"),
    ("cinder", "ALTER TABLE snapshots DROP FOREIGN KEY snapshots_volume_id_fkey"),
    ("glance", "ALTER TABLE images DROP INDEX checksum_image_idx, ADD INDEX another_name (checksum)"),
    ("glance", "ALTER TABLE image_members DROP INDEX image_members_image_id_member_deleted_at_key"),
    ("glance", "ALTER TABLE image_tags ADD COLUMN too_much INT, ADD INDEX too_many (value(9))"),
    ("keystone", "ALTER TABLE user DROP INDEX domain_id, ADD UNIQUE INDEX domain_id (domain_id)"),
    ("keystone", "ALTER TABLE service ADD COLUMN too_much INT, ADD INDEX too_many (too_much)"),
    (
        "cinder",
        "ALTER TABLE encryption DROP FOREIGN KEY encryption_ibfk_1; "
        "ALTER TABLE encryption MODIFY COLUMN volume_type_id VARCHAR(77) NOT NULL; "
        "ALTER TABLE encryption ADD CONSTRAINT encryption_ibfk_1 FOREIGN KEY (volume_type_id) "
        "REFERENCES volume_types (id)",
    ),
    ("keystone", "CREATE TRIGGER left_too BEFORE INSERT ON token FOR EACH ROW SET NEW.id = NEW.id"),
)


@pytest.mark.parametrize(("service", "damage"), DAMAGE)
def test_the_sql_of_a_finding_mends_the_result(server, service, damage):
    line = lineage(service)
    icehouse = line.head("icehouse")
    if service not in server.databases():
        server.create(service)
        with server.session(service) as session:
            session.exec_driver_sql("SET foreign_key_checks = 0")
            for table in icehouse.schema.tables:
                session.execution_options(no_parameters=True).exec_driver_sql(table_sql(table))
    assert judge_result(service, line, icehouse.name, read_schema(server, service), ()) == ()
    with server.session(service) as session:
        for statement in damage.split("; "):
            session.exec_driver_sql(statement)
    found = judge_result(service, line, icehouse.name, read_schema(server, service), ())
    assert found
    with server.session(service) as session:
        for step in (step for finding in found for step in finding.cure.steps):
            session.execution_options(no_parameters=True).exec_driver_sql(step.statement)
    assert judge_result(service, line, icehouse.name, read_schema(server, service), ()) == ()


def test_upstreams_nova_is_read_in_half_a_second_and_comes_back_the_same(server):
    wanted = lineage("nova").head("grizzly").schema
    server.create("nova")
    with server.session("nova") as session:
        session.exec_driver_sql("SET foreign_key_checks = 0")
        for table in wanted.tables:
            session.execution_options(no_parameters=True).exec_driver_sql(table_sql(table))
        started = time.monotonic()
        found = read_connection(session, "nova")
        spent = time.monotonic() - started
    assert diff(replace(wanted, collation=found.collation), found) == ()
    assert len(found.tables) == 111
    assert spent < 5, "half a second on an idle machine; ten times that is no noise"


def test_a_database_that_is_not_there(server):
    with pytest.raises(UsageFault, match="no database"):
        read_schema(server, "nowhere")

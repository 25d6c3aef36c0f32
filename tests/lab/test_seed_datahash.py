"""The hash of a database's contents sees every difference and nothing else."""

import datetime

import pytest
from sqlalchemy import text

from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.seed.datahash import data_hash, hash_of_tables, table_hashes

TABLES = (
    "CREATE TABLE words (id INT PRIMARY KEY, a VARCHAR(40), b VARCHAR(40), born DATETIME) DEFAULT CHARSET=utf8",
    "CREATE TABLE heap (a VARCHAR(40), n DOUBLE, raw BLOB) DEFAULT CHARSET=utf8",
    "CREATE TABLE nothing (id INT PRIMARY KEY) DEFAULT CHARSET=utf8",
)
ROWS = (
    "INSERT INTO words VALUES (1, 'x', NULL, NULL)",
    "INSERT INTO words VALUES (2, 'Größe', 'y', '2014-04-17 12:00:00')",
    "INSERT INTO heap VALUES ('twice', 0.5, 'ab')",
    "INSERT INTO heap VALUES ('twice', 0.5, 'ab')",
    "INSERT INTO heap VALUES ('once', NULL, NULL)",
)


@pytest.fixture(scope="module")
def connection(client):
    tag = ImageStore(client).ensure(["mysql56"], print)["mysql56"]
    with Lab(client) as lab, start_database(lab, tag) as server, server.engine.connect() as connection:
        yield connection


def filled(connection, database, *statements):
    connection.execute(text(f"DROP DATABASE IF EXISTS {database}"))
    connection.execute(text(f"CREATE DATABASE {database} DEFAULT CHARACTER SET utf8"))
    connection.execute(text(f"USE {database}"))
    for statement in statements:
        connection.execute(text(statement))
    return data_hash(connection, database)


@pytest.fixture
def expected(connection):
    return filled(connection, "one", *TABLES, *ROWS)


def test_the_same_rows_in_another_order_hash_the_same(connection, expected):
    assert filled(connection, "two", *TABLES, *reversed(ROWS)) == expected


def test_the_order_of_columns_does_not_matter(connection, expected):
    moved = "ALTER TABLE words MODIFY COLUMN b VARCHAR(40) FIRST"
    assert filled(connection, "two", *TABLES, *ROWS, moved) == expected


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE words SET a = 'X' WHERE id = 1",
        "UPDATE words SET a = 'x ' WHERE id = 1",
        "UPDATE words SET b = '' WHERE id = 1",
        "UPDATE words SET b = 'NULL' WHERE id = 1",
        "UPDATE words SET a = NULL, b = 'x' WHERE id = 1",
        "UPDATE words SET id = 3 WHERE id = 2",
        "UPDATE words SET born = '2014-04-17 12:00:01' WHERE id = 2",
        "UPDATE heap SET raw = 'a' WHERE a = 'twice'",
        "DELETE FROM heap WHERE a = 'twice' LIMIT 1",
        "DELETE FROM heap WHERE a = 'twice'",
        "INSERT INTO nothing VALUES (0)",
        "DROP TABLE nothing",
        "ALTER TABLE words CHANGE a c VARCHAR(40)",
    ],
)
def test_every_difference_changes_the_hash(connection, expected, change):
    assert filled(connection, "two", *TABLES, *ROWS, change) != expected


def test_values_do_not_run_into_each_other(connection):
    one = filled(connection, "one", TABLES[0], "INSERT INTO words VALUES (1, 'a|b', 'c', NULL)")
    assert filled(connection, "two", TABLES[0], "INSERT INTO words VALUES (1, 'a', 'b|c', NULL)") != one


def test_a_text_as_long_as_the_server_takes_is_not_left_out(connection):
    long = int(connection.execute(text("SELECT @@max_allowed_packet")).scalar_one()) * 3 // 5
    table = "CREATE TABLE long_one (t LONGTEXT) ENGINE=MyISAM DEFAULT CHARSET=utf8"
    fill = "INSERT INTO long_one VALUES (REPEAT('{}', {}))"
    assert filled(connection, "one", table, fill.format("a", long)) != filled(
        connection, "two", table, fill.format("b", long)
    )


def test_tables_are_told_one_by_one(connection, expected):
    tables = table_hashes(connection, "one")
    assert set(tables) == {"words", "heap", "nothing"}
    assert tables["heap"].startswith("3 ")
    assert tables["nothing"].startswith("0 ")
    assert hash_of_tables(tables) == expected


@pytest.mark.parametrize("zone", ["+00:00", "+05:30", "-08:00"])
def test_a_time_since_a_moment_counts_as_any_other_since_then(connection, zone):
    def hashed(moment, born, since=None):
        row = f"INSERT INTO words VALUES (2, 'a', 'y', {born})"
        connection.execute(text(f"SET time_zone = '{zone}'"))
        filled(connection, "two", TABLES[0], *ROWS[:1], row)
        since = moment - datetime.timedelta(seconds=since) if since is not None else None
        return table_hashes(connection, "two", since=since)["words"]

    now = datetime.datetime.now(datetime.UTC)
    written = "UTC_TIMESTAMP() - INTERVAL {} SECOND", "NOW() - INTERVAL {} SECOND"
    within = {hashed(now, by.format(ago), 60) for by in written for ago in (0, 20, 40)}
    assert len(within) == 1, "a time that was written since then is the same as any other"
    for by in written:
        assert hashed(now, by.format(5000), 60) not in within, "an older time is not left out"
        assert hashed(now, by.format(0)) not in within, "nothing is left out unless that is wanted"
    assert hashed(now, "NULL", 60) not in within

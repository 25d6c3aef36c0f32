"""Schemas read from a server: the same on every version where nothing differs."""

import pytest

from osupgrade.model.errors import UsageFault
from osupgrade.schema.reading import assemble
from osupgrade.schema.tables import Check, ForeignKey, Index, View


def rows(version="5.6.24", **queries):
    found = {
        "server": [(version, "nova")],
        "database": [("utf8", "utf8_general_ci")],
        "tables": [("t", "InnoDB", "Compact", "utf8_general_ci", 7, "")],
        "columns": [],
        "indexes": [],
        "key columns": [],
        "rules": [],
        "triggers": [],
        "views": [],
        "routines": [],
    }
    return {**found, **queries}


def column(version, kind, default, *, nullable="YES", extra="", collation=None):
    found = rows(version, columns=[("t", "c", kind, nullable, default, extra, collation)])
    return assemble(found, "nova").tables[0].columns[0]


@pytest.mark.parametrize(
    ("mysql", "other"),
    [
        (("int(11)", None), ("int(11)", "NULL")),
        (("int(11)", "0"), ("int", "0")),
        (("bigint(20) unsigned", None), ("bigint(20) unsigned", "NULL")),
        (("varchar(255)", "it's"), ("varchar(255)", "'it''s'")),
        (("varchar(255)", ""), ("varchar(255)", "''")),
        (("varchar(255)", "NULL"), ("varchar(255)", "'NULL'")),
        (("tinyint(1)", "1"), ("tinyint(1)", "1")),
    ],
)
def test_defaults_and_widths_read_the_same_on_both_servers(mysql, other):
    assert column("5.6.24", *mysql) == column("10.5.29-MariaDB", *other)


def test_current_timestamp_reads_the_same_on_both_servers():
    mysql = column("5.6.24", "timestamp", "CURRENT_TIMESTAMP", extra="on update CURRENT_TIMESTAMP")
    maria = column("10.5.29-MariaDB", "timestamp", "current_timestamp()", extra="on update current_timestamp()")
    assert mysql == maria
    assert mysql.default == "CURRENT_TIMESTAMP"


def test_utf8mb3_is_utf8_and_utf8mb4_is_not():
    assert column("10.6.1-MariaDB", "text", None, collation="utf8mb3_general_ci").charset == "utf8"
    assert column("10.6.1-MariaDB", "text", None, collation="utf8mb4_general_ci").charset == "utf8mb4"


def test_a_real_difference_stays_one():
    assert column("5.6.24", "varchar(255)", None) != column("10.5.29-MariaDB", "varchar(255)", "''")
    assert column("5.6.24", "tinyint(1)", None) != column("5.6.24", "tinyint(4)", None)
    assert column("5.6.24", "int(11)", None) != column("5.6.24", "int(10) unsigned", None)


def test_only_checks_that_are_no_boolean_are_kept():
    checks = [("t", "CONSTRAINT_1", "`enabled` in (0,1)"), ("t", "sane", "`size` > 0")]
    assert assemble(rows("10.5.29-MariaDB", checks=checks), "nova").tables[0].checks == (Check("sane", "`size` > 0"),)


@pytest.mark.parametrize(
    ("mysql", "mariadb"),
    [
        ("((`vlan_id` >= 1) and (`vlan_id` <= 4094))", "`vlan_id` >= 1 and `vlan_id` <= 4094"),
        ("(`a` > 0)", "`a` > 0"),
        ("((`a` = 1) or (`b` <> 2) or (length(`c`) > 3))", "`a` = 1 or `b` <> 2 or (length(`c`) > 3)"),
        ("((`a` + `b`) < 3)", "(`a` + `b`) < 3"),
        ("(`kind` in (_utf8mb4\\'x\\',_utf8mb4\\'y\\'))", "`kind` in ('x','y')"),
    ],
)
def test_a_check_is_the_same_on_both_vendors_servers(mysql, mariadb):
    one = assemble(rows("8.4.3", checks=[("t", "sane", mysql)]), "nova")
    other = assemble(rows("10.5.29-MariaDB", checks=[("t", "sane", mariadb)]), "nova")
    assert one.tables[0].checks == other.tables[0].checks


def test_row_format_counts_only_where_somebody_asked_for_it():
    def row_format(shown, options):
        found = rows(tables=[("t", "InnoDB", shown, "utf8_general_ci", None, options)])
        return assemble(found, "nova").tables[0].row_format

    assert row_format("Compact", "") == row_format("Dynamic", "") == ""
    assert row_format("Dynamic", "row_format=DYNAMIC") == "DYNAMIC"
    assert row_format("Redundant", "") == "REDUNDANT"


def test_indexes_keep_prefixes_and_order_and_keys_their_rules():
    found = rows(
        indexes=[("t", "i", 1, "BTREE", "b", 20), ("t", "i", 1, "BTREE", "a", None)],
        **{"key columns": [("t", "fk", "a", "nova", "u", "id"), ("t", "gk", "b", "keystone", "user", "id")]},
        rules=[("t", "fk", "NO ACTION", "CASCADE"), ("t", "gk", "RESTRICT", "RESTRICT")],
    )
    table = assemble(found, "nova").tables[0]
    assert table.indexes == (Index("i", (("b", 20), ("a", 0))),)
    assert table.foreign_keys == (
        ForeignKey("fk", ("a",), "u", ("id",), on_delete="CASCADE"),
        ForeignKey("gk", ("b",), "user", ("id",), schema="keystone"),
    )


def test_auto_increment_is_known_and_makes_no_difference():
    one = assemble(rows(), "nova")
    other = assemble(rows(tables=[("t", "InnoDB", "Compact", "utf8_general_ci", 99, "")]), "nova")
    assert one.counters == (("t", 7),)
    assert one == other
    assert hash(one) == hash(other)


def test_a_view_does_not_know_its_database_s_name():
    one = assemble(rows(views=[("v", "select `nova`.`t`.`a` AS `a` from `nova`.`t`")]), "nova")
    assert one.views == (View("v", "select `t`.`a` AS `a` from `t`"),)


def test_a_database_that_is_not_there_is_named():
    with pytest.raises(UsageFault, match="no database 'nova'"):
        assemble(rows(database=[]), "nova")

"""The diff is complete, says what it found, and its SQL undoes it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osupgrade.schema.catalogue import lineage
from osupgrade.schema.diff import Change, diff, generated, table_sql
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Column, ForeignKey, Index, Table, Trigger, View

SERVICES = Table(
    "services",
    (Column("id", "int", False, None, "auto_increment"), Column("host", "varchar(255)", True)),
    (Index("PRIMARY", (("id", 0),), True),),
)
BILLING = Table("billing", (Column("id", "int", False),))


def schema(*tables, **rest):
    return Schema(tables=tables, **rest)


def only(before, after) -> Change:
    (change,) = diff(before, after)
    return change


def test_the_same_is_no_change():
    assert diff(schema(SERVICES), schema(SERVICES)) == ()


def test_a_table_of_one_s_own():
    change = only(schema(SERVICES), schema(SERVICES, BILLING))
    assert (change.kind, change.object, change.place) == ("added", "table", "billing")
    assert change.sql == ("DROP TABLE `billing`",)
    assert change.against("Grizzly") == "table billing is not in Grizzly: 1 column"


def test_a_column_added_altered_and_missing():
    column = Column("disabled_reason", "varchar(255)", True)
    wider = replace(SERVICES, columns=(*SERVICES.columns, column))
    added = only(schema(SERVICES), schema(wider))
    assert added.sentence == "column services.disabled_reason was added: varchar(255) NULL"
    assert added.sql == ("ALTER TABLE `services` DROP COLUMN `disabled_reason`",)
    missing = only(schema(wider), schema(SERVICES))
    assert missing.against("upstream").startswith("column services.disabled_reason is missing")
    assert missing.sql == ("ALTER TABLE `services` ADD COLUMN `disabled_reason` varchar(255) NULL",)
    other = replace(wider, columns=(*SERVICES.columns, replace(column, type="text", default="x")))
    altered = only(schema(wider), schema(other))
    assert altered.sentence == "column services.disabled_reason changed from varchar(255) NULL to text NULL DEFAULT 'x'"
    assert altered.sql == ("ALTER TABLE `services` MODIFY COLUMN `disabled_reason` varchar(255) NULL",)


def test_a_key_under_another_name_is_renamed_and_not_another():
    one = replace(BILLING, foreign_keys=(ForeignKey("billing_ibfk_1", ("id",), "services", ("id",)),))
    other = replace(BILLING, foreign_keys=(ForeignKey("billing_ibfk_2", ("id",), "services", ("id",)),))
    change = only(schema(one), schema(other))
    assert change.kind == "renamed"
    assert change.against("upstream") == "foreign key billing.billing_ibfk_2 is called billing_ibfk_1 in upstream"
    assert generated("billing", other.foreign_keys[0])
    assert not generated("services", other.foreign_keys[0])


def test_the_prefix_of_an_index_counts():
    one = replace(SERVICES, indexes=(Index("h", (("host", 0),)),))
    other = replace(SERVICES, indexes=(Index("h", (("host", 10),)),))
    assert only(schema(one), schema(other)).against("upstream") == (
        "index services.h is (`host`(10)), in upstream (`host`)"
    )


def test_charset_and_engine_are_told_apart_from_the_rest():
    latin1 = replace(SERVICES, collation="latin1_swedish_ci", engine="MyISAM")
    changes = diff(schema(SERVICES), schema(latin1, collation="latin1_swedish_ci"))
    assert {change.object for change in changes} == {"engine", "collation"}
    assert all(change.same_but_charset for change in changes)
    assert {change.sql[0] for change in changes} == {
        "ALTER TABLE `services` ENGINE=InnoDB",
        "ALTER TABLE `services` DEFAULT CHARACTER SET utf8 COLLATE utf8_general_ci",
        "ALTER DATABASE CHARACTER SET utf8 COLLATE utf8_general_ci",
    }


def test_triggers_and_views_count():
    trigger = Trigger("audit", "services", "AFTER", "INSERT", "BEGIN END")
    changes = diff(schema(SERVICES), schema(SERVICES, triggers=(trigger,), views=(View("v", "select 1"),)))
    assert [(c.object, c.place, c.sql) for c in changes] == [
        ("trigger", "services.audit", ("DROP TRIGGER `audit`",)),
        ("view", "v", ("DROP VIEW `v`",)),
    ]


def test_a_table_s_sql_is_whole():
    assert table_sql(SERVICES) == (
        "CREATE TABLE `services` (`id` int NOT NULL AUTO_INCREMENT, `host` varchar(255) NULL, PRIMARY KEY (`id`)) "
        "ENGINE=InnoDB DEFAULT CHARACTER SET utf8 COLLATE utf8_general_ci"
    )


@pytest.mark.exhaustive
@given(st.data())
def test_no_two_revisions_differ_unseen(data):
    revisions = lineage(data.draw(st.sampled_from(("keystone", "glance", "cinder")))).revisions
    one, other = data.draw(st.tuples(st.sampled_from(revisions), st.sampled_from(revisions)))
    changes = diff(one.schema, other.schema)
    assert bool(changes) == (one.schema != other.schema)
    assert len(changes) == len(diff(other.schema, one.schema))

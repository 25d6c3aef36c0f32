import pytest

from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Column, Index, Table
from tools.seed_coverage import Content, Place, Touch, heard, lines, places, reason, reshaped, uncovered


def table(name, *columns, indexes=()):
    return Table(name, tuple(Column(column, "int", True) for column in columns), indexes=indexes)


BEFORE = Schema((table("ec2_credential", "access", "secret"), table("grants", "user", "data"), table("users", "id")))


def touched(*statements):
    return {(t.table, t.column, t.how) for t in heard(BEFORE, statements, "33")}


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "UPDATE grants SET data='x' WHERE grants.user = 'u'",
            {("grants", "", "writes"), ("grants", "user", "writes")},
        ),
        ("UPDATE `users` SET id = 1", {("users", "", "writes")}),  # its only column: the statement lists them all
        ("SELECT grants.user FROM grants", {("grants", "", "reads"), ("grants", "user", "reads")}),
        ("SELECT grants.user, grants.data FROM grants", {("grants", "", "reads")}),
        ("DELETE FROM grants WHERE user = 1", {("grants", "", "writes"), ("grants", "user", "writes")}),
        (
            "INSERT INTO users SELECT access FROM ec2_credential",
            {("users", "", "writes"), ("ec2_credential", "", "reads"), ("ec2_credential", "access", "reads")},
        ),
        (
            "INSERT INTO made_by_this_revision SELECT access FROM ec2_credential",
            {("ec2_credential", "", "reads"), ("ec2_credential", "access", "reads")},
        ),
        ("SELECT 1 FROM elsewhere", set()),
        ("ALTER TABLE grants DROP COLUMN data", set()),
        ("SHOW CREATE TABLE grants", set()),
    ],
)
def test_statements_tell_what_they_read_and_write(statement, found):
    assert touched(statement) == found


def test_a_change_of_shape_is_told_with_its_columns():
    after = Schema(
        (
            Table("grants", (Column("user", "bigint", True), Column("new", "int", True))),
            table("users", "id", indexes=(Index("uniq", (("id", 0),), True),)),
        )
    )
    assert {(t.table, t.column, t.how) for t in reshaped(BEFORE, after, "39")} == {
        ("ec2_credential", "", "drops"),
        ("grants", "", "reshapes"),
        ("grants", "user", "reshapes"),
        ("grants", "data", "drops"),
        ("users", "", "reshapes"),
        ("users", "id", "reshapes"),
    }


TOUCHES = (
    Touch("grants", "", "writes", "29"),
    Touch("grants", "", "drops", "39"),
    Touch("grants", "data", "writes", "29"),
    Touch("grants", "made_later", "reads", "39"),
    Touch("users", "", "reads", "33"),
    Touch("users", "id", "reads", "33"),
    Touch("assignment", "", "writes", "39"),
    Touch("migrate_version", "", "writes", "39"),
)


def found(rows):
    contents = {("grants", "data"): Content(0, 0), ("users", "id"): Content(0, 0)}
    return tuple(places("keystone", BEFORE, TOUCHES, {"grants": 5, "users": rows}, contents))


def test_only_what_the_seeded_schema_has_is_asked_for():
    assert [place.name for place in found(1)] == ["grants", "grants.data", "users", "users.id"]


def test_of_an_empty_table_only_the_table_is_missing():
    assert [place.name for place in uncovered(found(0))] == ["grants.data", "users"]
    assert [place.name for place in uncovered(found(1))] == ["grants.data", "users.id"]


def test_the_report_names_what_is_missing_with_the_reason_or_says_that_none_is_known():
    text = "\n".join(lines(found(0), {"keystone": {"use*": "nobody was there"}}))
    assert "grants: 5 rows; drops 39, writes 29" in text
    assert "keystone.grants.data (writes 29): NO REASON KNOWN" in text
    assert "keystone.users (reads 33): nobody was there" in text
    assert "1 of 2 touched tables hold something; of the 1 that a migration writes, 1" in text


def test_a_reason_of_a_table_is_its_columns_too_and_one_of_a_column_is_not_the_tables():
    column, whole = (Place("nova", "cells", column, (), 0, 0) for column in ("deleted", ""))
    assert reason({"cells": "a"}, column) == reason({"cells": "a"}, whole) == "a"
    assert reason({"cells.deleted": "b"}, column) == "b"
    assert reason({"cells.deleted": "b"}, whole) == ""

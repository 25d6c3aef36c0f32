"""What the revisions ahead ask of the data, derived from the catalogue."""

from dataclasses import replace

import pytest

from osupgrade.schema.catalogue import Lineage, Revision, lineage
from osupgrade.schema.conditions import Kind, conditions
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Column, ForeignKey, Index, Table

from ._changes import asked

ID = Column("id", "int(11)", False, extra="auto_increment")


PRIMARY = Index("PRIMARY", (("id", 0),), unique=True)


def table(name="hosts", *, columns=(), indexes=(), keys=(), engine="InnoDB"):
    return Table(name, (ID, *columns), (PRIMARY, *indexes), tuple(keys), engine=engine)


def text(name, kind="varchar(36)", *, nullable=True, collation="utf8_general_ci"):
    return Column(name, kind, nullable, collation=collation)


def test_a_unique_key_that_comes_asks_for_rows_that_are_equal_under_it():
    names = (text("host"), text("topic"))
    key = Index("uniq", (("host", 0), ("topic", 10)), unique=True)
    (found,) = asked([table(columns=names)], [table(columns=names, indexes=[key])])
    assert (found.kind, found.revision, found.release) == (Kind.UNIQUE, "2", "b")
    assert "GROUP BY `host`, LEFT(`topic`, 10) HAVING COUNT(*) > 1" in found.sql
    assert "`host` IS NOT NULL AND `topic` IS NOT NULL" in found.sql, "NULLs are never equal under a unique key"


def test_no_row_can_violate_what_a_narrower_key_forbids_already():
    names = (text("host"), text("topic"))
    wide = Index("wide", (("host", 0), ("topic", 0)), unique=True)
    narrow = Index("narrow", (("host", 0),), unique=True)
    assert asked([table(columns=names, indexes=[narrow])], [table(columns=names, indexes=[narrow, wide])]) == ()
    own = [table(columns=names, indexes=[wide])]
    assert asked([table(columns=names)], [table(columns=names, indexes=[wide])], now=own) == ()


def test_a_column_that_a_migration_adds_first_is_not_asked_about():
    key = Index("uniq", (("fresh", 0),), unique=True)
    assert asked([table()], [table(columns=(text("fresh"),), indexes=[key])]) == ()


@pytest.mark.parametrize(
    ("before", "after", "kind", "violates"),
    [
        (text("a"), text("a", nullable=False), Kind.NOT_NULL, "`a` IS NULL"),
        (text("a", "varchar(255)"), text("a", "varchar(36)"), Kind.FITS, "CHAR_LENGTH(`a`) > 36"),
        (text("a", "text"), text("a", "varchar(64)"), Kind.FITS, "CHAR_LENGTH(`a`) > 64"),
        (Column("a", "bigint(20)", True), Column("a", "int(11)", True), Kind.FITS, "NOT BETWEEN -2147483648 AND"),
        (Column("a", "int", True), Column("a", "int unsigned", True), Kind.FITS, "NOT BETWEEN 0 AND 4294967295"),
        (text("a", "enum('x','y''s')"), text("a", "enum('x')"), Kind.MEMBER, "NOT IN ('x')"),
        (text("a"), text("a", "enum('x','y')"), Kind.MEMBER, "NOT IN ('x', 'y')"),
    ],
)
def test_a_column_that_becomes_stricter_asks_for_what_does_not_fit(before, after, kind, violates):
    (found,) = asked([table(columns=[before])], [table(columns=[after])])
    assert found.kind is kind
    assert violates in found.sql
    assert found.shown == ("id", "a")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (text("a", "varchar(36)"), text("a", "varchar(255)")),
        (text("a", nullable=False), text("a", nullable=True)),
        (Column("a", "int(11)", True), Column("a", "bigint(20)", True)),
        (text("a", "enum('x')"), text("a", "enum('x','y')")),
    ],
)
def test_a_column_that_becomes_wider_asks_nothing(before, after):
    assert asked([table(columns=[before])], [table(columns=[after])]) == ()


def parent(**more):
    return table("parents", columns=(text("uuid"),), indexes=[Index("u", (("uuid", 0),), unique=True)], **more)


KEY = ForeignKey("fk", ("parent",), "parents", ("uuid",))


def test_a_foreign_key_that_comes_asks_for_orphans():
    child = table("kids", columns=(text("parent"),))
    (found,) = asked([parent(), child], [parent(), replace(child, foreign_keys=(KEY,))])
    assert found.kind is Kind.PARENT
    assert "LEFT JOIN `parents` p ON p.`uuid` = c.`parent`" in found.sql


def test_a_foreign_key_that_comes_needs_innodb_and_one_collation_at_both_ends():
    child = table("kids", columns=(text("parent"),))
    ahead = [parent(), replace(child, foreign_keys=(KEY,))]
    (engine,) = asked([parent(), child], ahead, now=[parent(engine="MyISAM"), child])
    assert (engine.kind, engine.rows) == (Kind.ENGINE, (("parents", "MyISAM"),))
    odd = table("parents", columns=(text("uuid", collation="latin1_swedish_ci"),))
    found = {c.kind: c for c in asked([parent(), child], ahead, now=[odd, child])}
    assert found[Kind.COLLATION].rows == (("parents.uuid", "latin1_swedish_ci"), ("kids.parent", "utf8_general_ci"))


def test_a_new_table_takes_the_collation_of_upstream_or_of_its_database():
    made = table("kids", columns=(text("parent"),), keys=[KEY])
    wholly = Schema(
        tables=(table("parents", columns=(text("uuid", collation="utf8_unicode_ci"),)),), collation="utf8_unicode_ci"
    )
    line = Lineage(
        "nova",
        "",
        "v",
        (Revision("1", "a", Schema(tables=(parent(),))), Revision("2", "b", Schema((parent(), made)))),
        {},
    )
    assert conditions(wholly, line, "1") == ()
    assert conditions(replace(wholly, collation="utf8_general_ci"), line, "1")[0].kind is Kind.COLLATION


def test_what_nova_s_havana_asks_is_among_the_conditions_of_a_grizzly_database():
    line = lineage("nova")
    start = line.head("grizzly")
    keys = {c.key for c in conditions(start.schema, line, start.name, "havana")}
    assert "191/quotas/unique/project_id,resource,deleted" in keys
    assert "196/services/unique/host,binary,deleted" in keys
    assert "209/instance_faults/parent/instance_uuid" in keys


def test_an_unknown_start_and_the_last_revision_ask_nothing():
    line = lineage("nova")
    assert conditions(line.head("icehouse").schema, line, line.head("icehouse").name) == ()
    assert conditions(Schema(), line, "no such revision") == ()

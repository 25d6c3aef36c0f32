"""What became of a customisation, and what of the own data in it."""

from dataclasses import replace

import pytest

from osupgrade.model import Diagnosis, Severity
from osupgrade.schema.catalogue import lineage
from osupgrade.schema.diff import Change
from osupgrade.schema.identify import customisations
from osupgrade.schema.snapshot import Column, ForeignKey, Index, Schema, Table, Trigger
from osupgrade.schema.verdicts import (
    Fate,
    OwnData,
    blamed,
    judge_own_data,
    judge_result,
    own_places,
    read_own_data,
    verdicts,
)

TEXT = "utf8_general_ci"
NOTE = Column("note", "varchar(20)", True, collation=TEXT)
NAME = Column("name", "varchar(64)", True, collation=TEXT)
ID = Column("id", "int", False)
KEY = Index("PRIMARY", (("id", 0),), True)


def table(name, *columns, **parts):
    return Table(name, (ID, *columns), (KEY,), **parts)


def fate(reference, before, upstream, after, stopped=None):
    line = LINE(reference)
    (verdict,) = verdicts(customisations(before, line, "1"), upstream, after, stopped)
    return verdict.fate


def LINE(schema):  # noqa: N802
    from osupgrade.schema.catalogue import Lineage, Revision

    return Lineage("nova", "", "migrate_version", (Revision("1", "grizzly", schema),), {})


def schema(*tables, **rest):
    return Schema(tables=tuple(sorted((*tables, table("migrate_version")), key=lambda t: t.name)), **rest)


OLD = schema(table("hosts", NAME))
OWN = schema(table("hosts", NAME, NOTE))
UTF8MB4 = replace(NOTE, collation="utf8mb4_general_ci")


@pytest.mark.parametrize(
    ("upstream", "after", "expected"),
    [
        (OLD, OWN, Fate.KEPT),
        (OLD, schema(table("hosts", NAME, UTF8MB4)), Fate.KEPT),
        (OLD, OLD, Fate.LOST),
        (schema(), schema(), Fate.LOST),
        (OLD, schema(table("hosts", NAME, replace(NOTE, type="text"))), Fate.ALTERED),
        (OWN, OWN, Fate.UPSTREAM),
        (schema(table("hosts", NAME, replace(NOTE, type="int"))), OWN, Fate.CONFLICT),
    ],
)
def test_an_own_column(upstream, after, expected):
    assert fate(OLD, OWN, upstream, after) is expected


@pytest.mark.parametrize(
    ("upstream", "after", "expected"),
    [
        (OWN, OLD, Fate.KEPT),
        (OWN, OWN, Fate.LOST),
        (OLD, OLD, Fate.UPSTREAM),
    ],
)
def test_a_column_that_the_operator_has_not(upstream, after, expected):
    assert fate(OWN, OLD, upstream, after) is expected


def test_a_column_in_a_form_of_one_s_own():
    wide = schema(table("hosts", replace(NAME, type="varchar(255)")))
    assert fate(OLD, wide, OLD, wide) is Fate.KEPT
    assert fate(OLD, wide, OLD, OLD) is Fate.LOST
    assert fate(OLD, wide, wide, wide) is Fate.UPSTREAM


def test_an_own_table_whose_key_got_another_name_is_kept():
    one = table("own", foreign_keys=(ForeignKey("own_ibfk_1", ("id",), "hosts", ("id",)),))
    other = replace(one, foreign_keys=(replace(one.foreign_keys[0], name="own_ibfk_2"),))
    before = schema(table("hosts", NAME), one)
    assert fate(OLD, before, OLD, schema(table("hosts", NAME), other)) is Fate.KEPT
    assert fate(OLD, before, OLD, schema(table("hosts", NAME), table("own"))) is Fate.ALTERED


def test_an_own_index_keeps_the_name_that_the_server_would_have_taken_for_a_key():
    own = Index("name", (("id", 0), ("name", 0)))
    key = ForeignKey("hosts_ibfk_1", ("name",), "hosts", ("id",))
    before = schema(table("hosts", NAME), table("x"))
    mine = schema(replace(before.table("hosts"), indexes=(KEY, own)), table("x"))
    upstream = schema(
        replace(before.table("hosts"), indexes=(KEY, Index("name", (("name", 0),))), foreign_keys=(key,)), table("x")
    )
    assert fate(before, mine, upstream, mine) is Fate.KEPT


def test_a_trigger_goes_with_its_table():
    trigger = Trigger("audit", "hosts", "AFTER", "INSERT", "BEGIN END")
    before = schema(table("hosts", NAME), triggers=(trigger,))
    assert fate(OLD, before, OLD, before) is Fate.KEPT
    assert fate(OLD, before, schema(), schema()) is Fate.LOST


@pytest.mark.parametrize(
    ("change", "error", "guilty"),
    [
        (Change("added", "column", "services", "disabled_reason", None, NOTE),
         "OperationalError: (1060, \"Duplicate column name 'disabled_reason'\")", True),
        (Change("added", "column", "services", "other", None, NOTE),
         "OperationalError: (1060, \"Duplicate column name 'disabled_reason'\")", False),
        (Change("added", "table", "", "billing", None,
                table("billing", foreign_keys=(ForeignKey("f", ("id",), "volume_types", ("id",)),))),
         "IntegrityError: (1217, 'Cannot delete or update a parent row') 'DROP TABLE volume_types'", True),
        (Change("added", "table", "", "transfers", None, table("transfers")),
         "OperationalError: (1050, \"Table 'transfers' already exists\")", True),
        (Change("added", "index", "token", "own", None, Index("own", (("id", 0),))),
         "OperationalError: (1061, \"Duplicate key name 'ix_token_valid'\")", False),
    ],
)  # fmt: skip
def test_only_what_the_error_names_is_blamed(change, error, guilty):
    stopped = Diagnosis(error, None, "188")
    assert blamed(change, stopped) is guilty
    (verdict,) = verdicts([change], Schema(), Schema(), stopped)
    assert (verdict.fate is Fate.IN_THE_WAY) is guilty
    if guilty:
        assert (verdict.revision, verdict.error) == ("188", error)


def test_a_result_that_is_icehouse_and_the_kept_customisations_has_no_finding():
    line = lineage("cinder")
    before = add(line.at("9").schema, "volumes", NOTE)
    changes = customisations(before, line, "9")
    after = add(line.at("22").schema, "volumes", NOTE)
    assert judge_result("cinder", line, "22", after, changes) == ()


def test_a_result_that_is_anything_else_has_a_finding_that_mends_it():
    line = lineage("cinder")
    after = line.at("22").schema
    broken = replace(
        add(after, "volumes", NOTE),
        tables=tuple(t for t in add(after, "volumes", NOTE).tables if t.name != "transfers"),
    )
    findings = {f.place: f for f in judge_result("cinder", line, "22", broken, ())}
    assert set(findings) == {"volumes.note", "transfers"}
    assert findings["transfers"].severity is Severity.ERROR
    assert findings["transfers"].cure.steps[0].statement.startswith("CREATE TABLE `transfers`")
    assert findings["volumes.note"].cure.steps[0].statement == "ALTER TABLE `volumes` DROP COLUMN `note`"


def add(whole, name, column):
    return replace(
        whole, tables=tuple(replace(t, columns=(*t.columns, column)) if t.name == name else t for t in whole.tables)
    )


def test_own_data_is_counted_in_one_query_a_place():
    changes = customisations(OWN, LINE(OLD), "1")
    (place,) = own_places(changes, OWN)
    assert (place.table, place.columns, place.key) == ("hosts", ("note",), ("id",))
    asked = []

    def rows(sql, parameters):
        asked.append(sql)
        return [("id",), ("note",)] if parameters else [(3, 77)]

    assert read_own_data(rows, "nova", [place]) == {"hosts.note": OwnData(3, 77)}
    assert len(asked) == 2
    assert read_own_data(lambda sql, parameters: [("id",)], "nova", [place]) == {"hosts.note": None}


def test_own_data_that_is_gone_or_changed_is_an_error():
    before = {"a": OwnData(3, 1), "b": OwnData(3, 1), "c": OwnData(3, 1), "d": OwnData(3, 1), "e": None}
    after = {"a": OwnData(3, 1), "b": OwnData(2, 1), "c": OwnData(3, 2), "d": None, "e": None}
    found = {f.place: f.message for f in judge_own_data("nova", before, after)}
    assert set(found) == {"b", "c", "d"}
    assert "3 rows before, 2 after" in found["b"]
    assert "another checksum" in found["c"]
    assert "gone" in found["d"]

"""What becomes of customisations."""

from dataclasses import replace

import pytest

from osupgrade.model.finding import Fate, Severity
from osupgrade.model.step import Diagnosis
from osupgrade.schema.catalogue import lineage
from osupgrade.schema.diff import Change
from osupgrade.schema.identify import customisations
from osupgrade.schema.own_data import OwnData, judge_own_data
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import ForeignKey, Index, Trigger, View
from osupgrade.schema.verdicts import blamed, judge_customisations, judge_result, verdicts, way_out

from ._tables import KEY, LINE, NAME, NOTE, OLD, OWN, schema, table


def fate(reference, before, upstream, after, stopped=None):
    line = LINE(reference)
    (verdict,) = verdicts(customisations(before, line, "1"), upstream, after, stopped)
    return verdict.fate


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
        (OWN, OWN, Fate.UPSTREAM),
        (OWN, schema(table("hosts", NAME, replace(NOTE, type="int"))), Fate.LOST),
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
        (Change("removed", "foreign key", "floatingips", "floatingips_ibfk_1",
                ForeignKey("floatingips_ibfk_1", ("port_id",), "ports", ("id",)), None),
         "IntegrityError: (1215, 'Cannot add foreign key constraint') 'CREATE TABLE x (FOREIGN KEY(port_id) REFERENCES ports (id))'",
         False),
        (Change("removed", "foreign key", "floatingips", "floatingips_ibfk_1",
                ForeignKey("floatingips_ibfk_1", ("port_id",), "ports", ("id",)), None),
         "OperationalError: (1091, \"Can't DROP 'floatingips_ibfk_1'; check that column/key exists\")", True),
        (Change("removed", "table", "", "own",
                table("own", foreign_keys=(ForeignKey("f", ("id",), "ports", ("id",)),)), None),
         "IntegrityError: (1215, 'Cannot add foreign key constraint') 'CREATE TABLE x (FOREIGN KEY(port_id) REFERENCES ports (id))'",
         False),
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
    judged = verdicts(changes, line.at("22").schema, after)
    assert [verdict.fate for verdict in judged] == [Fate.KEPT]
    assert judge_result("cinder", line, "22", after, judged) == ()


def test_a_customisation_that_was_not_kept_is_a_difference_with_the_sql_that_brings_it_back():
    line = lineage("cinder")
    changes = customisations(add(line.at("9").schema, "volumes", NOTE), line, "9")
    after = line.at("22").schema
    judged = verdicts(changes, after, after)
    assert judge_result("cinder", line, "22", after, judged) == ()
    (finding,) = judge_customisations("cinder", judged)
    assert (finding.severity, finding.place) == (Severity.WARNING, "volumes.note")
    assert finding.cure.steps[0].statement == "ALTER TABLE `volumes` ADD COLUMN `note` varchar(20) NULL"


def test_an_own_table_in_the_place_of_upstream_s_is_an_error_with_the_sql_that_makes_it_upstream_s():
    line = lineage("keystone")
    mine = table("region")
    before = swapped_in(line.at("22").schema, mine)
    after = swapped_in(line.at("44").schema, mine)
    (verdict,) = verdicts(customisations(before, line, "22"), line.at("44").schema, after)
    assert verdict.fate is Fate.CONFLICT
    (finding,) = judge_customisations("keystone", [verdict])
    assert finding.severity is Severity.ERROR
    assert "ALTER TABLE `region` ADD COLUMN `description` varchar(255) NOT NULL" in [
        step.statement for step in finding.cure.steps
    ]


def test_a_key_onto_a_table_that_is_gone_is_not_offered_again():
    key = ForeignKey("f", ("id",), "hosts", ("id",))
    before = schema(table("hosts", NAME), table("own", foreign_keys=(key,)))
    (change,) = customisations(before, LINE(schema(table("hosts", NAME))), "1")
    (verdict,) = verdicts([change], schema(), schema(table("own")), before=before)
    assert (verdict.fate, verdict.mend) == (Fate.ALTERED, ())
    (verdict,) = verdicts([change], schema(), schema(table("hosts", NAME), table("own")), before=before)
    assert verdict.mend == ("ALTER TABLE `own` ADD CONSTRAINT `f` FOREIGN KEY (`id`) REFERENCES `hosts` (`id`)",)


def swapped_in(whole, table):
    others = (t for t in whole.tables if t.name != table.name)
    return replace(whole, tables=tuple(sorted((*others, table), key=lambda t: t.name)))


def test_what_the_server_makes_up_itself_is_no_difference():
    """An index for a foreign key that became a plain one in a dump, and keys that changed their numbers."""
    line = lineage("nova")
    after = line.at("234").schema
    metadata = after.table("aggregate_metadata")
    assert any(key.columns == ("aggregate_id",) for key in metadata.foreign_keys)
    left = replace(metadata, indexes=(*metadata.indexes, Index("aggregate_id", (("aggregate_id", 0),))))
    assert judge_result("nova", line, "234", swapped(after, left), ()) == ()
    mine = replace(metadata, indexes=(*metadata.indexes, Index("own", (("aggregate_id", 0),))))
    assert [f.place for f in judge_result("nova", line, "234", swapped(after, mine), ())] == ["aggregate_metadata.own"]

    ports = lineage("neutron", "openvswitch").at("grizzly").schema.table("floatingips")
    names = [key.name for key in ports.foreign_keys]
    turned = replace(
        ports,
        foreign_keys=tuple(replace(k, name=n) for k, n in zip(ports.foreign_keys, reversed(names), strict=True)),
    )
    line = lineage("neutron", "openvswitch")
    assert turned != ports
    assert customisations(swapped(line.at("grizzly").schema, turned), line, "grizzly") == ()


def swapped(whole, table):
    return replace(whole, tables=tuple(table if t.name == table.name else t for t in whole.tables))


def test_a_view_or_a_trigger_that_reads_what_is_gone_does_not_work():
    view = View("capacity", "select `hosts`.`name` AS `name` from `hosts`")
    trigger = Trigger("audit", "hosts", "AFTER", "UPDATE", "SET @a = (SELECT COUNT(*) FROM racks)")
    own = Trigger("named", "hosts", "AFTER", "UPDATE", "SET @a = NEW.name")
    before = schema(table("hosts", NAME), table("racks"), views=(view,), triggers=(trigger, own))
    plain = schema(table("hosts", NAME), table("racks"))
    changes = customisations(before, LINE(plain), "1")

    def fates(after):
        return {v.change.name: v.fate for v in verdicts(changes, schema(), after, before=before)}

    assert set(fates(before).values()) == {Fate.KEPT}
    no_racks = schema(table("hosts", NAME), views=(view,), triggers=(trigger, own))
    assert fates(no_racks) == {"capacity": Fate.KEPT, "audit": Fate.ALTERED, "named": Fate.KEPT}
    no_name = schema(table("hosts"), table("racks"), views=(view,), triggers=(trigger, own))
    assert fates(no_name) == {"capacity": Fate.ALTERED, "audit": Fate.KEPT, "named": Fate.ALTERED}


@pytest.mark.parametrize(
    ("change", "error", "statement"),
    [
        (Change("added", "column", "services", "note", None, NOTE), "1060",
         "ALTER TABLE `services` CHANGE COLUMN `note` `own_note` varchar(20) NULL"),
        (Change("added", "table", "", "transfers", None, table("transfers")), "1050",
         "RENAME TABLE `transfers` TO `own_transfers`"),
        (Change("added", "table", "", "billing", None,
                table("billing", foreign_keys=(ForeignKey("f", ("id",), "volume_types", ("id",)),))), "1217",
         "ALTER TABLE `billing` DROP FOREIGN KEY `f`"),
        (Change("added", "table", "", "own", None, table("own", collation="latin1_swedish_ci")),
         "ValueError: Tables \"own\" have non utf8 collation", "ALTER TABLE `own` DEFAULT CHARACTER SET utf8"),
        (Change("added", "index", "token", "ix", None, Index("ix", (("id", 0),))), "1061",
         "ALTER TABLE `token` DROP INDEX `ix`"),
    ],
)  # fmt: skip
def test_the_way_out_keeps_the_data(change, error, statement):
    assert way_out(change, error) == (statement,)


def test_what_was_foretold_to_stop_this_very_revision_is_blamed_too():
    change = Change("removed", "index", "token", "ix", Index("ix", (("id", 0),)), None)
    silent = Diagnosis("AttributeError: 'NoneType' object has no attribute 'drop'", None, "188")
    assert verdicts([change], Schema(), Schema(), silent)[0].fate is not Fate.IN_THE_WAY
    assert verdicts([change], Schema(), Schema(), silent, {change})[0].fate is Fate.IN_THE_WAY


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


def test_own_data_that_is_gone_or_changed_is_an_error():
    before = {**dict.fromkeys("abcdf", OwnData(3, 1)), "e": None}
    after = {"a": OwnData(3, 1), "b": OwnData(2, 1), "c": OwnData(3, 2), "d": None, "e": None, "f": OwnData(4, 5)}
    found = {f.place: f.message for f in judge_own_data("nova", before, after)}
    assert set(found) == {"b", "c", "d", "f"}
    assert "the upgrade added rows" in found["f"]
    assert "had 3 rows before and has 2 after" in found["b"]
    assert "a different checksum" in found["c"]
    assert "gone" in found["d"]


def test_a_key_that_upstream_has_by_another_name_is_kept_under_its_own():
    def named(name):
        key = ForeignKey(name, ("name",), "x", ("id",))
        return schema(table("hosts", NAME, foreign_keys=(key,)), table("x"))

    upstream, mine = named("hosts_ibfk_1"), named("hosts_name_fkey")
    assert fate(upstream, mine, upstream, mine) is Fate.KEPT
    assert fate(upstream, mine, upstream, upstream) is Fate.UPSTREAM
    later = named("hosts_name_fkey")
    assert fate(upstream, mine, later, later) is Fate.UPSTREAM

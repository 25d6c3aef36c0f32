"""Predictions against what real runs have shown (traps that were run, and the trials of this package)."""

from dataclasses import replace

import pytest

from osupgrade.model.finding import Fate, Severity
from osupgrade.schema.catalogue import lineage
from osupgrade.schema.diff import Change
from osupgrade.schema.predict import first_stop, predict, prediction_findings
from osupgrade.schema.tables import Column, ForeignKey, Index, Table, Trigger

ID = Column("id", "int", False)
START = {"keystone": "22", "glance": "22", "cinder": "9", "nova": "161", "neutron": "grizzly"}


def own_table(name, *keys, **rest):
    return Change("added", "table", "", name, None, Table(name, (ID,), foreign_keys=keys, **rest))


def trigger(table, reads):
    made = Trigger("own_trigger", table, "AFTER", "INSERT", f"SET @own = (SELECT COUNT(*) FROM `{reads}`)")
    return Change("added", "trigger", table, "own_trigger", None, made)


def missing(service, table, name, part):
    whole = lineage(service, "openvswitch" if service == "neutron" else "").at(START[service]).schema.table(table)
    (item,) = [item for item in getattr(whole, part) if item.name == name]
    return Change(
        "removed", {"indexes": "index", "foreign_keys": "foreign key", "columns": "column"}[part], table, name, item
    )


@pytest.mark.parametrize(
    ("service", "change", "fate", "revision"),
    [
        ("nova", Change("added", "column", "services", "disabled_reason", None, ID), Fate.IN_THE_WAY, "188"),
        ("nova", own_table("billing_vt", ForeignKey("f", ("id",), "volume_types", ("id",))), Fate.IN_THE_WAY, "193"),
        ("nova", Change("added", "column", "services", "rack", None, ID), Fate.KEPT, ""),
        ("nova", Change("added", "column", "volume_types", "rack", None, ID), Fate.LOST, "193"),
        ("keystone", own_table("own", collation="latin1_swedish_ci"), Fate.IN_THE_WAY, "37"),
        ("glance", own_table("own", collation="latin1_swedish_ci"), Fate.IN_THE_WAY, "30"),
        ("nova", own_table("own", collation="latin1_swedish_ci"), Fate.KEPT, ""),
        ("cinder", own_table("transfers"), Fate.IN_THE_WAY, "10"),
        ("cinder", trigger("volumes", "migrations"), Fate.ALTERED, "15"),
        ("cinder", trigger("sm_volume", "migrations"), Fate.LOST, "16"),
        ("cinder", trigger("migrations", "sm_volume"), Fate.LOST, "15"),
        ("keystone", missing("keystone", "credential", "credential_ibfk_1", "foreign_keys"), Fate.UPSTREAM, ""),
        ("cinder", Change("added", "index", "volume_types", "qos_specs_id", None, Index("qos_specs_id", (("id", 0),))),
         Fate.KEPT, ""),
        ("neutron", own_table("own"), Fate.KEPT, ""),
        ("keystone", own_table("region"), Fate.CONFLICT, "37"),
        ("nova", missing("nova", "key_pairs", "key_pair_user_id_name_idx", "indexes"), Fate.UPSTREAM, ""),
        ("nova", missing("nova", "aggregate_metadata", "aggregate_id", "indexes"), Fate.UPSTREAM, ""),
        ("nova", missing("nova", "shadow_networks", "cidr", "columns"), Fate.IN_THE_WAY, "182"),
        ("neutron", missing("neutron", "ipallocations", "port_id", "indexes"), Fate.IN_THE_WAY, "f9263d6df56"),
        ("cinder", missing("cinder", "snapshots", "snapshots_volume_id_fkey", "indexes"), Fate.IN_THE_WAY, "17"),
    ],
)  # fmt: skip
def test_what_real_runs_have_shown(service, change, fate, revision):
    line = lineage(service, "openvswitch" if service == "neutron" else "")
    (prediction,) = predict([change], line, START[service])
    assert (prediction.fate, prediction.revision) == (fate, revision)


def test_the_first_of_several_stops():
    line = lineage("nova")
    changes = [
        own_table("billing_vt", ForeignKey("f", ("id",), "volume_types", ("id",))),
        Change("added", "column", "services", "disabled_reason", None, ID),
        own_table("harmless"),
    ]
    stop = first_stop(predict(changes, line, "161"), line)
    assert stop.revision == "188"
    assert first_stop(predict(changes[2:], line, "161"), line) is None


def test_findings_name_revision_and_release_and_only_stops_are_errors():
    line = lineage("nova")
    changes = [
        Change("added", "column", "services", "disabled_reason", None, ID),
        Change("added", "column", "volume_types", "rack", None, ID),
        Change("added", "column", "services", "rack", None, ID),
    ]
    stop, lost = prediction_findings("nova", predict(changes, line, "161"))
    assert stop.severity is Severity.ERROR
    assert "services.disabled_reason collides with nova 188 (havana)" in stop.message
    assert lost.severity is Severity.WARNING


def test_what_lies_behind_the_start_is_no_collision():
    change = Change("added", "column", "services", "disabled_reason", None, ID)
    (prediction,) = predict([change], lineage("nova"), "188")
    assert prediction.fate is Fate.KEPT


def test_only_the_releases_on_the_way_count():
    (prediction,) = predict([own_table("instance_groups_v2")], lineage("nova"), "161", "havana")
    assert prediction.fate is Fate.KEPT
    icehouse_only = replace(own_table("own"), after=replace(own_table("own").after, collation="latin1_swedish_ci"))
    assert predict([icehouse_only], lineage("keystone"), "22", "havana")[0].fate is Fate.KEPT

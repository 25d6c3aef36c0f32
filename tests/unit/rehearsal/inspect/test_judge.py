"""What an inspection finds in a database, before any step."""

from dataclasses import replace

import pytest

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.model.finding import Fate, Severity
from osupgrade.model.plan import find_path, make_plan
from osupgrade.rehearsal.inspect.judge import is_empty, left_out_tables, start_finding
from osupgrade.rehearsal.inspect.model import Own
from osupgrade.schema.catalogue import lineage
from osupgrade.schema.identify import study
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.survey import Survey
from osupgrade.schema.tables import Column, Table

PLAN = make_plan(find_path(load_paths(), load_releases(), "grizzly-icehouse"), load_releases())


def surveyed(service, revision, claim=None, **changes):
    line = lineage(service, "openvswitch" if service == "neutron" else "")
    schema = replace(line.at(revision).schema, **changes)
    studied = study(service, schema, (revision,) if claim is None else claim)
    return Survey(service, service, schema, studied, (), (), {})


@pytest.mark.parametrize(
    ("revision", "severity", "words"),
    [
        ("22", None, ""),
        ("8", Severity.ERROR, "keystone is at 8; grizzly's is 22: it is older than grizzly"),
        ("30", Severity.WARNING, "on the way to icehouse already"),
        ("44", Severity.WARNING, "at the path's end already"),
    ],
)
def test_where_a_database_stands_on_the_path_is_told(revision, severity, words):
    finding = start_finding(surveyed("keystone", revision), PLAN)
    assert (finding.severity if finding else None) is severity
    assert words in (finding.message if finding else "")


@pytest.mark.parametrize("claim", [("109", "79", "79", "79"), ("79", "79", "79")])
def test_a_row_of_a_repository_that_is_gone_makes_no_database_older(claim):
    releases = load_releases()
    plan = make_plan(find_path(load_paths(), releases, "yoga-zed"), releases)
    head = lineage("keystone", "rocky-hibiscus").head("yoga")
    studied = study("keystone", head.schema, ("+".join(sorted(claim)),))
    assert studied.findings == ()
    assert start_finding(Survey("keystone", "keystone", head.schema, studied, (), (), {}), plan) is None


def test_a_plugin_that_the_first_release_does_not_have_is_told_as_that():
    tables = lineage("neutron", "ml2").at("icehouse").schema.tables
    finding = start_finding(surveyed("neutron", "icehouse", ("icehouse",), tables=tables), PLAN)
    assert "neutron is at icehouse; grizzly has no ml2" in finding.message
    assert "at the path's end already" in finding.message


def test_a_database_of_a_later_release_is_told_as_that_and_its_differences_are_not():
    later = tuple(t for t in lineage("nova").at("234").schema.tables if t.name != "dns_domains")
    one = surveyed("nova", "234", ("254",), tables=(*later, Table("instance_extra", (Column("id", "int", False),))))
    (finding,) = one.findings
    assert one.study.identity.foreign
    assert "says 254" in finding.message and "a later release" in finding.message
    assert start_finding(one, PLAN) is None
    juno = surveyed(
        "neutron", "icehouse", ("juno",), tables=lineage("neutron", "openvswitch").at("icehouse").schema.tables[:-2]
    )
    assert "says juno" in juno.findings[0].message and "(a later release)" in juno.findings[0].message
    grown = (*lineage("neutron", "ml2").at("icehouse").schema.tables, Table("ha_ports", (Column("id", "int", False),)))
    (finding,) = surveyed("neutron", "icehouse", ("juno",), tables=grown).findings
    assert "says juno" in finding.message and "(a later release)" in finding.message


def test_a_table_that_the_dump_lacks_may_have_been_left_out():
    def own(place, definition, fate):
        return Own("keystone", "table", place, definition, "", fate, "24", "havana", "")

    notes = left_out_tables(
        [
            own("token", "", Fate.IN_THE_WAY),
            own("quiet", "", Fate.KEPT),
            own("added", "id int", Fate.IN_THE_WAY),
        ]
    )
    (note,) = notes
    assert (note.severity, note.service) == (Severity.INFO, "keystone")
    assert "has token and the dump was taken without" in note.message
    assert "--no-data" in note.message


def test_own_numbers_on_upstream_s_own_schema_are_no_later_release():
    one = surveyed("nova", "234", ("240",))
    assert not one.study.identity.foreign
    assert "custom migrations" in one.findings[0].message


def test_a_dump_of_the_schema_alone_is_told_from_an_unstamped_database():
    schema = Schema(tables=(Table("a", ()), Table("b", ())))
    asked = []

    def rows(sql, parameters):
        asked.append(sql)
        return [(0,)]

    assert is_empty(rows, "nova", schema)
    assert asked == ["SELECT EXISTS(SELECT 1 FROM `nova`.`a`) OR EXISTS(SELECT 1 FROM `nova`.`b`)"]
    assert not is_empty(lambda sql, parameters: [(1,)], "nova", schema)


@pytest.mark.parametrize(
    ("variant", "revision", "words", "left"),
    [
        ("openvswitch", "icehouse", "at the path's end already", "only the move to ml2 is left"),
        ("openvswitch", "ml2", "at the path's end already", "nothing is left to rehearse for it"),
        ("ml2", "5ac1c354a051", "what is left from 5ac1c354a051 on changes nothing", "it only writes the version"),
    ],
)
def test_what_is_left_at_the_end_of_the_hops_is_told(variant, revision, words, left):
    claim = "icehouse" if revision == "ml2" else revision
    tables = lineage("neutron", variant).at(revision).schema.tables
    finding = start_finding(surveyed("neutron", revision, (claim,), tables=tables), PLAN)
    assert words in finding.message
    assert left in finding.consequence

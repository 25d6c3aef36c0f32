"""What `inspect` says of dumps and databases, without any server."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from osupgrade.catalog.identity import Section
from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.dump.read import Dump
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Cure, Evidence, Fate, Finding, Severity, Sql
from osupgrade.model.plan import find_path, make_plan
from osupgrade.rehearsal.covered import covered
from osupgrade.rehearsal.inspect.judge import is_empty, start_finding
from osupgrade.rehearsal.inspect.model import Database, Inspection, Own, Size
from osupgrade.rehearsal.inspect.open import readable, without_doubles
from osupgrade.report.inspection import show
from osupgrade.schema.catalogue import lineage
from osupgrade.schema.identify import study
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.survey import Survey
from osupgrade.schema.tables import Column, Table

PLAN = make_plan(find_path(load_paths(), load_releases(), "grizzly-icehouse"), load_releases())
NOVA = ("instances", "compute_nodes")
GLANCE = ("images", "image_properties")


def dump(name, *sections):
    made = tuple(Section(database, bool(database), tables) for database, tables in sections)
    return Dump(Path(name), (), 1, 1, "", "", "", "", "utf8", made)


def surveyed(service, revision, claim=None, **changes):
    line = lineage(service, "openvswitch" if service == "neutron" else "")
    schema = replace(line.at(revision).schema, **changes)
    studied = study(service, schema, (revision,) if claim is None else claim)
    return Survey(service, service, schema, studied, (), (), {})


def test_a_second_database_of_a_service_is_named_and_the_rest_is_looked_at():
    whole = dump("all.sql", ("nova", NOVA), ("nova_old", NOVA), ("glance", GLANCE))
    dumps, (finding,) = without_doubles([whole])
    assert [s.name for s in dumps[0].sections] == ["nova", "glance"]
    assert finding.severity is Severity.ERROR
    assert finding.message == "nova_old (all.sql) is a second database of nova, besides nova (all.sql)"


def test_a_second_dump_of_a_service_and_one_of_something_else_are_left_out():
    dumps, told = without_doubles(
        [dump("new.sql", ("", NOVA)), dump("old.sql", ("", NOVA)), dump("wiki.sql", ("wiki", ("page",)))]
    )
    assert [d.name for d in dumps] == ["new.sql"]
    assert [f.message for f in told] == [
        "a database (old.sql) is a second database of nova, besides that (new.sql)",
        "wiki.sql holds no database of an OpenStack service that osupgrade knows",
    ]
    assert told[1].evidence.rows == (("page",),)


def test_a_broken_dump_spares_the_others_and_alone_is_a_fault(tmp_path):
    good, bad = tmp_path / "good.sql", tmp_path / "bad.sql"
    good.write_text("CREATE TABLE `images` (\n  `id` int\n);\nINSERT INTO `images` VALUES (1);\n")
    bad.write_text("")
    dumps, (finding,) = readable([good, bad])
    assert [d.name for d in dumps] == ["good.sql"]
    assert (finding.severity, finding.message) == (Severity.WARNING, "bad.sql is empty: left out")
    with pytest.raises(UsageFault, match=r"bad\.sql is empty"):
        readable([bad])


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


def test_own_numbers_on_upstream_s_own_schema_are_no_later_release():
    one = surveyed("nova", "234", ("240",))
    assert not one.study.identity.foreign
    assert "custom migrations" in one.findings[0].message


def finding(source="schema", severity=Severity.ERROR, place="services.disabled_reason", rows=(), message="so it is"):
    return Finding(source, severity, "nova", place, message, evidence=Evidence(("a",), rows, len(rows)))


def test_what_a_scenario_says_with_a_cure_is_not_said_twice():
    known = finding("own-backported-column", place="nova.services", rows=(("disabled_reason", "varchar(255)"),))
    assert covered(finding("prediction"), [known])
    assert not covered(finding("prediction", place="services.other"), [known])
    assert not covered(finding("prediction"), [replace(known, service="cinder")])
    assert not covered(finding("prediction"), [replace(known, severity=Severity.WARNING)])
    assert not covered(finding("schema", Severity.WARNING), [known])
    charsets = finding("schema", Severity.WARNING, "character sets", rows=(("agents", "latin1"), ("ports", "latin1")))
    assert covered(charsets, [finding("latin1", rows=(("agents", "x"), ("ports", "x"), ("routers", "x")))])
    assert not covered(charsets, [finding("latin1", rows=(("agents", "x"),))])


def test_a_dump_of_the_schema_alone_is_told_from_an_unstamped_database():
    schema = Schema(tables=(Table("a", ()), Table("b", ())))
    asked = []

    def rows(sql, parameters):
        asked.append(sql)
        return [(0,)]

    assert is_empty(rows, "nova", schema)
    assert asked == ["SELECT EXISTS(SELECT 1 FROM `nova`.`a`) OR EXISTS(SELECT 1 FROM `nova`.`b`)"]
    assert not is_empty(lambda sql, parameters: [(1,)], "nova", schema)


NOVA_FACTS = Database(
    "nova", "nova", "grizzly", "161", ("161",), "", ("165",), False, 111, {"utf8": 110, "latin1": 1}, {"InnoDB": 111},
    123456789, (Size("instance_system_metadata", 300_000, 9), Size("instances", 30_000, 5)),
)  # fmt: skip
OWN = Own(
    "nova", "column", "services.disabled_reason", "varchar(255) NULL",
    "column services.disabled_reason is not in upstream at 161: varchar(255) NULL",
    Fate.IN_THE_WAY, "188", "havana", "upstream adds a column of its own (1060)",
)  # fmt: skip


def page(*findings, own=(), databases=(NOVA_FACTS,), width=100, **terminal):
    screen = Console(file=io.StringIO(), width=width, highlight=False, **terminal)
    show(Inspection(databases, own, findings), "icehouse", "osupgrade rehearse --dump nova.sql", screen)
    return screen.file.getvalue()


def test_the_page_says_what_is_there_what_is_yours_and_what_to_do():
    text = page(
        finding("prediction", message="collides"),
        finding("own-backported-column", place="nova.services", message="nova.services has a column"),
        finding("x", Severity.INFO, message="10 ports have no host"),
        own=(OWN,),
        width=160,
    )
    for part in (
        "grizzly 161", "165", "111, 1 latin1", "117.7 MiB", "instances 30\N{NARROW NO-BREAK SPACE}000",
        "in the way in 188 (havana)", "1060", "nova.services has a column", "10 ports have no host",
        "Not ready for the upgrade: 2 errors; 1 of 1 local changes stops it", "osupgrade rehearse --dump nova.sql",
    ):  # fmt: skip
        assert part in text
    assert "collides" not in text, "the table of what is yours says it"


def test_a_finding_has_its_proof_and_what_to_type():
    rows = tuple((f"host{n}", "[red]not red[/] and [/nothing]") for n in range(3))
    cure = Cure("rename them", tuple(Sql("neutron", f"UPDATE agents SET host = 'h{n}'") for n in range(5)))
    known = replace(finding("agents", place="agents.host", rows=rows), cure=cure, command="osupgrade rehearse --cure x")
    text = page(known, width=200)
    for part in (
        "nova agents.host: so it is", "proof: (a) = host0, [red]not red[/] and [/nothing]; host1", "… 3 in all",
        "cure: rename them", "neutron> UPDATE agents SET host = 'h0';", "… 2 more, all of them with --json",
        "try: osupgrade rehearse --cure x",
    ):  # fmt: skip
        assert part in text
    assert "host2" not in text and "'h3'" not in text


def test_of_releases_that_the_catalogue_does_not_know_nothing_is_claimed():
    text = page(databases=(replace(NOVA_FACTS, release="caracal", revision="", catalogued=False),))
    assert "local changes cannot be detected in them" in text
    assert "Nothing in the schemas" not in text


def test_a_clean_page_ends_with_one_line():
    text = page(databases=(replace(NOVA_FACTS, charsets={"utf8": 111}, claim=("161",), honest=True),))
    assert "The schemas hold no local changes." in text
    assert "No action needed before the upgrade" in text
    assert "What stands in the way" not in text


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_page_keeps_to_the_terminal(width):
    text = page(finding(message="very " * 60), own=(OWN,), width=width, force_terminal=True, color_system=None)
    assert max(len(line) for line in text.splitlines()) <= width


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

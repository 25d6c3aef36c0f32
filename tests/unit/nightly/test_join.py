"""Shards' reports become one: nothing lost, nothing twice, the worst status, and every view shows it."""

import dataclasses
import json
import re
from pathlib import Path
from xml.etree import ElementTree as Xml

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osupgrade.catalog.content import root
from osupgrade.catalog.releases import load_paths, load_releases, nightly_routes
from osupgrade.cli import run as command
from osupgrade.history import History
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.errors import Exit
from osupgrade.model.plan import find_path, make_plan
from osupgrade.model.report import Part
from osupgrade.nightly.join import join, merged_manifest, nightly_report, worst
from osupgrade.nightly.run import matrix
from osupgrade.nightly.split import CLEAN
from osupgrade.report.json import SCHEMA_FILE, read_json
from osupgrade.report.write import write_reports
from osupgrade.scenarios.loading import load_scenarios

from .. import _reports as samples

PLACE = "grizzly-icehouse mysql56"


SCENARIOS = samples.scenarios(4, bad=(3,)).scenarios


MATRIX = (f"{PLACE} clean", *(f"{PLACE} scenario {s.name}" for s in SCENARIOS), "caracal-gazpacho mariadb1011 clean")


ABSENT = Part(
    "caracal-gazpacho mariadb1011 clean",
    ("caracal-gazpacho mariadb1011 clean",),
    Exit.MISSING,
    None,
    "the pinned service code is not at hand; run `osupgrade sources fetch`",
    "parts/x",
)


def scenarios_part(*numbers):
    reports = tuple(SCENARIOS[n] for n in numbers)
    bad = any(not r.passed for r in reports)
    report = dataclasses.replace(samples.scenarios(4), scenarios=reports, exit_status=int(bad))
    units = tuple(f"{PLACE} scenario {r.name}" for r in reports)
    return Part(f"{PLACE} scenarios", units, int(bad), report, "", "parts/scenarios")


def clean_part(report=samples.GREEN):
    return Part(f"{PLACE} clean", (f"{PLACE} clean",), report.exit_status, report, "", "parts/clean")


def shard(*parts, seconds=100.0):
    return nightly_report(parts, MATRIX, samples.MANIFEST, seconds, "runs/x")


def written(report, parent, name="nightly"):
    run = RunDirectory.make(parent, name)
    write_reports(report, run)
    run.finish()
    return run.path


def test_the_worst_status_is_that_of_the_nightly():
    assert worst([]) == 0
    assert worst([0, 3, 0]) == 3
    assert worst([3, 1, 0]) == 1
    assert worst([1, 4, 3]) == 4
    assert worst([4, 130, 1]) == 130


@given(st.permutations(range(4)), st.integers(0, 4))
def test_scenarios_that_shards_shared_are_one_part_again(order, cut):
    both = {
        Path("a"): shard(clean_part(), scenarios_part(*order[:cut])),
        Path("b"): shard(scenarios_part(*order[cut:]), ABSENT),
    }
    joined = join(both, Path("j"), samples.MANIFEST)
    (part,) = [p for p in joined.parts if p.name.endswith("scenarios")]
    assert sorted(s.name for s in part.report.scenarios) == sorted(s.name for s in SCENARIOS)
    assert part.report.verdict == "3 of 4 scenarios failed as expected and were cured"
    assert joined.exit_status == Exit.DID_NOT and joined.seconds == 100.0
    assert not joined.notes and len(joined.parts) == 3


def test_what_no_shard_ran_is_not_forgotten():
    joined = join({Path("a"): shard(clean_part(), scenarios_part(0, 1))}, Path("j"), samples.MANIFEST)
    assert joined.exit_status == Exit.MISSING
    (part,) = [p for p in joined.parts if p.report is None]
    assert set(part.units) == {MATRIX[3], MATRIX[4], MATRIX[5]} and "nova-trap-00" not in part.problem


def test_what_two_shards_ran_is_told():
    both = {Path("a"): shard(clean_part()), Path("b"): shard(clean_part(), scenarios_part(0, 1, 2, 3), ABSENT)}
    joined = join(both, Path("j"), samples.MANIFEST)
    assert any("run twice" in note for note in joined.notes)
    assert [p.report.verdict for p in joined.parts if p.name.endswith("clean") and p.report] == [
        samples.GREEN.verdict
    ] * 2


def test_all_green_is_green_and_missing_alone_exits_3():
    good = scenarios_part(0, 1, 2)
    assert shard(clean_part(), good).exit_status == 0
    assert shard(clean_part(), good, ABSENT).exit_status == 3
    assert shard(clean_part(), good, ABSENT).verdict == "2 of 3 parts of the nightly succeeded, 1 was not run"
    assert shard(clean_part(samples.FAILED), ABSENT).exit_status == 1


def test_a_nightly_s_json_follows_the_schema_and_comes_back(tmp_path):
    report = shard(clean_part(), scenarios_part(0, 3), ABSENT)
    path = written(report, tmp_path)
    data = json.loads((path / "report.json").read_text())
    jsonschema.validate(data, json.loads(SCHEMA_FILE.read_text()))
    again = read_json(path / "report.json")
    assert again.parts[0].report.result.steps == report.parts[0].report.result.steps
    assert again.matrix == MATRIX and again.parts[2] == ABSENT


def test_junit_has_every_part_and_what_was_not_run_is_skipped(tmp_path):
    path = written(shard(clean_part(), scenarios_part(0, 3), ABSENT), tmp_path)
    suites = {suite.get("name"): suite for suite in Xml.parse(path / "junit.xml").getroot()}
    assert f"{PLACE} clean.nova".replace(" ", ".") in suites
    assert len(suites[f"{PLACE} scenarios.scenarios".replace(" ", ".")]) == 4
    (absent,) = suites[ABSENT.name.replace(" ", ".")]
    assert "sources fetch" in absent.find("skipped").get("message")
    failed = [case for suite in suites.values() for case in suite if case.find("failure") is not None]
    # The verdict of the nightly, that of its part, and the lane that went wrong.
    assert len(failed) == 3


def test_the_page_shows_parts_and_the_matrix(tmp_path):
    path = written(shard(clean_part(), scenarios_part(0, 3), ABSENT), tmp_path)
    page = (path / "report.html").read_text()
    assert 'href="./parts/clean/report.html"' in page and "sources fetch" in page
    matrix_ = page[page.index('id="matrix"') :]
    assert matrix_.index("glance-trap-03") < matrix_.index("nova-trap-00"), "what went wrong comes first"
    assert f"{PLACE}, naive: havana/nova failed" in matrix_


def test_the_command_joins_the_directories_of_artifacts(tmp_path, capsys):
    history = tmp_path / "history.sqlite"
    one = written(shard(clean_part(), scenarios_part(0, 1)), tmp_path / "artifact-1")
    written(shard(scenarios_part(2), ABSENT), tmp_path / "artifact-2")
    arguments = [str(tmp_path / "artifact-1"), str(tmp_path / "artifact-2")]
    out = tmp_path / "joined"
    status = command(["report", "--join", *arguments, "--out", str(out), "--history", str(history)])
    text = capsys.readouterr().out
    assert status == Exit.MISSING and "not run by any shard" in text
    joined = read_json(out / "latest" / "report.json")
    link = (out / "latest").resolve() / joined.parts[0].directory
    assert link.resolve() == (one / "parts" / "clean").resolve()
    # A whole rehearsal, and two lanes of each of three scenarios.
    assert len(History(history).all()) == 7


def test_joining_nothing_is_said_so(tmp_path, capsys):
    assert command(["report", "--join", str(tmp_path), "--out", str(tmp_path)]) == Exit.USAGE
    assert "no finished run" in capsys.readouterr().err
    assert command(["report", "--join", str(tmp_path / "nowhere")]) == Exit.USAGE
    assert command(["report", "--join", "--trend"]) == Exit.USAGE
    assert "--trend and --join" in capsys.readouterr().err


def test_an_unfinished_shard_is_no_shard(tmp_path):
    path = written(shard(clean_part()), tmp_path / "a")
    (path / "UNFINISHED").write_text("stopped\n")
    assert command(["report", "--join", str(tmp_path / "a"), "--out", str(tmp_path / "j")]) == Exit.USAGE


class TestTheMatrix:
    found = load_scenarios([root() / "scenarios"])
    paths = tuple(load_paths().values())

    def test_every_path_is_run_on_each_of_its_databases_with_each_of_its_scenarios(self):
        units = matrix(self.paths, (), (), self.found)
        for path in self.paths:
            wanted = {s.name for s in self.found.scenarios.values() if s.can_run(make_plan(path, load_releases()))}
            for database in path.databases:
                mine = {u.what for u in units if (u.path, u.database) == (path.name, database)}
                assert {f"scenario {name}" for name in wanted} <= mine and CLEAN in mine
        assert len(units) == len(set(units))

    def test_it_can_be_narrowed(self):
        units = matrix(self.paths[:1], ("mariadb105",), ("clean", "own-index"), self.found)
        assert [u.name for u in units] == [
            "grizzly-icehouse mariadb105 clean",
            "grizzly-icehouse mariadb105 scenario own-index",
        ]

    def test_a_route_along_the_chain_is_a_clean_cloud_on_one_database(self):
        routes = [find_path(load_paths(), load_releases(), name) for name in nightly_routes()]
        assert {"rocky-hibiscus-every", "train-wallaby-direct"} <= {route.name for route in routes}
        units = matrix(routes, (), (), self.found)
        assert [(u.path, u.what) for u in units] == [(route.name, CLEAN) for route in routes]
        assert matrix(routes, (), ("own-index",), self.found) == ()

    def test_a_part_of_a_path_has_the_traps_of_its_steps_only(self):
        part = find_path(load_paths(), load_releases(), "grizzly-havana")
        mine = {u.scenario for u in matrix([part], (), (), self.found)}
        assert {"", "nova-null-vcpus"} <= mine
        assert mine.isdisjoint({"ml2-flat-networks", "glance-latin1", "keystone-own-index"})


@pytest.mark.exhaustive
def test_the_list_of_all_shards_is_the_whole_list(capsys):
    def listed(*arguments):
        assert command(["nightly", "--list", "--json", "--no-history", *arguments]) == 0
        return json.loads(capsys.readouterr().out)

    whole = listed()
    shards = [unit for number in range(1, 5) for unit in listed("--shard", f"{number}/4")]
    assert shards == whole and len(whole) > 60


def test_durations_of_past_runs_are_used(tmp_path, capsys):
    history = History(tmp_path / "h.sqlite")
    report = dataclasses.replace(samples.GREEN, seconds=321.0, level="full")
    from osupgrade.history import past_runs

    for past in past_runs(report):
        history.add(past)
    assert command(["nightly", "--list", "--what", "clean", "--history", str(history.file)]) == 0
    assert re.search(r"mysql56\s+clean\s+5 min 21 s", capsys.readouterr().out)


def test_what_was_merged_already_is_told_once():
    def made(database, cloud):
        return dataclasses.replace(
            samples.GREEN, manifest=dataclasses.replace(samples.GREEN.manifest, database=database, cloud=cloud)
        )

    shards = [made("mysql56: 5.6.24, mariadb105: 10.5.23", "a, b"), made("mariadb105: 10.5.23", "b, c")]
    merged = merged_manifest(samples.GREEN.manifest, shards)
    assert merged.database == "mysql56: 5.6.24, mariadb105: 10.5.23" and merged.cloud == "a, b, c"

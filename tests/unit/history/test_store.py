"""Runs are remembered, compared and accepted."""

import dataclasses
import sqlite3
import threading

import pytest

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.cli import run as command
from osupgrade.history import History, Thing, accept, default_file, durations, past_runs
from osupgrade.history import remember as keep
from osupgrade.history.rundir import RunDirectory
from osupgrade.history.trend import trends
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.finding import Severity
from osupgrade.model.plan import find_path, make_plan
from osupgrade.rehearsal.outcome import conclude
from osupgrade.rehearsal.request import Request
from osupgrade.report.json import read_json
from osupgrade.report.write import write_reports

from .. import _reports as samples

CLEAN = Thing("grizzly-icehouse", "mysql56", "", "smoke")


def green(day=1, **changes):
    manifest = dataclasses.replace(
        samples.MANIFEST, input="an-input", host="a-host", started=f"2026-11-{day:02}T01:00:00+00:00"
    )
    changes = {"contents": {"nova.instances": "a1"}, "level": "smoke", **changes}
    return dataclasses.replace(samples.GREEN, manifest=manifest, **changes)


def remember(report, history, where="runs/x"):
    """What `osupgrade rehearse` does once everything is found out: decide what it comes to, and keep it."""
    if report.result is not None:
        releases = load_releases()
        plan = make_plan(find_path(load_paths(), releases, "grizzly-icehouse"), releases)
        report = conclude(report, plan, Request(path="grizzly-icehouse"), where, history)
    keep(report, history)
    return report


@pytest.fixture
def history(tmp_path):
    return History(tmp_path / "state" / "history.sqlite")


def test_what_is_remembered_comes_back_as_it_was(history):
    (past,) = past_runs(green())
    history.add(past)
    assert history.all() == [past]
    assert history.last_green("an-input") == past and history.last_green("another") is None
    assert past.rows["nova.volumes@seeded"] == 12 and len(past.steps) == 11 + 30


def test_the_same_run_is_remembered_once(history):
    (past,) = past_runs(green())
    history.add(past)
    history.add(past)
    assert len(history.all()) == 1 and len(history.all()[0].steps) == 11 + 30


def test_the_newest_green_run_is_what_counts(history):
    for day, good in ((1, True), (3, True), (5, False), (2, True)):
        (past,) = past_runs(green(day))
        history.add(dataclasses.replace(past, green=good))
    assert history.last_green("an-input").started.startswith("2026-11-03")
    assert [p.started[8:10] for p in history.greens("an-input", "a-host")] == ["01", "02", "03"]
    assert history.greens("an-input", "another-host") == []


def test_runs_of_unknown_input_are_compared_with_nothing(history):
    (past,) = past_runs(dataclasses.replace(green(), manifest=samples.MANIFEST))
    history.add(past)
    assert past.input == "" and history.last_green("") is None


def test_the_same_rows_stay_green_and_others_turn_the_run_red(history):
    assert remember(green(1), history, "runs/1").exit_status == 0
    assert remember(green(2), history, "runs/2").exit_status == 0
    rows = {**samples.ROWS, "nova.instances": {"seeded": 4210, "verify": 4209}}
    red = remember(green(3, rows=rows), history, "runs/3")
    assert red.exit_status == Exit.DID_NOT and not red.result.came_through
    assert red.next_command.startswith("osupgrade report runs/3 --accept")
    # A red run is nothing to judge by: the same rows again are still wrong.
    assert remember(green(4, rows=rows), history, "runs/4").exit_status == Exit.DID_NOT
    assert remember(green(5), history, "runs/5").exit_status == 0


def test_slow_steps_only_warn(history):
    for day in range(1, 13):
        remember(green(day), history, "runs/x")
    slowly = tuple(dataclasses.replace(s, seconds=s.seconds * 10) for s in samples.GREEN.result.steps)
    report = remember(green(20, result=dataclasses.replace(samples.GREEN.result, steps=slowly)), history, "runs/20")
    warnings = [f.finding for f in report.result.findings if f.finding.source == "history"]
    assert report.exit_status == 0
    assert {w.severity for w in warnings} == {Severity.WARNING} and len(warnings) == 11


def test_an_accepted_run_is_judged_by_from_then_on(history):
    remember(green(1), history, "runs/1")
    rows = {**samples.ROWS, "nova.instances": {"seeded": 4210, "verify": 4209}}
    red = remember(green(2, rows=rows), history, "runs/2")
    accept(red, history)
    assert remember(green(3, rows=rows), history, "runs/3").exit_status == 0
    assert remember(green(4), history, "runs/4").exit_status == Exit.DID_NOT


def test_what_failed_otherwise_is_not_accepted(history):
    with pytest.raises(UsageFault, match="more reasons than a difference"):
        accept(samples.FAILED, history)
    with pytest.raises(UsageFault, match="only a rehearsal"):
        accept(samples.scenarios(2), history)


def test_accepting_works_on_a_report_read_back(history, tmp_path, capsys):
    remember(green(1), history, "runs/1")
    rows = {**samples.ROWS, "nova.instances": {"seeded": 4210, "verify": 4209}}
    run = RunDirectory.make(tmp_path, "grizzly-icehouse")
    write_reports(remember(green(2, rows=rows), history, str(run.path)), run)
    run.finish()
    assert command(["report", str(run.path), "--accept", "--history", str(history.file)]) == 0
    assert "from now on" in capsys.readouterr().out
    assert [p.green for p in history.all()] == [True, True]
    assert read_json(run.path / "report.json").exit_status == 1


def test_lanes_of_scenarios_are_remembered_with_their_times(history):
    remember(samples.scenarios(4), history, "runs/1")
    assert [p.subject for p in history.all()][:2] == ["nova-trap-00/naive", "nova-trap-00/cured"]
    assert [p.green for p in history.all()] == [True] * 6 + [False, True]
    assert durations(history)[Thing("grizzly-icehouse", "mysql56", "nova-trap-00")] == pytest.approx(4.1 + 9.6)


def test_of_many_runs_the_last_five_say_how_long_it_takes(history):
    for day, seconds in enumerate((90, 90, 90, 90, 10, 11, 12, 13, 14), 1):
        remember(green(day, seconds=float(seconds)), history, "runs/x")
    assert durations(history) == {CLEAN: 12.0}


def test_a_rehearsal_of_one_service_says_nothing_of_a_whole_one(history):
    result = dataclasses.replace(samples.GREEN.result, services=("glance",))
    for day, changes in enumerate(({"seconds": 30.0}, {"seconds": 5.0, "result": result}), 1):
        remember(green(day, **changes), history, "runs/x")
    assert durations(history) == {CLEAN: 30.0}
    titles = [trend.title for trend in trends(history.all())]
    assert titles == [
        "grizzly-icehouse on mysql56, clean cloud",
        "grizzly-icehouse on mysql56, clean cloud, glance only",
    ]


def test_what_else_was_done_is_told_apart(history):
    for day, changes in enumerate(
        ({"seconds": 30.0}, {"seconds": 90.0, "level": "full"}, {"seconds": 150.0, "times": 10}), 1
    ):
        remember(green(day, **changes), history, "runs/x")
    assert durations(history) == {
        CLEAN: 30.0,
        dataclasses.replace(CLEAN, how="full"): 90.0,
        dataclasses.replace(CLEAN, how="smoke x10"): 150.0,
    }


def test_the_oldest_of_a_kind_are_forgotten(history, monkeypatch):
    monkeypatch.setattr("osupgrade.history.store.KEPT", 3)
    for past in past_runs(samples.scenarios(1)):
        history.add(past)
    for day in (5, 1, 2, 4, 3):
        history.add(next(past_runs(green(day))))
    assert [p.started[8:10] for p in history.all() if p.whole] == ["03", "04", "05"]
    assert len(history.all()) == 5 and all(past.steps for past in history.all())


def test_many_may_write_at_once(history):
    threads = [threading.Thread(target=lambda d=day: history.add(next(past_runs(green(d))))) for day in range(1, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(history.all()) == 20


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda file: file.write_bytes(b"this is no database at all, not even nearly" * 40), "not a database"),
        (
            lambda file: sqlite3.connect(file).execute("CREATE TABLE other (a)").connection.close(),
            "another version of osupgrade",
        ),
        (lambda file: file.mkdir(), "unable to open"),
    ],
    ids=["garbage", "foreign", "directory"],
)
def test_a_store_that_cannot_be_used_is_said_so_in_one_sentence(tmp_path, damage, says, capsys):
    file = tmp_path / "history.sqlite"
    damage(file)
    assert command(["rehearse", "--history", str(file)]) == Exit.USAGE
    error = capsys.readouterr().err
    assert says in error and "next:" in error and "Traceback" not in error


def test_the_store_lies_in_the_state_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_file() == tmp_path / "osupgrade" / "history.sqlite"

"""Two strategies side by side: facts, times, and the steps of the night."""

import dataclasses

import pytest

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.cli import run as command
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.errors import Exit
from osupgrade.model.plan import find_path, make_plan
from osupgrade.report.compare import compared
from osupgrade.report.digest import downtime
from osupgrade.report.write import write_reports

from .. import _reports as samples

PLAN = make_plan(find_path(load_paths(), load_releases(), "grizzly-icehouse"), load_releases())


def facts(left, right):
    return {line.what: line for line in compared(left, right, (PLAN, PLAN))}


def test_what_differs_between_two_strategies():
    lines = facts(samples.IN_PLACE, samples.MOVED)
    told = {name: (line.left, line.right) for name, line in lines.items()}
    assert told["strategy"] == ("in-place", "new-controller")
    assert told["database"] == ("mysql56", "mysql56 → mariadb105")
    assert told["backup"] == ("2.1 s (45.8 MiB)", "–") and told["restore"] == ("–", "4.2 s (45.8 MiB)")
    assert told["nova"] == ("8.5 s", "8.5 s") and not lines["nova"].differs
    assert told["nothing may write for"] == ("at least 11.8 s", "at least 16.9 s")
    assert told["the way back"][1].startswith("the old server is unchanged")
    assert list(told)[:8] == ["strategy", "database", "verdict", "backup", "dump", "copy", "restore", "comparison"]
    night = [pair for name, pair in told.items() if name.startswith("the night")]
    assert night[:3] == [
        ("Stop what writes to the databases", "Stop what writes to the databases, on the old controller"),
        ("Dump the databases", "Dump the databases on the old server"),
        ("–", "Restore them on the new server"),
    ]
    assert all(one == other for one, other in night[3:]) and len(night) > 15


def test_the_shortest_downtime_is_what_comes_before_the_longest_chain_and_the_finish():
    assert downtime(samples.GREEN) == pytest.approx(8.5 + 1.2)
    assert downtime(samples.IN_PLACE) == pytest.approx(2.1 + 8.5 + 1.2)
    assert downtime(samples.MOVED) == pytest.approx(2.1 + 0.9 + 4.2 + 8.5 + 1.2)


def written(report, parent, name):
    run = RunDirectory.make(parent, name)
    write_reports(report, run)
    run.finish()
    return str(run.path)


def test_the_command_shows_both_and_exits_with_the_worse(tmp_path, capsys):
    good = written(samples.IN_PLACE, tmp_path, "a")
    bad = written(dataclasses.replace(samples.FAILED, strategy=samples.MOVED.strategy), tmp_path, "b")
    assert command(["report", good, good, "--compare"]) == 0
    capsys.readouterr()
    assert command(["report", good, bad, "--compare"]) == Exit.DID_NOT
    text = capsys.readouterr().out
    assert "new-controller" in text and "the night, 14" in text


def test_what_cannot_be_compared_is_refused(tmp_path, capsys):
    good, scenarios = written(samples.GREEN, tmp_path, "a"), written(samples.scenarios(2), tmp_path, "b")
    for arguments, says in (
        ([good], "--compare takes two runs"),
        ([good, scenarios], "is not a rehearsal"),
        ([good, str(tmp_path / "nowhere")], "there is no run"),
    ):
        assert command(["report", *arguments, "--compare"]) == Exit.USAGE
        assert says in capsys.readouterr().err
    assert command(["report", good, good]) == Exit.USAGE


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--strategy", "sideways"], "in-place or new-controller"),
        (["--old-db", "mysql56"], "--old-db needs"),
        (["--strategy", "in-place", "--old-db", "mysql56"], "--old-db needs"),
        (["--strategy", "new-controller", "--times", "3"], "rehearsed once"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_anything_starts(arguments, says, tmp_path, capsys):
    assert command(["rehearse", *arguments, "--out", str(tmp_path / "runs")]) == Exit.USAGE
    assert says in capsys.readouterr().err and not (tmp_path / "runs").exists()

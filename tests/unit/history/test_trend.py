"""The picture of past runs."""

import dataclasses
import re

from osupgrade.cli import run as command
from osupgrade.history import History, past_runs
from osupgrade.history.trend import trends
from osupgrade.model.errors import Exit
from osupgrade.report.trend import chart, trend_html

from .. import _reports as samples
from .test_store import green, remember


def took(seconds):
    """What changes in a report when the path alone took so long."""
    return {"result": dataclasses.replace(samples.GREEN.result, seconds=seconds)}


def remembered(days, **changes):
    return [next(past_runs(green(day, **changes))) for day in days]


def test_runs_of_one_kind_are_one_trend_and_its_steps_are_series():
    (trend,) = trends(remembered(range(1, 4)))
    assert len(trend.whole.points) == 3 and trend.whole.most is None
    assert trend.parts[0].name == "havana/nova" and len(trend.parts) == 11 + 30


def test_whole_runs_come_before_lanes_and_kinds_are_told_apart():
    names = [t.title for t in trends([*past_runs(samples.scenarios(1)), *past_runs(samples.FAILED), *remembered([1])])]
    assert names == [
        "grizzly-icehouse on mysql56, clean cloud",
        "grizzly-icehouse on mysql56, with 1 trap",
        "grizzly-icehouse on mysql56, scenario nova-trap-00/cured",
        "grizzly-icehouse on mysql56, scenario nova-trap-00/naive",
    ]


def test_a_run_whose_rows_changed_is_marked_and_one_that_stopped_is_not():
    rows = {**samples.ROWS, "nova.instances": {"seeded": 4210, "verify": 1}}
    stopped = dataclasses.replace(green(2, rows={}), result=samples.FAILED.result, exit_status=1)
    stopped = dataclasses.replace(next(past_runs(stopped)), subject="")
    (trend,) = trends([*remembered([1]), stopped, *remembered([3], rows=rows)])
    assert [change.started[8:10] for change in trend.changes] == ["03"]


def test_a_slow_last_run_is_beyond_the_limit():
    (trend,) = trends([*remembered(range(1, 13)), *remembered([20], **took(90.0))])
    assert trend.whole.beyond and round(trend.whole.most, 2) == round(11.1 * 1.1, 2)


def test_every_mark_lies_on_the_chart():
    (trend,) = trends([*remembered(range(1, 15)), *remembered([20], **took(900.0))])
    drawn = chart(trend.whole)
    assert len(drawn.marks) == 15
    assert all(0 <= mark.x <= 100 and 0 <= mark.y <= 100 for mark in drawn.marks)
    assert 0 <= drawn.limit <= 100
    assert min(drawn.marks, key=lambda mark: mark.y) is drawn.marks[-1]


def test_the_page_stands_alone_and_escapes():
    pasts = remembered(range(1, 14))
    odd = dataclasses.replace(pasts[-1], subject="+<script>", id="odd")
    page = trend_html(trends([*pasts, odd]))
    assert "<script" not in page and "http" not in re.sub(r'http-equiv="Content', "", page)
    assert page.count('<svg class="trend"') == 2


def test_the_command_draws_and_tells(tmp_path, capsys):
    history = History(tmp_path / "history.sqlite")
    for day in range(1, 13):
        remember(green(day), history, "runs/x")
    remember(green(20, **took(99.0)), history, "runs/x")
    out = tmp_path / "pages"
    assert command(["report", "--trend", "--history", str(history.file), "--out", str(out)]) == 0
    assert "slow: grizzly-icehouse" in " ".join(capsys.readouterr().out.split())
    assert "Past runs" in (out / "trend.html").read_text()


def test_without_any_run_there_is_nothing_to_draw(tmp_path, capsys):
    assert command(["report", "--trend", "--history", str(tmp_path / "h.sqlite")]) == Exit.USAGE
    assert "no run is recorded in" in capsys.readouterr().err

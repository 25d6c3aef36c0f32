"""The time line sets steps and migrations on one scale."""

import dataclasses

import pytest

from osupgrade.model.step import Outcome
from osupgrade.report.html import html, timeline

from ... import _reports as samples
from ._pages import Page


def test_the_time_line_sets_steps_on_one_scale():
    line = timeline(samples.GREEN.result)
    rows = {row.service: row for row in line.rows}
    end = samples.ML2.started + samples.ML2.seconds
    first, second, ml2 = rows["neutron"].bars
    assert first.left == pytest.approx(100 * 0.3 / end, abs=0.01)
    assert ml2.left + ml2.width == pytest.approx(100, abs=0.02)
    assert first.left + first.width < second.left < ml2.left
    assert [bar.style for bar in rows["neutron"].bars] == ["hop0", "hop1", "finish"]
    assert [text for _, text in line.ticks] == ["0 s", "2 s", "4 s", "6 s", "8 s", "10 s"]
    assert rows["nova"].versions == "161 → 216 → 234"


def test_a_step_without_a_start_follows_its_chain_and_a_finish_follows_all():
    steps = tuple(dataclasses.replace(step, started=None) for step in samples.ALL_STEPS)
    rows = {row.service: row for row in timeline(dataclasses.replace(samples.GREEN.result, steps=steps)).rows}
    havana, icehouse = rows["nova"].bars
    assert havana.left == 0 and icehouse.left == pytest.approx(havana.width, abs=0.02)
    assert rows["neutron"].bars[-1].left == pytest.approx(icehouse.left + icehouse.width, abs=0.02)


def test_the_time_line_tells_failures_and_what_was_not_reached():
    rows = {row.service: row for row in timeline(samples.FAILED.result).rows}
    assert [bar.style for bar in rows["nova"].bars] == ["failed"] and rows["nova"].missing == ("icehouse",)
    skipped = dataclasses.replace(samples.NOVA_FAILED, outcome=Outcome.SKIPPED, seconds=0.0, started=0.0)
    only = dataclasses.replace(samples.FAILED.result, steps=(skipped,), services=("nova",))
    assert timeline(only).rows[0].bars[0].width > 0


def test_migrations_stand_below_their_hops_on_the_time_line(tmp_path):
    line = timeline(samples.GREEN.result)
    (nova,) = (row for row in line.rows if row.service == "nova")
    hop, mark = nova.bars[0], next(mark for mark in nova.marks if "185" in mark.title)
    assert hop.left < mark.left < mark.left + mark.width < hop.left + hop.width
    assert mark.title == "nova 185_rename_unique_constraints: 4.1 s, 64 statements"
    assert html(samples.GREEN, tmp_path).count('class="mark') == 30


def test_a_migration_that_did_not_finish_stands_out(tmp_path):
    stopped = dataclasses.replace(samples.NOVA_185, finished=False)
    step = dataclasses.replace(samples.NOVA_FAILED, migrations=(stopped,))
    result = dataclasses.replace(samples.FAILED.result, steps=(step,))
    text = html(dataclasses.replace(samples.FAILED, result=result), tmp_path)
    assert "not finished" in Page(text).text
    (nova,) = (row for row in timeline(result).rows if row.bars)
    assert nova.marks[0].style == "failed"

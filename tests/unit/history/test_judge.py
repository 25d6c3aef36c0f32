"""Judging by past runs: rows exactly, times only against more than ten runs, and robustly."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osupgrade.history.judge import ENOUGH, compare, limit, slow
from osupgrade.history.record import Past, Timed
from osupgrade.model.finding import Severity

SECONDS = st.floats(0.01, 10_000)
HISTORY = st.lists(SECONDS, min_size=ENOUGH, max_size=60)


def past(seconds=2.0, **changes):
    run = Past(
        id="1",
        started="2026-11-22T18:00:00+00:00",
        path="grizzly-icehouse",
        database="mysql56",
        subject="",
        input="abc",
        host="def",
        green=True,
        seconds=9.0,
        steps=(Timed("step", "havana/nova", "passed", seconds), Timed("migration", "nova 185", "passed", 1.0, 31)),
        rows={"nova.instances@seeded": 30, "nova.instances@verify": 30, "neutron.ports@verify": 60},
        contents={"nova.instances": "a1", "neutron.ports": "b1"},
        schemas={"nova": "s1", "neutron": "t1"},
    )
    return dataclasses.replace(run, **changes)


def test_the_same_run_again_and_a_first_run_have_no_difference():
    assert compare(past(), past()) == ()
    assert compare(past(), None) == ()


def test_other_rows_are_an_error_that_names_the_table_and_both_numbers():
    (finding,) = compare(past(rows={**past().rows, "nova.instances@verify": 31}), past())
    assert finding.severity is Severity.ERROR and finding.service == "nova"
    assert finding.evidence.rows == (("instances", "verify", "30", "31"),)
    assert finding.message.startswith("instances has different row counts from the last passing run")
    assert "2026-11-22T18:00:00" in finding.message


def test_a_table_that_came_or_went_is_a_difference():
    rows = {"nova.instances@seeded": 30, "nova.instances@verify": 30, "nova.new@verify": 0}
    found = {(f.service, f.evidence.rows) for f in compare(past(rows=rows), past())}
    assert found == {
        ("nova", (("new", "verify", "NULL", "0"),)),
        ("neutron", (("ports", "verify", "60", "NULL"),)),
    }


def test_as_many_rows_with_other_contents_are_told_as_that_and_only_once():
    (finding,) = compare(past(contents={"nova.instances": "a2", "neutron.ports": "b1"}), past())
    assert "as many rows, but different contents" in finding.message and finding.service == "nova"
    assert finding.severity is Severity.WARNING
    changed = past(contents={"nova.instances": "a2", "neutron.ports": "b1"}, rows={"nova.instances@verify": 31})
    told = [f.message for f in compare(changed, past()) if f.service == "nova"]
    assert len(told) == 1 and "has different row counts" in told[0]


def test_contents_that_one_of_the_two_did_not_read_are_no_difference():
    assert compare(past(contents={}), past()) == ()
    assert compare(past(), past(contents={}, schemas={})) == ()


def test_another_schema_is_an_error_and_so_is_another_count_of_a_migration():
    (finding,) = compare(past(schemas={"nova": "s2", "neutron": "t1"}), past())
    assert finding.service == "nova" and "schema" in finding.message
    (finding,) = compare(past(steps=(Timed("migration", "nova 185", "passed", 1.0, 30),)), past())
    assert finding.evidence.rows == (("185", "31", "30"),) and finding.severity is Severity.ERROR


def test_another_time_is_no_difference():
    assert compare(past(seconds=200.0), past()) == ()


@pytest.mark.parametrize("runs", [0, 1, 10])
def test_ten_runs_are_not_enough_to_judge_a_time(runs):
    assert limit([2.0] * runs) is None
    assert slow(past(seconds=1e6), [past()] * runs) == ()


def test_a_slow_step_only_warns_and_says_what_is_usual():
    (finding,) = slow(past(seconds=9.0), [past()] * 11)
    assert finding.severity is Severity.WARNING
    assert (finding.service, finding.place) == ("nova", "havana/nova")
    assert finding.message == "the step took 9.0 s; 2.0 s is usual here, and the limit is 2.3 s, from 11 runs"


def test_a_step_that_is_new_is_not_slow():
    assert slow(past(steps=(Timed("step", "icehouse/nova", "passed", 1e6),)), [past()] * 20) == ()


@given(HISTORY)
def test_the_limit_lies_above_the_middle_and_no_equal_history_is_beyond_it(seconds):
    most = limit(seconds)
    assert most > sorted(seconds)[len(seconds) // 2] - 1e-9
    assert slow(past(seconds=min(seconds)), [past(seconds=s) for s in seconds]) == ()


@given(HISTORY, st.floats(10_000, 1e9))
def test_one_run_on_a_bad_day_does_not_move_the_limit_beyond_what_was_seen(seconds, wild):
    """A mean and a standard deviation would follow the one; the median and its deviation stay among the others."""
    most = limit([*seconds, wild])
    assert most < 12 * max(seconds) + 1


@given(HISTORY, st.floats(0.1, 10))
def test_a_machine_that_is_slower_throughout_has_a_limit_slower_by_as_much(seconds, factor):
    slower = limit([s * factor for s in seconds])
    assert slower == pytest.approx(max(limit(seconds) * factor, slower), rel=1e-6)
    assert slower <= limit(seconds) * factor + 0.3 + 1e-6


@given(
    st.dictionaries(st.sampled_from([f"nova.t{n}@verify" for n in range(8)]), st.integers(0, 99), min_size=1), st.data()
)
def test_every_changed_table_is_in_the_evidence_and_no_other(rows, data):
    changed = data.draw(st.sets(st.sampled_from(sorted(rows))))
    now = {name: n + 1 if name in changed else n for name, n in rows.items()}
    found = compare(past(rows=now), past(rows=rows))
    named = {f"{f.service}.{row[0]}@{row[1]}" for f in found for row in f.evidence.rows}
    assert named == changed
    assert sum(f.evidence.total for f in found) == len(changed)

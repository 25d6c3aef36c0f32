"""Delta debugging on pretended errors: what is left still fails, nothing of it can go, and few trials were needed."""

import hashlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osupgrade.dump.shrink import (
    Candidate,
    Table,
    as_ranges,
    ddmin,
    everything,
    minimal,
    parents_first,
    shrink_rows,
    shrink_tables,
)

needed_of = st.integers(1, 400).flatmap(
    lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1), max_size=6), st.integers(0, size))
)


@given(needed_of)
def test_what_needs_certain_items_is_narrowed_to_just_them_in_few_trials(case):
    size, needed, likely = case
    asked = []

    def fails(part):
        asked.append(tuple(part))
        return needed <= set(part)

    assert minimal(range(size), fails, likely=likely) == sorted(needed)
    assert len(asked) <= (len(needed) + 1) * (math.ceil(math.log2(size + 1)) + 3) + 1


@given(st.integers(1, 40), st.integers(0, 7), st.integers(0, 40), st.sampled_from(["minimal", "ddmin"]))
def test_whatever_the_error_depends_on_nothing_can_be_left_out_at_the_end(size, seed, likely, how):
    """An error that comes and goes without any rule, but is there with everything."""

    def fails(part):
        assert list(part) == sorted(part)
        if len(part) == size:
            return True
        return hashlib.sha256(repr((seed, tuple(part))).encode()).digest()[0] < 60

    left = minimal(range(size), fails, likely=likely) if how == "minimal" else ddmin(range(size), fails)
    assert fails(left)
    assert not any(fails([item for item in left if item != gone]) for gone in left)


@st.composite
def clouds(draw):
    """Tables with rows that point at rows of earlier tables, and the rows that the trap needs."""
    tables, refers = [], {}
    for number in range(draw(st.integers(1, 6))):
        earlier = [t for t in tables if t.rows]
        parents = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=2)) if earlier else []
        rows = draw(st.integers(0, 25))
        name = f"t{number}"
        for row in range(rows):
            refers[name, row] = {(p.name, draw(st.integers(0, p.rows - 1))) for p in parents}
        tables.append(Table(name, rows, frozenset(p.name for p in parents)))
    trap = draw(st.sets(st.sampled_from(sorted(refers)), max_size=4)) if refers else set()
    return draw(st.permutations(tables)), refers, trap


def rows_of(candidate: Candidate) -> set[tuple[str, int]]:
    return {(name, row) for name, ranges in candidate.rows for start, end in ranges for row in range(start, end)}


@pytest.mark.exhaustive
@settings(max_examples=200)
@given(clouds(), st.data())
def test_rows_that_point_nowhere_are_another_error_and_do_not_get_in_the_way(cloud, data):
    tables, refers, trap = cloud

    def still_fails(candidate):
        rows = rows_of(candidate)
        assert rows <= set(refers)
        return trap <= rows and all(refers[row] <= rows for row in rows)

    likely = data.draw(st.sets(st.sampled_from([t.name for t in tables])))
    found = shrink_rows(
        tables, still_fails, likely=likely, suspects=lambda name: [r for n, r in sorted(trap) if n == name]
    )
    closed = set(trap)
    while more := {parent for row in closed for parent in refers[row]} - closed:
        closed |= more
    assert found.complete
    assert rows_of(found.candidate) == closed


@pytest.mark.exhaustive
@given(clouds(), st.integers(0, 12))
def test_when_time_runs_out_the_best_so_far_is_given_and_it_fails(cloud, trials):
    tables, _, trap = cloud
    asked = []

    def still_fails(candidate):
        asked.append(candidate)
        return trap <= rows_of(candidate)

    found = shrink_rows(tables, still_fails, enough=lambda: len(asked) >= trials)
    assert trap <= rows_of(found.candidate)
    assert len(asked) <= trials
    assert rows_of(found.candidate) == trap or not found.complete


def test_a_fixed_table_stays_and_no_candidate_is_asked_twice():
    tables = [Table("version", 1, fixed=True), Table("a", 300), Table("b", 7, frozenset({"a"}))]
    asked = []

    def still_fails(candidate):
        asked.append(candidate)
        assert ("version", 0) in rows_of(candidate)
        return {("b", 3), ("a", 299)} <= rows_of(candidate)

    found = shrink_rows(tables, still_fails)
    assert found.candidate == Candidate((("a", ((299, 300),)), ("b", ((3, 4),)), ("version", ((0, 1),))))
    assert len(asked) == len(set(asked)) == found.trials


def test_suspects_spare_the_halving():
    tables = [Table("a", 100_000)]
    one = ("a", 70_123)
    found = shrink_rows(tables, lambda c: one in set(rows_of(c)), suspects=lambda _name: [70_123])
    assert found.candidate.count == 1
    assert found.trials <= 5


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_empty_tables_go_when_nothing_asks_for_them(needed, named):
    tables = [Table("version", 1, fixed=True), *(Table(f"t{n}", 0) for n in range(31)), Table("rows", 5)]
    start = Candidate((("rows", ((2, 3),)), ("version", ((0, 1),))))
    found = shrink_tables(
        tables,
        start,
        lambda c: c.rows == start.rows and not {f"t{n}" for n in needed} & c.gone,
        named=[f"t{n}" for n in named],
    )
    assert found.candidate.gone == {f"t{n}" for n in range(31)} - {f"t{n}" for n in needed}


def test_parents_come_first_also_when_keys_go_round():
    tables = [
        Table("child", 1, frozenset({"parent"})),
        Table("parent", 9, frozenset({"parent", "gone"})),
        Table("a", 5, frozenset({"b"})),
        Table("b", 6, frozenset({"a"})),
        Table("far", 0),
    ]
    names = [table.name for table in parents_first(tables, frozenset({"child"}))]
    assert names[:2] == ["parent", "child"]
    assert sorted(names) == ["a", "b", "child", "far", "parent"]


def test_rows_as_ranges():
    assert as_ranges([0, 1, 2, 5, 7, 8]) == ((0, 3), (5, 6), (7, 9))
    assert as_ranges(range(4)) == ((0, 4),)
    assert everything([Table("a", 3), Table("b", 0)]).count == 3

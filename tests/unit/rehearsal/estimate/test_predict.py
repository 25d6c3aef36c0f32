import dataclasses

import pytest

from osupgrade.model.host import Host
from osupgrade.model.step import TableWork
from osupgrade.rehearsal.estimate.predict import Measured, Prepared, estimate

from ... import _reports as samples

LAB = Host("lab", 2, 8 << 30, 100 << 30, 10.0, 0.5, 200.0, 400.0)
HAVANA, ICEHOUSE = samples.chain("nova")


def seen(seconds, rows=100, side=0, number=0):
    work = TableWork("instances", seconds, True, bool(side), 0, side, side)
    return samples.migration(
        "nova", 0, number, seconds=seconds, server_seconds=seconds / 2, rows_read=rows, rows_changed=0, tables=(work,)
    )


def step(migrations, besides=1.0, **changes):
    seconds = besides + sum(m.seconds for m in migrations)
    return dataclasses.replace(HAVANA, migrations=tuple(migrations), seconds=seconds, **changes)


def run(scale, function, *, rows=lambda n: 10 * n, **more):
    return Measured(scale, (step([seen(function(scale), rows(scale))]),), **more)


def linear(n):
    return 0.2 + 0.05 * n


def test_a_hop_is_its_migrations_and_the_tool_besides():
    found = estimate([run(n, linear) for n in (1, 10, 30)], 100, "here", LAB)
    (hop,), (migration,) = found.hops, found.migrations
    assert migration.time.expected == pytest.approx(5.2)
    assert migration.measured == {"1": 0.25, "10": pytest.approx(0.7), "30": pytest.approx(1.7)}
    assert migration.rows == {"1": 10, "10": 100, "30": 300}
    assert hop.time.expected == pytest.approx(6.2)
    assert hop.down == hop.time == found.total == found.side_by_side
    assert hop.time.low < 6.2 < hop.time.high
    assert found.warnings == ()


def test_chains_side_by_side_take_as_long_as_the_longest_and_the_finish_waits():
    keystone = dataclasses.replace(samples.chain("keystone")[0], seconds=2.0, migrations=())
    nova = dataclasses.replace(HAVANA, seconds=10.0, migrations=())
    ml2 = dataclasses.replace(samples.ML2, seconds=1.0)
    found = estimate([Measured(1, (keystone, nova, ml2))], 1, "here", LAB)
    assert found.total.expected == pytest.approx(13.0)
    assert found.side_by_side.expected == pytest.approx(11.0)


def test_apis_stay_up_during_calls_that_are_online():
    hop = step([], besides=4.0, calls={"db expand": 1.0, "db contract": 3.0})
    found = estimate([Measured(1, (hop,))], 1, "here", LAB, online={HAVANA.step: frozenset({"db expand"})})
    assert found.total.expected == pytest.approx(4.0)
    assert found.down.expected == pytest.approx(3.0)


def test_a_slower_host_takes_longer_by_what_it_is_slower_at():
    slow = dataclasses.replace(LAB, host="mine", fsync_ms=5.0, write_mb_s=20.0)
    computing = Measured(1, (step([seen(2.0)], besides=0.0),), {HAVANA.step: 1.0})
    waiting = Measured(1, (step([seen(2.0)], besides=0.0),), {HAVANA.step: 0.0})
    assert estimate([computing], 1, "here", LAB, host=slow).total.expected == pytest.approx(2.0)
    assert estimate([waiting], 1, "here", LAB, host=slow).total.expected == pytest.approx(1.0 + 1.0 * 10)


def test_growth_steeper_than_linear_is_warned_of():
    """Building an index counts no rows, so its time alone tells."""
    runs = [run(n, lambda n: 0.1 + 0.01 * n * n, rows=lambda n: 2) for n in (1, 3, 10, 30)]
    found = estimate(runs, 100, "here", LAB)
    (warning,) = found.warnings
    assert "havana/nova: nova 161-0_some_change grows steeper than linear, about with n^2.0" in warning
    assert found.migrations[0].time.expected == pytest.approx(100.1, rel=0.1)


def test_a_slow_measurement_is_not_taken_for_steepness_where_rows_grow_linearly():
    """As measured on a busy machine: keystone's 029 with 83, 488 and 1388 rows."""
    rows = {1: 83, 10: 488, 30: 1388}
    times = {1: 0.09, 10: 0.355, 30: 2.14}
    found = estimate([run(n, times.__getitem__, rows=rows.__getitem__) for n in rows], 100, "here", LAB)
    assert found.warnings == ()
    assert found.migrations[0].exponent == 1.0


def test_rows_tell_of_steepness_before_times_do():
    runs = [run(n, linear, rows=lambda n: 100 * n * n) for n in (1, 10, 30)]
    (warning,) = estimate(runs, 100, "here", LAB).warnings
    assert "reads and changes rows steeper than linear, about with n^2.0" in warning


def test_one_size_says_that_nothing_is_known_of_growth():
    (warning,) = estimate([run(1, linear)], 1, "here", LAB).warnings
    assert "nothing is known about growth" in warning


def test_disk_is_the_growth_and_the_largest_table_on_the_side():
    one = Measured(
        1,
        (step([seen(1.0, side=500)]), dataclasses.replace(ICEHOUSE, migrations=())),
        bytes_before={HAVANA.step: 1000, ICEHOUSE.step: 1800},
        bytes_after={HAVANA.step: 1800, ICEHOUSE.step: 2000},
    )
    found = estimate([one], 1, "here", LAB)
    assert found.hops[0].side_bytes == 500
    assert found.disk_bytes == pytest.approx(1000 * 1.1, abs=1)


def test_the_three_migrations_that_a_preparation_helps_most_are_told():
    before = step([seen(s, number=n) for n, s in enumerate((9.0, 5.0, 3.0, 2.0, 0.4))])
    after = step([seen(s, rows=50, number=n) for n, s in enumerate((1.0, 4.8, 1.0, 0.9, 0.1))])
    done = Prepared("purge", "purge it", "nova", 7.0, (before,), (after,))
    gains = estimate([Measured(1, (before,))], 1, "here", LAB, prepared=[done]).gains
    assert [(g.migration, round(g.saved, 3)) for g in gains] == [
        ("nova 161-0_some_change", 8.0),
        ("nova 161-2_some_change", 2.0),
        ("nova 161-3_some_change", 1.1),
    ]
    assert gains[0].before.expected == 9.0
    assert gains[0].takes == 7.0


def test_a_migration_that_had_the_same_to_do_was_not_made_shorter_by_a_preparation():
    before, after = step([seen(9.0)]), step([seen(1.0)])
    done = Prepared("purge", "purge it", "nova", 7.0, (before,), (after,))
    assert estimate([Measured(1, (before,))], 1, "here", LAB, prepared=[done]).gains == ()


def test_what_a_preparation_saves_is_carried_on_with_the_migration():
    runs = [run(n, linear) for n in (1, 10, 30)]
    (main,) = runs[-1].steps
    (migration,) = main.migrations
    half = step([seen(migration.seconds / 2, rows=migration.rows_read // 2)])
    found = estimate(runs, 300, "here", LAB, prepared=[Prepared("purge", "purge it", "nova", 7.0, (main,), (half,))])
    (gain,), (forecast,) = found.gains, found.migrations
    assert gain.before == forecast.time
    assert gain.saved == pytest.approx(forecast.time.expected / 2)
    assert gain.saved > 5 * migration.seconds / 2

"""From measured runs to an estimate. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from osupgrade.model.estimate import Estimate, Gain, HopForecast, MigrationForecast
from osupgrade.model.fit import STEEP, ZERO, Growth, Interval, Sample, exponent, fit
from osupgrade.model.host import Host
from osupgrade.model.step import Migration, StepResult
from osupgrade.rehearsal.estimate.host import slower

TOP = 30
"""The largest scale at which a seeded cloud is measured; beyond it is what is predicted."""
GAINS = 3
WORTH = 0.5
"""Seconds that a preparation must be expected to save in the lab to be worth a word."""
FELT = 0.05
"""Seconds that it must have saved in the run itself: what is less is noise."""
COUNTED = 20_000
"""Rows read from which a count that grows steeper than linear is warned of."""
TELLING = 100
"""Rows by which a count must grow before it says how a migration grows; building an index, say, counts none."""
LESS = 0.9
"""The share of its rows, or of its tables' bytes, below which a migration has less to do."""
Key = tuple[str, str]


@dataclass(frozen=True)
class Measured:
    """One run of the path at one scale, steps one after the other. Bytes are what the database's directory held."""

    scale: float
    steps: tuple[StepResult, ...]
    cpu_seconds: Mapping[str, float] = field(default_factory=dict)
    """What the database server computed, by step."""
    bytes_before: Mapping[str, int] = field(default_factory=dict)
    """By step."""
    bytes_after: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """A service's chain, run after one preparation: ``seconds`` are those of the preparation itself."""

    name: str
    title: str
    service: str
    seconds: float
    before: tuple[StepResult, ...]
    after: tuple[StepResult, ...]


def estimate(
    runs: Sequence[Measured],
    target: float,
    basis: str,
    lab: Host,
    *,
    host: Host | None = None,
    online: Mapping[str, frozenset[str]] | None = None,
    prepared: Sequence[Prepared] = (),
) -> Estimate:
    """How long the path takes at ``target``, in the unit of the runs' scales.

    ``online`` are the calls of a step, by name, during which the service's API may stay up.
    """
    factors = {step: _factor(runs, step, lab, host) for step in _steps(runs)}
    growths = {key: _growth(runs, key) for key in _keys(runs)}
    migrations = tuple(
        sorted(
            (_migration(runs, key, growth, target, factors[key[0]]) for key, growth in growths.items()),
            key=lambda forecast: (-forecast.time.expected, forecast.step, forecast.name),
        )
    )
    hops = tuple(_hop(runs, step, growths, target, factors[step], online or {}) for step in factors)
    chains: dict[str, Interval] = {}
    last = ZERO
    for hop in hops:
        if "/" in hop.step:
            chains[hop.service] = chains.get(hop.service, ZERO) + hop.time
        else:
            last = last + hop.time
    longest = max(chains.values(), key=lambda time: time.expected, default=ZERO)
    return Estimate(
        basis=basis,
        total=_sum([hop.time for hop in hops]),
        side_by_side=longest + last,
        down=_sum([hop.down for hop in hops]),
        disk_bytes=_disk(runs, target),
        hops=hops,
        migrations=migrations,
        gains=_gains(prepared, growths, target, factors),
        warnings=tuple(_warnings(runs, migrations)),
        lab=lab,
        host=host,
    )


def migration_forecasts(runs: Sequence[Measured], target: float) -> Mapping[Key, Interval]:
    """What each migration is expected to take at ``target`` in the lab itself, for checking against it."""
    return {key: _growth(runs, key).at(target) for key in _keys(runs)}


def key_of(migration: Migration) -> Key:
    """By what a migration is known in every run."""
    return migration.step, migration.name


def _steps(runs: Sequence[Measured]) -> list[str]:
    return list(dict.fromkeys(step.step for run in runs for step in run.steps))


def _keys(runs: Sequence[Measured]) -> list[Key]:
    return list(dict.fromkeys(key_of(m) for run in runs for step in run.steps for m in step.migrations))


def _of(run: Measured, key: Key) -> list[Migration]:
    return [m for step in run.steps if step.step == key[0] for m in step.migrations if m.name == key[1]]


def _samples(runs: Sequence[Measured], key: Key) -> list[Sample]:
    found = [(run.scale, _of(run, key)) for run in runs]
    return [Sample(scale, sum(m.seconds for m in seen)) for scale, seen in found if seen]


def _growth(runs: Sequence[Measured], key: Key) -> Growth:
    """Times have noise and counts have hardly any: no time is taken to grow steeper than the rows read and changed."""
    rows = _rows(runs, key)
    if len(rows) >= 3 and max(rows.values()) - min(rows.values()) >= TELLING:
        return fit(_samples(runs, key), steepest=_count_exponent(rows))
    return fit(_samples(runs, key))


def _rows(runs: Sequence[Measured], key: Key) -> dict[str, int]:
    """Rows that a migration read and changed, by scale."""
    found = {f"{run.scale:g}": _of(run, key) for run in runs}
    return {scale: sum(m.rows_read + m.rows_changed for m in seen) for scale, seen in found.items() if seen}


def _migration(
    runs: Sequence[Measured], key: Key, growth: Growth, target: float, factor: Interval
) -> MigrationForecast:
    measured: dict[str, float] = {}
    for run in runs:
        seen = _of(run, key)
        if seen:
            scale = f"{run.scale:g}"
            measured[scale] = min(measured.get(scale, math.inf), sum(m.seconds for m in seen))
    time = _carried(growth.at(target), factor)
    return MigrationForecast(key[0], key[1], time, measured, _rows(runs, key), growth.exponent)


def _hop(
    runs: Sequence[Measured],
    step: str,
    growths: Mapping[Key, Growth],
    target: float,
    factor: Interval,
    online: Mapping[str, frozenset[str]],
) -> HopForecast:
    """A step is the sum of its migrations and of what the tool does besides, which hardly grows."""
    results = [(run.scale, result) for run in runs for result in run.steps if result.step == step]
    besides = fit([Sample(scale, max(0.0, r.seconds - sum(m.seconds for m in r.migrations))) for scale, r in results])
    time = _sum([besides.at(target), *(growth.at(target) for key, growth in growths.items() if key[0] == step)])
    calls = results[-1][1].calls
    up = sum(seconds for name, seconds in calls.items() if name in online.get(step, ()))
    part = 1.0 - up / sum(calls.values()) if calls and sum(calls.values()) else 1.0
    carried = _carried(time, factor)
    side = [Sample(scale, float(max((m.temporary_bytes for m in r.migrations), default=0))) for scale, r in results]
    return HopForecast(step, results[0][1].service, carried, carried.times(part), round(fit(side).at(target).expected))


def _factor(runs: Sequence[Measured], step: str, lab: Host, host: Host | None) -> Interval:
    """How much longer the operator's host takes for a step, by how much of it was computing in the largest run."""
    if host is None:
        return Interval(1.0, 1.0, 1.0)
    for run in sorted(runs, key=lambda run: -run.scale):
        for result in run.steps:
            if result.step == step and result.seconds > 0 and step in run.cpu_seconds:
                waiting = sum(m.server_seconds for m in result.migrations)
                computing = result.seconds - waiting + min(waiting, run.cpu_seconds[step])
                return slower(lab, host, min(1.0, computing / result.seconds))
    return slower(lab, host, 1.0)


def _carried(time: Interval, factor: Interval) -> Interval:
    return Interval(time.low * factor.low, time.expected * factor.expected, time.high * factor.high)


def _sum(times: Sequence[Interval]) -> Interval:
    return sum(times, ZERO)


def _disk(runs: Sequence[Measured], target: float) -> int:
    """What must be free: the most that the directory grew by, with the largest table that was rebuilt on top."""
    samples = []
    for run in runs:
        if run.bytes_before:
            start = min(run.bytes_before.values())
            most = 0
            for result in run.steps:
                side = max((m.temporary_bytes for m in result.migrations), default=0)
                before, after = (d.get(result.step, start) for d in (run.bytes_before, run.bytes_after))
                most = max(most, before - start + side, after - start)
            samples.append(Sample(run.scale, float(most)))
    return round(fit(samples).at(target).high) if samples else 0


def _warnings(runs: Sequence[Measured], migrations: Sequence[MigrationForecast]) -> list[str]:
    warnings = []
    if len({run.scale for run in runs}) < 3:
        warnings.append("times were measured at fewer than three sizes, so nothing is known about growth")
    for forecast in migrations:
        if forecast.exponent > 1:
            warnings.append(
                f"{forecast.step}: {forecast.name} grows steeper than linear, about with n^{forecast.exponent:.1f}"
            )
        else:
            steepness = _count_exponent(forecast.rows)
            if steepness > STEEP and max(forecast.rows.values()) >= COUNTED:
                warnings.append(
                    f"{forecast.step}: {forecast.name} reads and changes rows steeper than linear, "
                    f"about with n^{steepness:.1f}, which its time does not show yet"
                )
    return warnings


def _count_exponent(rows: Mapping[str, int]) -> float:
    """Counts have no noise, so three sizes tell their exponent exactly."""
    counts = sorted((float(scale), count) for scale, count in rows.items())
    if len(counts) < 3:
        return 1.0
    (first, a), (middle, b), (last, c) = counts[0], counts[-2], counts[-1]
    if b <= a or c <= b:
        return 1.0
    return exponent((first, middle, last), (a, b, c))


def _gains(
    prepared: Sequence[Prepared], growths: Mapping[Key, Growth], target: float, factors: Mapping[str, Interval]
) -> tuple[Gain, ...]:
    """The migrations in which a preparation saved most: the share that it saved in the run, of what is expected."""
    gains = []
    for done in prepared:
        after = {key_of(m): m for step in done.after for m in step.migrations}
        for migration in (m for step in done.before for m in step.migrations):
            key = key_of(migration)
            left = after.get(key)
            if left is None or key not in growths or migration.seconds - left.seconds < FELT:
                continue
            if not _lighter(left, migration):
                continue  # it had the same to do, so that it took less was the machine's doing
            before = growths[key].at(target)
            rest = before.times(left.seconds / migration.seconds)
            if before.expected - rest.expected >= WORTH:
                factor = factors.get(migration.step, Interval(1.0, 1.0, 1.0))
                times = [_carried(time, factor) for time in (before, rest)]
                gains.append(
                    Gain(done.name, done.title, done.service, migration.step, migration.name, done.seconds, *times)
                )
    return tuple(sorted(gains, key=lambda gain: -gain.saved)[:GAINS])


def _lighter(after: Migration, before: Migration) -> bool:
    """Whether a migration has less to do: rows that it touches, or tables that have become smaller."""
    rows, had = (m.rows_read + m.rows_changed for m in (after, before))
    size, was = (sum(table.bytes_before or 0 for table in m.tables) for m in (after, before))
    return rows < LESS * had or size < LESS * was

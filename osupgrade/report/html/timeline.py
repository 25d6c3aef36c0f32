"""The time line: the steps of all services side by side on one scale. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from osupgrade.model.report import LaneResult
from osupgrade.model.step import Migration, Outcome, StepResult
from osupgrade.model.text import duration
from osupgrade.report.digest import (
    STOPS,
    by_service,
    not_reached,
    travelled,
    versions_text,
)
from osupgrade.report.html.text import count


@dataclass(frozen=True)
class Bar:
    """One step on the time line; ``left`` and ``width`` are parts of a hundred."""

    left: float
    width: float
    text: str
    title: str
    style: str
    fits: str
    """``wide`` when the text has room on a desk's screen, ``narrow`` when on a phone too, ``none`` when on neither."""


@dataclass(frozen=True)
class Mark:
    """One migration below its hop's bar; ``left`` and ``width`` are parts of a hundred."""

    left: float
    width: float
    title: str
    style: str


@dataclass(frozen=True)
class Row:
    """One chain on the time line."""

    service: str
    versions: str
    seconds: float
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Timeline:
    """Chains side by side on one scale; ``ticks`` are places and their times, ``legend`` names and their styles."""

    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]
    legend: tuple[tuple[str, str], ...]


def timeline(result: LaneResult) -> Timeline:
    """Where the steps are on a common scale.

    A step without a known start follows the one before it in its chain; a finish waits for all of them.
    """
    starts = _starts(result)
    end = max(starts[step.step] + step.seconds for step in result.steps) or 1.0
    releases = list(dict.fromkeys(step.release for step in result.steps))
    missing = not_reached(result)
    rows = []
    for service, steps in by_service(result).items():
        bars = tuple(_bar(step, starts[step.step], end, releases.index(step.release)) for step in steps)
        marks = tuple(_mark(m, starts[step.step], end, n) for step in steps for n, m in enumerate(step.migrations))
        left = tuple(hop.partition("/")[0] for hop in missing if hop.endswith(f"/{service}"))
        rows.append(Row(service, travelled(steps), sum(step.seconds for step in steps), bars, marks, left))
    ticks = tuple((round(100 * at / end, 2), duration(at).replace(".0 s", " s")) for at in _ticks(end))
    hops = {"hops, a release each": "hop0", "every other release": "hop1"} if len(releases) > STOPS else {}
    legend = hops | {
        step.step.partition("/")[0]: _style(step, releases.index(step.release))
        for step in result.steps
        if not hops or "/" not in step.step
    }
    failed = (("failed", "failed"),) if result.failed else ()
    return Timeline(tuple(rows), ticks, (*legend.items(), *failed))


def _style(step: StepResult, release: int) -> str:
    return f"hop{release % 2}" if "/" in step.step else "finish"


def _bar(step: StepResult, start: float, end: float, release: int) -> Bar:
    text = f"{step.step.partition('/')[0]} {duration(step.seconds)}"
    width = max(0.4, 100 * step.seconds / end)
    needs = len(text) * 6.6 + 14  # pixels in the page's font
    before, after = (versions_text(v, step.service) for v in (step.versions_before, step.versions_after))
    return Bar(
        left=round(100 * start / end, 2),
        width=round(width, 2),
        text=text,
        title=f"{step.step}: {step.outcome.value} after {duration(step.seconds)}, {before} → {after}",
        style=_style(step, release) if step.outcome is Outcome.PASSED else step.outcome.value,
        fits="narrow" if width * 3.0 > needs else "wide" if width * 6.6 > needs else "none",
    )


def _mark(migration: Migration, start: float, end: float, number: int) -> Mark:
    text = f"{migration.name}: {duration(migration.seconds)}, {count(migration.statements)} statements"
    return Mark(
        left=round(100 * (start + migration.started) / end, 3),
        width=round(max(0.1, 100 * migration.seconds / end), 3),
        title=text if migration.finished else f"{text}, not finished",
        style=f"mark{number % 2}" if migration.finished else "failed",
    )


def _starts(result: LaneResult) -> Mapping[str, float]:
    starts: dict[str, float] = {}
    free: dict[str, float] = {}
    for step in result.steps:
        follows = free.get(step.service, 0.0) if "/" in step.step else max(free.values(), default=0.0)
        starts[step.step] = follows if step.started is None else step.started
        free[step.service] = starts[step.step] + step.seconds
    return starts


def _ticks(end: float) -> Iterator[float]:
    for unit in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200):
        if end / unit <= 6:
            break
    at = 0.0
    while at < end * 0.97:
        yield round(at, 1)
        at += unit

"""How times and rows went over past runs, as values to be drawn. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from osupgrade.history.judge import compare, limit
from osupgrade.history.record import Past
from osupgrade.model.text import counted


@dataclass(frozen=True)
class Point:
    """One run: when (UTC, ISO 8601), how long in seconds, whether it was green."""

    started: str
    seconds: float
    green: bool


@dataclass(frozen=True)
class Series:
    """One thing that was timed again and again; ``most`` is the longest usual time, None before there are enough."""

    kind: str
    """``run``, ``step`` or ``migration``."""
    name: str
    points: tuple[Point, ...]
    median: float
    most: float | None

    @property
    def last(self) -> Point:
        """The newest."""
        return self.points[-1]

    @property
    def beyond(self) -> bool:
        """Whether the newest took longer than is usual."""
        return self.most is not None and self.last.seconds > self.most


@dataclass(frozen=True)
class Change:
    """A run whose rows differ from the green run of the same input before it."""

    started: str
    message: str


@dataclass(frozen=True)
class Trend:
    """All runs of one path, database and subject on machines of one make."""

    path: str
    database: str
    subject: str
    services: str
    """Those that took part, where they were not all of the path's."""
    host: str
    whole: Series
    parts: tuple[Series, ...]
    """Steps and migrations, the longest first."""
    changes: tuple[Change, ...]

    @property
    def title(self) -> str:
        """What was run, in words."""
        if "/" in self.subject:
            return f"{self.path} on {self.database}, scenario {self.subject}"
        how, *traps = self.subject.split("+")
        what = counted(len(traps), "with {n} trap[s]") if traps else "clean cloud"
        only = f", {self.services} only" if self.services else ""
        return f"{self.path} on {self.database}, {what}{f', {how}' if how else ''}{only}"


def trends(pasts: Iterable[Past]) -> tuple[Trend, ...]:
    """The trends of past runs, those of whole rehearsals first; ``pasts`` are in the order of time."""
    groups: dict[tuple[str, ...], list[Past]] = {}
    for past in pasts:
        groups.setdefault((past.path, past.database, past.subject, past.services, past.host), []).append(past)
    whole = {path: max((key[3] for key in groups if key[0] == path), key=_count) for path in {key[0] for key in groups}}
    found = [_trend(group, group[0].services == whole[group[0].path]) for group in groups.values()]
    return tuple(sorted(found, key=lambda t: ("/" in t.subject, t.path, t.database, t.subject, t.services, t.host)))


def _count(services: str) -> int:
    return len(services.split())


def _trend(group: Sequence[Past], everything: bool) -> Trend:
    timed: dict[tuple[str, str], list[Point]] = {}
    for past in group:
        for part in past.steps:
            point = Point(past.started, part.seconds, part.outcome == "passed")
            timed.setdefault((part.kind, part.name), []).append(point)
    one = group[0]
    whole = _series("run", one.path, [Point(p.started, p.seconds, p.green) for p in group])
    parts = [_series(kind, name, points) for (kind, name), points in timed.items()]
    parts.sort(key=lambda series: (-series.median, series.name))
    services = "" if everything or "/" in one.subject else one.services
    return Trend(one.path, one.database, one.subject, services, one.host, whole, tuple(parts), _changes(group))


def _series(kind: str, name: str, points: Sequence[Point]) -> Series:
    usual = [point.seconds for point in points[:-1] if point.green]
    return Series(kind, name, tuple(points), statistics.median(p.seconds for p in points), limit(usual))


def _changes(group: Sequence[Past]) -> tuple[Change, ...]:
    green: dict[str, Past] = {}
    found: list[Change] = []
    for past in group:
        # What stopped halfway has other rows anyhow.
        if not past.input or any(part.outcome == "failed" for part in past.steps):
            continue
        differs = compare(past, green.get(past.input))
        found += [Change(past.started, f"{finding.service}: {finding.message}") for finding in differs]
        if past.green:
            green[past.input] = past
    return tuple(found)

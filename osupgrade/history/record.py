"""What is kept of a run: enough to judge a later one by, nothing of what the cloud holds. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from osupgrade.model.plain import plain
from osupgrade.model.report import LaneResult, RunReport
from osupgrade.model.step import Outcome

MOVED = "new-controller"


@dataclass(frozen=True)
class Timed:
    """One step or migration: wall time in seconds, and the rows it changed where that was counted."""

    kind: str
    """``step`` or ``migration``."""
    name: str
    outcome: str
    seconds: float
    rows: int | None = None


@dataclass(frozen=True)
class Past:
    """A run as it is remembered.

    ``subject`` is empty for a whole rehearsal of a clean cloud, ``+NAME+NAME`` for one with traps put in, begins with
    ``new-controller`` where the cloud was moved, and is ``SCENARIO/LANE`` for a scenario's lane. Runs of the same
    ``input`` are made of the same cloud, code, images and traps; it is empty where that is not known. ``host`` is the
    make of the machine. ``rows`` are by ``database.table@stage``; ``contents`` are hashes by ``database.table``.
    ``seconds`` are those of the path alone, ``total`` from the engine to the report, which depends on ``how``.
    """

    id: str
    started: str
    path: str
    database: str
    subject: str
    input: str
    host: str
    green: bool
    seconds: float
    steps: tuple[Timed, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)
    schemas: Mapping[str, str] = field(default_factory=dict)
    services: str = ""
    """Those that took part, with blanks between."""
    total: float = 0.0
    how: str = ""
    """What besides was done in a whole rehearsal, see :func:`how_of`."""

    @property
    def whole(self) -> bool:
        """Whether it is a whole rehearsal, not a scenario's lane."""
        return "/" not in self.subject


def subject_of(injected: Iterable[str], moved: bool) -> str:
    """A whole rehearsal's subject: the traps that were put in, and whether the cloud was moved to a new controller."""
    return (MOVED if moved else "") + "".join(f"+{name}" for name in sorted(injected))


def how_of(level: str, times: int) -> str:
    """How far the APIs were queried in a whole rehearsal, and how often the cloud was upgraded."""
    return f"{level or 'none'} x{times}" if times > 1 else level or "none"


def past_runs(report: RunReport) -> Iterator[Past]:
    """What is kept of a report: a run of a rehearsal, one a lane of scenarios, and those of a nightly's parts."""
    for part in report.parts:
        if part.report is not None:
            yield from past_runs(part.report)
    if report.result is not None:
        moved = report.strategy is not None and report.strategy.name == MOVED
        yield _past(report, report.result, subject_of(report.result.injected, moved), report.exit_status == 0)
    for scenario in report.scenarios:
        for lane in scenario.lanes:
            yield _past(report, lane.result, f"{scenario.name}/{lane.lane}", not lane.problems)


def _past(report: RunReport, result: LaneResult, subject: str, green: bool) -> Past:
    manifest = report.manifest
    whole = "/" not in subject
    identity = json.dumps([plain(manifest), subject, round(result.seconds, 3)])
    return Past(
        id=hashlib.sha256(identity.encode()).hexdigest()[:16],
        started=manifest.started,
        path=result.path,
        database=manifest.database.partition(":")[0],
        subject=subject,
        input=manifest.input if whole else "",
        host=manifest.host,
        green=green,
        services=" ".join(result.services),
        seconds=result.seconds,
        total=report.seconds if whole else result.seconds,
        how=how_of(report.level, report.times) if whole else "",
        steps=(
            *(
                Timed("step", step.step, step.outcome.value, step.seconds)
                for step in result.steps
                if step.outcome is not Outcome.SKIPPED
            ),
            *(
                Timed("migration", m.name, "passed" if m.finished else "failed", m.seconds, m.rows_changed)
                for step in result.steps
                for m in step.migrations
                if m.revision
            ),
        ),
        rows={f"{table}@{stage}": n for table, rows in report.rows.items() for stage, n in rows.items()}
        if whole
        else {},
        contents=report.contents if whole else {},
        schemas={name: hashes["schema"] for name, hashes in report.hashes.items()} if whole else {},
    )

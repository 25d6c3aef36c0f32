"""Two rehearsals side by side: how they go, how long they take, and how one gets back. Pure."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from osupgrade.model.findings import settled
from osupgrade.model.plan import Plan
from osupgrade.model.report import RunReport, State
from osupgrade.model.text import counted, duration, size
from osupgrade.report.digest import by_service, downtime, phases
from osupgrade.report.runbook import titles

NOTHING = "–"


@dataclass(frozen=True)
class Line:
    """One fact about both runs; ``differs`` when there is something to look at."""

    what: str
    left: str
    right: str

    @property
    def differs(self) -> bool:
        """Whether the two say something else."""
        return self.left != self.right


def compared(left: RunReport, right: RunReport, plans: tuple[Plan, Plan]) -> tuple[Line, ...]:
    """What two rehearsals have in common and where they differ: facts and times, then the steps of the night.

    A step that is the same in both is one line, whatever its number.
    """
    facts = [dict(_facts(report)) for report in (left, right)]
    names = [name for name in dict.fromkeys([*facts[0], *facts[1]]) if facts[0].get(name) or facts[1].get(name)]
    lines = [Line(name, facts[0].get(name) or NOTHING, facts[1].get(name) or NOTHING) for name in names]
    steps = [titles(report, plan) for report, plan in zip((left, right), plans, strict=True)]
    return (*lines, *_aligned(*steps))


def _aligned(left: Sequence[str], right: Sequence[str]) -> Iterator[Line]:
    number = itertools.count(1)
    for _, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        for one, other in itertools.zip_longest(left[a:b], right[c:d], fillvalue=NOTHING):
            yield Line(f"the night, {next(number)}", one, other)


def _facts(report: RunReport) -> Iterator[tuple[str, str]]:
    strategy, done = report.strategy, phases(report)

    def phase(name: str) -> tuple[str, str]:
        if name not in done:
            return name, ""
        of = f" ({size(done[name].bytes)})" if done[name].bytes else ""
        return name, duration(done[name].seconds) + of

    yield "strategy", strategy.name if strategy else "in-place"
    servers = dict.fromkeys((strategy.old, strategy.new)) if strategy else {report.manifest.database: None}
    yield "database", " → ".join(servers)
    yield "verdict", report.verdict
    for name in ("backup", "dump", "copy", "restore", "comparison"):
        yield phase(name)
    if report.result is None:
        return
    for service, steps in by_service(report.result).items():
        yield service, duration(sum(step.seconds for step in steps))
    yield "nothing may write for", f"at least {duration(downtime(report))}"
    yield phase("rollback")
    yield "the way back", (strategy.way_back if strategy else "") or "not rehearsed"
    unresolved = [f.finding for f in settled(report.result.findings) if f.state is State.UNRESOLVED]
    counts = {kind: sum(f.severity.value == kind for f in unresolved) for kind in ("error", "warning")}
    yield "unresolved findings", ", ".join(counted(count, f"{{n}} {kind}[s]") for kind, count in counts.items())
    yield "rows at the end", str(sum(rows.get("verify", 0) for rows in report.rows.values()))

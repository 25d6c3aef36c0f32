"""Past runs and the one that has just ended: it is judged by those before it, and kept for those after it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from osupgrade.history.judge import SOURCE, compare, slow
from osupgrade.history.record import past_runs
from osupgrade.history.store import History
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.report import RunReport, StagedFinding, State
from osupgrade.model.stage import VERIFY


def judge_by_past(report: RunReport, history: History | None) -> tuple[tuple[StagedFinding, ...], tuple[str, ...]]:
    """What past runs say about a rehearsal that came through, and notes on what kept them from it.

    Rows that differ from the last run of the same input that came through are an error; a slow step only warns.
    """
    if history is None or report.result is None or report.exit_status != Exit.CAME_THROUGH:
        return (), ()
    (past,) = past_runs(report)
    try:
        found = (*compare(past, history.last_green(past.input)), *slow(past, history.greens(past.input, past.host)))
    except UsageFault as fault:
        return (), (f"not compared with past runs: {fault.message}",)
    return tuple(StagedFinding(VERIFY, finding, State.UNRESOLVED) for finding in found), ()


def remember(report: RunReport, history: History) -> None:
    """Keep a run for those after it; raises UsageFault when the store cannot be used."""
    for past in past_runs(report):
        history.add(past)


def accept(report: RunReport, history: History) -> str:
    """Take a run that is red only because it differs from an earlier one as what later ones are judged by.

    Returns one sentence; raises UsageFault for a run that is red for another reason.
    """
    if report.result is None:
        raise UsageFault("only a rehearsal can be accepted: it is what later ones are compared with")
    if any(found.finding.source != SOURCE for found in report.result.unresolved) or report.result.failed:
        raise UsageFault("this run failed for more reasons than a difference from an earlier run")
    (past,) = past_runs(report)
    history.add(past)
    history.accept(past.id)
    return "later runs of this input are compared with this one from now on"


@dataclass(frozen=True)
class Thing:
    """Something that is run again and again: a whole rehearsal of all services, or a scenario in both lanes.

    ``subject`` and ``how`` are as :class:`Past` has them; of a scenario, its name and nothing.
    """

    path: str
    database: str
    subject: str
    how: str = ""


def durations(history: History) -> Mapping[Thing, float]:
    """How many seconds each thing took of late, from the engine to the report: the median of the last five times."""
    pasts = history.all()
    most = {past.path: "" for past in pasts}
    for past in pasts:
        most[past.path] = max(most[past.path], past.services, key=lambda names: len(names.split()))
    lanes: dict[tuple[Thing, str], list[float]] = {}
    for past in pasts:
        name, _, lane = past.subject.partition("/")
        if lane or past.services == most[past.path]:
            thing = Thing(past.path, past.database, name, past.how)
            lanes.setdefault((thing, lane), []).append(past.total or past.seconds)
    found: dict[Thing, float] = {}
    for (thing, _), seconds in lanes.items():
        found[thing] = found.get(thing, 0.0) + statistics.median(seconds[-5:])
    return found

"""Remembering a run that has ended: it is judged by those before it, and kept for those after it."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from osupgrade.history.judge import SOURCE, compare, slow
from osupgrade.history.record import past_runs
from osupgrade.history.store import History
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.finding import Severity
from osupgrade.model.report import RunReport, StagedFinding, State
from osupgrade.model.stage import VERIFY


def remember(report: RunReport, history: History, where: str) -> RunReport:
    """The report with what past runs say about it; the run itself is kept. ``where`` is its directory.

    Rows that differ from the last green run of the same input turn a green run red; a slow step only warns.
    """
    for past in past_runs(report):
        if past.whole and report.result is not None and past.green:
            found = compare(past, history.last_green(past.input))
            found += slow(past, history.greens(past.input, past.host))
            staged = tuple(StagedFinding(VERIFY, finding, State.STANDING) for finding in found)
            result = dataclasses.replace(report.result, findings=(*report.result.findings, *staged))
            report = dataclasses.replace(report, result=result)
            if any(finding.severity is Severity.ERROR for finding in found):
                past = dataclasses.replace(past, green=False)
                report = dataclasses.replace(
                    report,
                    exit_status=Exit.DID_NOT,
                    verdict="the cloud came through, but not as in the last green run of the same input",
                    next_command=f"osupgrade report {where} --accept  (if the difference is meant)",
                )
        history.add(past)
    return report


def accept(report: RunReport, history: History) -> str:
    """Take a run that is red only because it differs from an earlier one as what later ones are judged by.

    Returns one sentence; raises UsageFault for a run that is red for another reason.
    """
    if report.result is None:
        raise UsageFault("only a rehearsal can be accepted: it is what later ones are compared with")
    if any(found.finding.source != SOURCE for found in report.result.standing) or report.result.failed:
        raise UsageFault("this run did not come through: there is more than a difference from an earlier run")
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

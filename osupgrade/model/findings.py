"""Findings of a whole lane: each once, the worst first."""

from __future__ import annotations

from collections.abc import Iterable

from osupgrade.model.finding import Severity
from osupgrade.model.report import StagedFinding, State

_WORST = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}

_LASTING = {State.UNRESOLVED: 2, State.CURED: 1, State.SCHEDULED: 0}


def settled(findings: Iterable[StagedFinding]) -> tuple[StagedFinding, ...]:
    """Each finding once, worst first, with what became of it in the end.

    The same finding is made at several stages: seen at ``seeded``, say, and cured before its hop. One that is
    unresolved at any stage is unresolved.
    """
    known: dict[tuple[str, str, str, str], StagedFinding] = {}
    for found in findings:
        key = (found.finding.source, found.finding.service, found.finding.place, found.finding.message)
        if key not in known or _LASTING[found.state] > _LASTING[known[key].state]:
            known[key] = found
    return tuple(sorted(known.values(), key=_rank))


def _rank(found: StagedFinding) -> tuple[bool, int, str, str]:
    return (
        found.state is not State.UNRESOLVED,
        _WORST[found.finding.severity],
        found.finding.service,
        found.finding.place,
    )

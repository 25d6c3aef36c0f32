"""What is done about findings at a stage: ask the preflight, decide, apply the cure, and look again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from osupgrade.cloud.cloud import Cloud
from osupgrade.dump.limits import limits
from osupgrade.model.errors import UsageFault
from osupgrade.model.events import EventLog, Kind
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.foreign import TookTooLong, contained
from osupgrade.model.report import State
from osupgrade.model.stage import SEEDED, Stage
from osupgrade.model.step import Outcome
from osupgrade.rehearsal.asking import answer, ask, error_text, require_alive
from osupgrade.rehearsal.ledger import Ledger
from osupgrade.scenarios import apply
from osupgrade.scenarios.contract import Preflight, Scenario, call, late

MayCure = Callable[[str], bool]
"""Whether the findings of the scenario of this name may be cured."""


def cure_none(_name: str) -> bool:
    """Cure nothing."""
    return False


def cure_all(_name: str) -> bool:
    """Cure everything that has a cure."""
    return True


@dataclass(frozen=True)
class Cures:
    """Looks for scenarios' traps in a cloud, and cures those that may be cured."""

    may_cure: MayCure
    ledger: Ledger
    events: EventLog

    def look(self, cloud: Cloud, stage: Stage, scenario: Scenario, *, again: bool = False) -> Cloud:
        """Run a scenario's preflights of a stage and apply what cures are due; the cloud as the cures leave it.

        ``again`` runs those of the start too: what they look for may have come since. Then only what is new counts.
        """
        for stages, preflight in scenario.preflights:
            if stage in stages:
                cloud = self._treat(cloud, stage, scenario, preflight, ask(scenario, preflight, cloud))
            elif again and SEEDED in stages:
                found = self._new(scenario, ask(scenario, preflight, cloud))
                cloud = self._treat(cloud, stage, scenario, preflight, found)
        return cloud

    def _treat(
        self, cloud: Cloud, stage: Stage, scenario: Scenario, preflight: Preflight, found: Sequence[Finding]
    ) -> Cloud:
        """Decide what is cured now, later or not at all; apply it, and look whether it helped."""
        due = [f for f in found if f.cure and (f.cure.at is None or f.cure.at == stage)]
        later = [f for f in found if f.cure and f.cure.at not in (None, stage)]
        willing = self.may_cure(scenario.name)
        self.ledger.record(stage, [f for f in found if f.cure is None], State.UNRESOLVED)
        self.ledger.record(stage, later, State.SCHEDULED if willing else State.UNRESOLVED)
        if not (due and willing):
            self.ledger.record(stage, due, State.UNRESOLVED)
            return cloud
        started = time.monotonic()
        try:
            cloud = self.apply(cloud, stage, scenario, due)
        except (UsageFault, DBAPIError) as refusal:
            if isinstance(refusal, DBAPIError):
                require_alive(cloud, error_text(refusal))
            self.ledger.record(stage, [*due, _refused(due[0], refusal)], State.UNRESOLVED)
            return cloud
        share = (time.monotonic() - started) / len(due)
        # What is left of a finding has other numbers than before: it is the same one where it is of the same place.
        left = [
            f for f in ask(scenario, preflight, cloud) if (f.cure.at in (None, stage) if f.cure else f not in found)
        ]
        places = {f.place for f in left}
        self.ledger.record(stage, [f for f in due if f.place not in places], State.CURED, share)
        self.ledger.record(stage, left, State.UNRESOLVED)
        return cloud

    def look_back(self, cloud: Cloud, stage: Stage, scenario: Scenario) -> None:
        """Find out which unresolved findings of a scenario the cures of others have resolved since.

        Those of the start count until a step of the scenario's services has run: then their tables may be others.
        """
        ran = any(
            step.outcome is not Outcome.SKIPPED and step.service in scenario.services for step in self.ledger.steps
        )
        unresolved = [
            found
            for found in self.ledger.of(scenario.name)
            if found.state is State.UNRESOLVED and (found.stage == stage or (found.stage == SEEDED and not ran))
        ]
        if not unresolved:
            return
        places: set[str] = set()
        for stages, preflight in scenario.preflights:
            if SEEDED in stages or stage in stages:
                left, failed = answer(scenario, preflight, cloud)
                if failed:
                    return
                places |= {finding.place for finding in left}
        for at in {found.stage for found in unresolved}:
            gone = [found.finding for found in unresolved if found.stage == at and found.finding.place not in places]
            self.ledger.resolved(at, gone)

    def apply(self, cloud: Cloud, stage: Stage, scenario: Scenario, findings: Sequence[Finding]) -> Cloud:
        """Apply the findings' cures; the cloud as they leave it. May raise UsageFault or DBAPIError."""
        most = limits().change
        if stage in scenario.treatments:
            treat = scenario.treatments[stage]
            cloud = call(scenario, treat, cloud, findings, seconds=most) or cloud
        else:
            try:
                contained(lambda: apply(cloud, findings), most, cloud.server.end)
            except TookTooLong as fault:
                raise late(scenario, fault, most) from fault
        for finding in findings:
            assert finding.cure is not None
            self.events.tell(Kind.CURED, finding.cure.summary, step=str(stage), service=finding.service)
        return cloud

    def _new(self, scenario: Scenario, found: Sequence[Finding]) -> list[Finding]:
        """What is there besides what is known, and besides what a later stage of its own looks for and cures."""
        known = [s.finding for s in self.ledger.of(scenario.name) if s.state is not State.CURED]
        return [f for f in found if f not in known and not (f.cure and f.cure.at)]


def _refused(finding: Finding, refusal: UsageFault | DBAPIError) -> Finding:
    """What to say of a cure that could not be applied; the finding itself is unresolved."""
    hint = refusal.hint if isinstance(refusal, UsageFault) else "carry the cure out by hand, statement by statement"
    return Finding(
        finding.source,
        Severity.ERROR,
        finding.service,
        finding.place,
        f"its cure is refused: {error_text(refusal)}",
        hint or "",
    )

"""What a run has found out so far. Every chain of it writes here from a thread of its own."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from collections.abc import Iterable, Sequence

from osupgrade.model.events import EventLog, Kind
from osupgrade.model.finding import Evidence, Finding
from osupgrade.model.plan import Plan
from osupgrade.model.report import LaneResult, StagedFinding, State
from osupgrade.model.stage import Stage
from osupgrade.model.step import Outcome, StepResult


class Ledger:
    """The steps, findings, probes and checks of one run. What is read is a copy; each write is an event too."""

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._lock = threading.Lock()
        self._steps: list[StepResult] = []
        self._findings: list[StagedFinding] = []
        self._probes: dict[str, Evidence] = {}
        self._checked: Counter[str] = Counter()

    @property
    def steps(self) -> tuple[StepResult, ...]:
        """The steps that have ended, in the order in which they did."""
        with self._lock:
            return tuple(self._steps)

    @property
    def findings(self) -> tuple[StagedFinding, ...]:
        """Every finding so far, in the order in which they were made."""
        with self._lock:
            return tuple(self._findings)

    def of(self, source: str) -> tuple[StagedFinding, ...]:
        """The findings of one scenario or check."""
        return tuple(found for found in self.findings if found.finding.source == source)

    @property
    def stopped(self) -> frozenset[str]:
        """The services of which a step failed."""
        return frozenset(step.service for step in self.steps if step.outcome is Outcome.FAILED)

    @property
    def cured(self) -> int:
        """How many findings have been cured so far."""
        return sum(found.state is State.CURED for found in self.findings)

    def ended(self, step: StepResult) -> None:
        """Write down a step that has ended."""
        with self._lock:
            self._steps.append(step)
        error = step.diagnosis.error if step.diagnosis else "; ".join(step.problems)
        self._events.tell(Kind.STEP_ENDED, error, step=step.step, service=step.service, outcome=step.outcome.value)

    def record(self, stage: Stage, findings: Iterable[Finding], state: State, cured_in: float = 0.0) -> None:
        """Write down findings with what became of them."""
        for finding in findings:
            with self._lock:
                self._findings.append(StagedFinding(stage, finding, state, cured_in))
            self._events.tell(
                Kind.FINDING, finding.message, step=str(stage), service=finding.service, outcome=state.value
            )

    def resolved(self, stage: Stage, findings: Sequence[Finding]) -> None:
        """Write down that unresolved findings of a stage are resolved, by what was done about others."""
        was = [StagedFinding(stage, finding, State.UNRESOLVED) for finding in findings]
        with self._lock:
            self._findings = [
                dataclasses.replace(known, state=State.CURED) if known in was else known for known in self._findings
            ]
        for finding in findings:
            self._events.tell(
                Kind.FINDING, finding.message, step=str(stage), service=finding.service, outcome=State.CURED.value
            )

    def probed(self, scenario: str, evidence: Evidence) -> None:
        """Write down what the probe of a scenario showed."""
        with self._lock:
            self._probes[scenario] = evidence

    def checked(self, stage: Stage, name: str, title: str, *, failed: bool) -> None:
        """Write down that an invariant was checked."""
        with self._lock:
            self._checked[name] += 1
        self._events.tell(Kind.CHECKED, title, step=str(stage), outcome="failed" if failed else "passed")

    def result(self, plan: Plan, seconds: float, injected: tuple[str, ...], refused: str) -> LaneResult:
        """The run as the report has it."""
        with self._lock:
            return LaneResult(
                path=plan.path.name,
                services=plan.services,
                steps=tuple(self._steps),
                findings=tuple(self._findings),
                seconds=seconds,
                probes=dict(self._probes),
                checked=dict(self._checked),
                injected=injected,
                refused=refused,
                planned=plan.steps,
            )

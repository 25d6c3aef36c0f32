"""What a rehearsal found out: the steps' verdicts, the findings and what became of them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from osupgrade.model import Evidence, Finding, Outcome, Severity, Stage, StepResult


class State(enum.StrEnum):
    """What became of a finding."""

    STANDING = "standing"
    SCHEDULED = "scheduled"
    """Its cure belongs to a later stage of the path."""
    CURED = "cured"


@dataclass(frozen=True)
class StagedFinding:
    """A finding, where on the path it was made, and what became of it."""

    stage: Stage
    finding: Finding
    state: State


@dataclass(frozen=True)
class LaneResult:
    """One run of the path.

    ``probes`` are the silent symptoms that injected scenarios showed, by scenario name. ``checked`` are the invariants
    that were asked, each with the number of times. Times are seconds.
    """

    path: str
    services: tuple[str, ...]
    steps: tuple[StepResult, ...]
    findings: tuple[StagedFinding, ...]
    seconds: float
    probes: Mapping[str, Evidence] = field(default_factory=dict)
    checked: Mapping[str, int] = field(default_factory=dict)
    injected: tuple[str, ...] = ()
    refused: str = ""
    """Why the cloud could not even be set up, such as a dump that does not restore."""

    @property
    def failed(self) -> tuple[StepResult, ...]:
        """The steps that did not come through."""
        return tuple(step for step in self.steps if step.outcome is Outcome.FAILED)

    @property
    def standing(self) -> tuple[StagedFinding, ...]:
        """Findings of severity error that nothing cured."""
        return tuple(
            found
            for found in self.findings
            if found.state is State.STANDING and found.finding.severity is Severity.ERROR
        )

    @property
    def came_through(self) -> bool:
        """Whether the cloud came through: every step passed and no error stands."""
        return not self.failed and not self.standing and not self.refused

"""What is judged of a rehearsal besides its steps: each phase looks before the run, and again after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.fingerprint import Fingerprint, Volume
from osupgrade.model.estimate import Estimate
from osupgrade.model.report import ApiCall, LaneResult, SchemaVerdict, StagedFinding, Strategy


@dataclass(frozen=True)
class Ended:
    """A run at its end: what came of it, and what the cloud holds then.

    It is measured before anything else is done: querying the APIs inserts rows.
    """

    result: LaneResult
    cloud: Cloud
    volume: Volume
    prints: Fingerprint


@dataclass(frozen=True)
class PhaseResult:
    """What a phase found, and its part of the report."""

    findings: tuple[StagedFinding, ...] = ()
    schemas: tuple[SchemaVerdict, ...] = ()
    strategy: Strategy | None = None
    calls: tuple[ApiCall, ...] = ()
    estimate: Estimate | None = None


class Phase(Protocol):
    """One thing that is judged besides the steps."""

    def before(self, cloud: Cloud) -> Cloud:
        """Look at the cloud before the run; the cloud on which the run goes on, which may be another one."""
        ...

    def after(self, ended: Ended) -> PhaseResult:
        """Judge the run."""
        ...

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
    planned: tuple[str, ...] = ()
    """Every step of the plan, reached or not."""

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


@dataclass(frozen=True)
class LaneReport:
    """How one lane of a scenario went. ``problems`` are empty when it showed what it must."""

    lane: str
    result: LaneResult
    problems: tuple[str, ...]
    log: str = ""
    """Where the lane's evidence lies below the run directory."""


@dataclass(frozen=True)
class ScenarioReport:
    """Both lanes of one scenario."""

    name: str
    title: str
    symptom: str
    lanes: tuple[LaneReport, ...]

    @property
    def passed(self) -> bool:
        """Whether the trap bit as described and the cure held."""
        return not any(report.problems for report in self.lanes)


@dataclass(frozen=True)
class ApiCall:
    """One question to a real API of a release: how it was answered, and how long it took (seconds)."""

    release: str
    service: str
    name: str
    ok: bool
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class Manifest:
    """What a run was made of, so that it can be repeated: image tags and ids, commits, the cloud's origin."""

    osupgrade: str
    command: str
    started: str
    """UTC, ISO 8601."""
    database: str
    """The server's image and what it calls itself."""
    images: Mapping[str, str]
    commits: Mapping[str, str]
    """``release/service`` -> commit, or version on PyPI."""
    cloud: str
    """The seed's digest, or the dumps' names and hashes."""
    site: Mapping[str, object]


@dataclass(frozen=True)
class KeptDatabase:
    """Where the database of a run with ``--keep`` still listens."""

    host: str
    port: int
    user: str
    password: str
    databases: Mapping[str, str]


@dataclass(frozen=True)
class RunReport:
    """Everything that the reports of one command show. ``exit_status`` is the command's own."""

    kind: str
    """``rehearsal``, ``scenarios`` or ``inspection``."""
    manifest: Manifest
    exit_status: int
    verdict: str
    """One sentence."""
    next_command: str
    seconds: float
    result: LaneResult | None = None
    scenarios: tuple[ScenarioReport, ...] = ()
    api: tuple[ApiCall, ...] = ()
    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Rows by ``service.table``: at ``seeded`` and at ``verify``."""
    sizes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Bytes (data and indexes) by ``service.table``: at ``seeded`` and at ``verify``."""
    invariants: Mapping[str, str] = field(default_factory=dict)
    """The titles of the invariants that lanes name in ``checked``."""
    notes: tuple[str, ...] = ()
    kept: KeptDatabase | None = None


SCHEMA_VERSION = 1
"""Of ``report.json``; raised when a field changes its meaning or goes."""

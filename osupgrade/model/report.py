"""What a rehearsal found out: the steps' verdicts, the findings and what became of them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from osupgrade.model.estimate import Estimate
from osupgrade.model.finding import Evidence, Fate, Finding, Severity
from osupgrade.model.stage import Stage
from osupgrade.model.step import Outcome, StepResult


class State(enum.StrEnum):
    """What became of a finding."""

    UNRESOLVED = "standing"
    """The value is what report.json has had since version 2 of its schema; people read ``word``."""
    SCHEDULED = "scheduled"
    """Its cure belongs to a later stage of the path."""
    CURED = "cured"

    @property
    def word(self) -> str:
        """The state in the words of the documentation."""
        return "unresolved" if self is State.UNRESOLVED else self.value


@dataclass(frozen=True)
class StagedFinding:
    """A finding, where on the path it was made, and what became of it."""

    stage: Stage
    finding: Finding
    state: State
    cured_in: float = field(default=0.0, compare=False)
    """Its share (seconds) of what the cure took that was applied to it and to others at once."""


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
    def unresolved(self) -> tuple[StagedFinding, ...]:
        """Findings of severity error that nothing cured."""
        return tuple(
            found
            for found in self.findings
            if found.state is State.UNRESOLVED and found.finding.severity is Severity.ERROR
        )

    @property
    def came_through(self) -> bool:
        """Whether the cloud came through: every step passed and no error is unresolved."""
        return not self.failed and not self.unresolved and not self.refused


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
    """Both lanes of one scenario; none where it does not concern the current database, which ``skipped`` explains."""

    name: str
    title: str
    symptom: str
    lanes: tuple[LaneReport, ...]
    skipped: str = ""

    @property
    def passed(self) -> bool:
        """Whether the trap failed as described and the cure held."""
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
class Customisation:
    """One thing of the operator's own in a service's schema, and what the upgrade did to it."""

    service: str
    object: str
    """Table, column, index, foreign key, check, trigger, view or routine."""
    place: str
    definition: str
    """As it was before the upgrade, as short SQL."""
    fate: Fate
    words: str
    """What became of it, in one line."""
    revision: str = ""
    """The migration that it was in the way of."""
    error: str = ""
    data: str = ""
    """What became of the own data in it; empty where it had none."""
    mend: tuple[str, ...] = ()
    """Statements that bring it back, or that take it out of the way beforehand."""


@dataclass(frozen=True)
class SchemaVerdict:
    """A service's schema after the upgrade, compared with upstream's at the revision ``reached``.

    ``exact`` says whether it is upstream's and nothing besides the customisations; null when the upgrade stopped on the
    way.
    """

    service: str
    reached: str
    exact: bool | None
    customisations: tuple[Customisation, ...] = ()


@dataclass(frozen=True)
class Phase:
    """What is done with whole databases around the hops; wall time in seconds, the dumps' bytes, seconds by database.

    ``backup`` and ``rollback`` of an upgrade in place; ``dump``, ``copy``, ``restore`` and ``comparison`` of a move to
    a new controller.
    """

    name: str
    seconds: float
    bytes: int = 0
    databases: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Strategy:
    """How the cloud gets to where its hops are done, and back if need be.

    ``old`` and ``new`` are database images, the same one in place. ``way_back`` says in one sentence what going back
    was seen to take; empty when it was not rehearsed.
    """

    name: str
    """``in-place`` or ``new-controller``."""
    old: str
    new: str
    phases: tuple[Phase, ...] = ()
    way_back: str = ""


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
    directory: str = ""
    """Where the command was given, for the relative paths in it."""
    input: str = ""
    """Digest of all that decides the outcome: cloud, path, services' code, images, site and traps."""
    host: str = ""
    """Digest of the make of the machine on which the engine runs; times compare between runs of the same one."""
    request: Mapping[str, object] = field(default_factory=dict)
    """What was asked, as data from which it can be asked again; empty of a run that was not one rehearsal."""


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
    """``rehearsal``, ``scenarios``, ``inspection`` or ``nightly``."""
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
    """Rows by ``service.table``: at ``seeded`` and at ``verify``, ``unscaled`` before ``--scale`` made them more."""
    sizes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Bytes (data and indexes) by ``service.table``: at ``seeded`` and at ``verify``."""
    invariants: Mapping[str, str] = field(default_factory=dict)
    """The titles of the invariants that lanes name in ``checked``."""
    schemas: tuple[SchemaVerdict, ...] = ()
    """Of the services whose schemas the catalogue knows."""
    notes: tuple[str, ...] = ()
    level: str = ""
    """How far the last release's APIs were queried: ``smoke``, ``full``, or not at all."""
    times: int = 1
    """How often the same cloud was upgraded along the path."""
    strategy: Strategy | None = None
    hashes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By database, at ``verify``: ``schema`` and, unless the cloud is very large, ``data``."""
    contents: Mapping[str, str] = field(default_factory=dict)
    """Hash of the contents by ``database.table``, at ``verify``."""
    estimate: Estimate | None = None
    """How long it will take in production, where that was asked for."""
    parts: tuple[Part, ...] = ()
    """What a nightly ran, or should have run."""
    matrix: tuple[str, ...] = ()
    """The units of the whole nightly by name, whichever shard ran them."""
    kept: KeptDatabase | None = None


@dataclass(frozen=True)
class Part:
    """One part of a nightly: a whole rehearsal, or scenarios, of one path on one database."""

    name: str
    units: tuple[str, ...]
    """What was to be run, by name, whether it was or not."""
    exit_status: int
    report: RunReport | None = None
    """None when it did not run to its end; ``problem`` says why."""
    problem: str = ""
    directory: str = ""
    """Where its evidence lies, below the nightly's own directory."""


SCHEMA_VERSION = 2
"""Of ``report.json``; raised when a field changes its meaning or goes."""

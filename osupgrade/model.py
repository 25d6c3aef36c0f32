"""The words of the lab as plain, immutable values. Nothing here knows Docker, MySQL or files."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Moment = Literal["at", "before", "after"]

_STAGE = re.compile(r"(?:(before|after):)?([a-z0-9][a-z0-9_.-]*(?:/[a-z0-9_-]+)?)\Z")


@dataclass(frozen=True, order=True)
class Stage:
    """A named point of a path to which anything can be attached.

    ``seeded``, ``before:havana/nova``, ``after:havana/nova``, ``before:ml2``, ``after:ml2``, ``verify``.
    """

    moment: Moment
    step: str

    @classmethod
    def parse(cls, text: str) -> Stage:
        """Read a stage as a user writes it; raises ValueError with the forms that exist."""
        match = _STAGE.match(text)
        if match is None or (match[1] is None and match[2] not in ("seeded", "verify")):
            raise ValueError(
                f"{text!r} is no stage; stages are seeded, before:RELEASE/SERVICE, after:RELEASE/SERVICE, "
                "before:FINISH, after:FINISH and verify"
            )
        moment: Moment = "before" if match[1] == "before" else "after" if match[1] else "at"
        return cls(moment, match[2])

    @classmethod
    def before(cls, step: str) -> Stage:
        """The stage just before ``step``: a hop such as ``havana/nova``, or a finish such as ``ml2``."""
        return cls("before", step)

    @classmethod
    def after(cls, step: str) -> Stage:
        """The stage just after ``step``."""
        return cls("after", step)

    def __str__(self) -> str:
        return self.step if self.moment == "at" else f"{self.moment}:{self.step}"


SEEDED = Stage("at", "seeded")
VERIFY = Stage("at", "verify")


@dataclass(frozen=True)
class Pin:
    """Where a service's code comes from: a tag and the commit that it must resolve to."""

    tag: str
    commit: str


@dataclass(frozen=True)
class Database:
    """One database of a service at one release.

    ``head`` are the revisions its version table holds when the release's tool is done, sorted.
    """

    name: str
    version_table: str
    head: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """One call of a service's own tool.

    ``entry`` is ``module:function``, ``-m module`` or a script below the service's tree; ``args`` are templates
    over the names that the configuration templates see. ``accepts`` are the exit statuses that are no failure.
    ``ignores`` are results of an upgrade check, by name, that a later stage judges.
    """

    name: str
    entry: str
    args: tuple[str, ...] = ()
    gettext: str | None = None
    accepts: tuple[int, ...] = (0,)
    ignores: tuple[str, ...] = ()
    online: bool = False
    """Whether the service's API may stay up meanwhile."""


@dataclass(frozen=True)
class Started:
    """What a release's services write when they start after the hop: no tool does it, and the next release asks.

    The lab writes it with ``written``; an operator starts the services, waits for what ``title`` says, and sees that it
    is so when ``unfinished`` gives no row.
    """

    written: Sql
    title: str
    unfinished: str


@dataclass(frozen=True)
class ServiceRelease:
    """One service at one release: its code, its databases, its configuration files and its upgrade calls."""

    service: str
    release: str
    databases: tuple[Database, ...]
    upgrade: tuple[Command, ...]
    config: Mapping[str, str]
    """File name below the configuration directory -> template text."""
    pin: Pin | None = None
    package: str | None = None
    """Distribution name on PyPI, for releases that are installed from there."""
    version: str = ""
    """Its pinned version."""
    create: tuple[Command, ...] = ()
    """Calls that make the schema on an empty database, where they differ from ``upgrade``."""
    check: tuple[Command, ...] = ()
    """The service's own upgrade check, run after the hop; part of the verdict."""
    relocate: tuple[Sql, ...] = ()
    """Statements that tell the databases where they themselves now are, once a copy stands under other names."""
    started: tuple[Started, ...] = ()
    has_tables: frozenset[str] = frozenset()
    """Tables by which a database without a version is told to be of this release, with ``lacks_tables``."""
    lacks_tables: frozenset[str] = frozenset()
    volatile: tuple[str, ...] = ()
    """``database.table.column`` that the hop fills from the clock or by chance, so that no two runs give the same."""

    @property
    def step(self) -> str:
        """``release/service``, the name that stages use."""
        return f"{self.release}/{self.service}"

    @property
    def code(self) -> str:
        """What exactly runs: a commit, or a distribution and its version."""
        return self.pin.commit if self.pin else f"{self.package} {self.version}"


@dataclass(frozen=True)
class Finish:
    """A last move after all chains, such as ``ml2``: one command that one service's tool runs."""

    name: str
    service: str
    release: str
    command: Command
    tables: tuple[str, ...]
    """Tables that must exist afterwards."""


@dataclass(frozen=True)
class Preparation:
    """What an operator can do in the days before, with the APIs up, so that the night is shorter.

    ``commands`` are arguments of the service's own tool, in the release that runs until then; then come the ``steps``.
    ``cured`` is the scenario whose cure does the same, where there is one.
    """

    name: str
    service: str
    title: str
    cured: str = ""
    commands: tuple[str, ...] = ()
    steps: tuple[Sql, ...] = ()


@dataclass(frozen=True)
class Release:
    """One point release with every service pinned."""

    name: str
    version: str
    runtime: str
    services: Mapping[str, ServiceRelease]
    environment: Mapping[str, str]
    upgrades_from: tuple[str, ...]
    """Releases from which this one may be reached in one hop; empty for the first of a path."""
    rule: str
    """Why other releases may not be skipped to this one, for the message of a refused plan."""
    finishes: Mapping[str, Finish] = field(default_factory=dict)
    driver: str = "mysql"
    """What stands before ``://`` in the database URLs of its configuration."""
    preparations: tuple[Preparation, ...] = ()
    """What makes an upgrade from this release shorter."""
    starting: str = ""
    """What an operator must know before he starts its services."""
    seed: str = ""
    """The seeder that makes a cloud of this release; empty where none does."""


@dataclass(frozen=True)
class UpgradePath:
    """An ordered list of releases and a finishing stage."""

    name: str
    releases: tuple[str, ...]
    finish: str | None
    databases: tuple[str, ...]
    """Database images the path is rehearsed on, the default first."""
    carries: tuple[str, ...] = ()
    """The scenarios that the cloud of a plain `make rehearse` carries all at once."""
    checks: tuple[str, ...] = ()
    """The invariants that hold at its end; a part of the path ends elsewhere and promises none."""


@dataclass(frozen=True)
class Hop:
    """One service from one release to the next, done by the later release's own tool."""

    service: str
    source: str
    target: str

    @property
    def step(self) -> str:
        """``target/service``, the name that stages use."""
        return f"{self.target}/{self.service}"

    def __str__(self) -> str:
        return self.step


class Severity(enum.StrEnum):
    """How much a finding matters: an error means that the cloud does not come through undamaged."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Sql:
    """A statement against one service's database. ``{nova}`` and the like stand for database names."""

    service: str
    statement: str


@dataclass(frozen=True)
class Shell:
    """A command that the operator types on his controller; the lab does the same by its own means."""

    command: str


@dataclass(frozen=True)
class Cure:
    """What mends a finding, in the order in which it is done, and the stage at which to do it."""

    summary: str
    steps: tuple[Sql | Shell, ...] = ()
    at: Stage | None = None


@dataclass(frozen=True)
class Evidence:
    """The rows or objects that prove a finding: at most a handful shown, all of them counted."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int

    @classmethod
    def of(cls, columns: tuple[str, ...], rows: list[tuple[object, ...]], *, show: int = 10) -> Evidence:
        """Keep the first ``show`` rows as text and the count of all."""
        shown = tuple(tuple("NULL" if cell is None else str(cell) for cell in row) for row in rows[:show])
        return cls(columns, shown, len(rows))


NO_EVIDENCE = Evidence((), (), 0)


@dataclass(frozen=True)
class Finding:
    """What a preflight or a check says."""

    source: str
    """The scenario or check that speaks."""
    severity: Severity
    service: str
    place: str
    """Where: a table, a column, a hop, a file."""
    message: str
    consequence: str = ""
    evidence: Evidence = NO_EVIDENCE
    cure: Cure | None = None
    command: str = ""
    """The osupgrade command that applies the cure."""


class Outcome(enum.StrEnum):
    """How a step of a rehearsal ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Diagnosis:
    """What a tool's log says about its failure: the error's last line, the statement, the revision it was in."""

    error: str
    statement: str | None = None
    revision: str | None = None


@dataclass(frozen=True)
class TableWork:
    """What one migration did to one table. Bytes are data and indexes as the server estimates them, None without it."""

    table: str
    locked: float
    """Seconds during which others could not write to it: definitions (whole table), and rows until their commit."""
    defined: bool
    """Whether its definition was changed, made or dropped, under an exclusive metadata lock."""
    rebuilt: bool
    """Whether the server wrote the whole table anew."""
    rows_written: int
    """Rows inserted, or copied into the new table by a definition's change."""
    bytes_before: int | None = None
    bytes_after: int | None = None


@dataclass(frozen=True)
class Migration:
    """One revision of a hop; with an empty ``revision`` what a tool did outside of all revisions. Times are seconds.

    Rows are those that the server's session counters tell.
    """

    step: str
    service: str
    database: str
    revision: str
    label: str
    started: float
    """From the step's start."""
    seconds: float
    server_seconds: float
    """Of these, spent waiting for the server; the rest is the tool's own."""
    finished: bool
    """False for one that failed, or that was interrupted."""
    statements: int
    rows_read: int
    rows_changed: int
    rows_locked: int
    """Row locks of its long transactions, as InnoDB tells them at their end."""
    tables: tuple[TableWork, ...]
    slowest: str
    """The slowest statement."""
    slowest_seconds: float
    temporary_tables: int
    """Internal temporary tables that the server put on disk."""

    @property
    def name(self) -> str:
        """``nova 185_rename_unique_constraints``, or ``neutron migrate_to_ml2``."""
        return f"{self.database} {self.label or self.revision}"

    @property
    def rebuilt(self) -> tuple[str, ...]:
        """The tables that were written anew."""
        return tuple(table.table for table in self.tables if table.rebuilt)

    @property
    def bytes_before(self) -> int:
        """Of the tables that it worked on."""
        return sum(table.bytes_before or 0 for table in self.tables)

    @property
    def bytes_after(self) -> int:
        """Of the tables that it worked on."""
        return sum(table.bytes_after or 0 for table in self.tables)

    @property
    def temporary_bytes(self) -> int:
        """Room that it needed besides: a table that is written anew stands there twice until it is done."""
        return max((max(t.bytes_before or 0, t.bytes_after or 0) for t in self.tables if t.rebuilt), default=0)


@dataclass(frozen=True)
class StepResult:
    """One step of a rehearsal with its verdict and the evidence for it. Times are seconds."""

    step: str
    service: str
    release: str
    outcome: Outcome
    seconds: float
    exit_status: int | None = None
    versions_before: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    versions_after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    diagnosis: Diagnosis | None = None
    log: str | None = None
    """The log's name below the lane's ``logs/``."""
    started: float | None = None
    """Seconds from the lane's start to the step's, for the time line."""
    calls: Mapping[str, float] = field(default_factory=dict)
    """Seconds of each of the tool's calls, by its name."""
    migrations: tuple[Migration, ...] = ()
    unobserved: tuple[str, ...] = ()
    """What of its migrations could not be observed, and why."""


class Fate(enum.StrEnum):
    """What an upgrade did to something of the operator's own in a schema."""

    KEPT = "kept"
    LOST = "lost"
    ALTERED = "altered"
    IN_THE_WAY = "in the way"
    UPSTREAM = "now part of upstream"
    CONFLICT = "conflicts with upstream"

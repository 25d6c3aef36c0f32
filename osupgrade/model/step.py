"""What the steps of a rehearsal came to."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


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
    """Whether the server rebuilt the whole table."""
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
    """Row locks of its long transactions, as InnoDB reports them at their end."""
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
        """The tables that were rebuilt."""
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
        """Room that it needed besides: a table that is rebuilt is there twice until it is done."""
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

"""Findings, the evidence for them, and cures."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from osupgrade.model.quoting import statement
from osupgrade.model.stage import Stage


class Severity(enum.StrEnum):
    """How much a finding matters: an error means that the cloud does not come through undamaged."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Sql:
    """A statement against one service's database. ``{nova}`` and the like are replaced by database names.

    One that holds values or names from a cloud is made by :meth:`of`.
    """

    service: str
    statement: str

    @classmethod
    def of(cls, service: str, template: str, /, **parameters: Any) -> Sql:
        """A statement with values for ``:value`` and names of tables or columns for ``{name}``, quoted."""
        return cls(service, statement(template, **parameters))


@dataclass(frozen=True)
class Shell:
    """A command that the operator types on the controller; the lab does the same by its own means."""

    command: str


@dataclass(frozen=True)
class Cure:
    """What resolves a finding, in the order in which it is done, and the stage at which to do it."""

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


class Fate(enum.StrEnum):
    """What an upgrade did to something of the operator's own in a schema."""

    KEPT = "kept"
    LOST = "lost"
    ALTERED = "altered"
    IN_THE_WAY = "in the way"
    UPSTREAM = "now part of upstream"
    CONFLICT = "conflicts with upstream"

"""What the page's tables hold: tables of the cloud before and after, and a nightly's scenarios. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from osupgrade.model.report import Part, RunReport

FEW = 3
"""Migrations of a table that are named one by one."""


@dataclass(frozen=True)
class Table:
    """A table of the cloud before and after; None where it does not exist."""

    name: str
    rows: tuple[int | None, int | None]
    bytes: tuple[int | None, int | None]
    unscaled: int | None = None
    """Rows before ``--scale`` multiplied the cloud."""
    by: tuple[str, ...] = ()
    """The migrations that changed it, each with its release, in order."""

    @property
    def history(self) -> str:
        """The first and the last migration that changed it, and the number of those between."""
        if len(self.by) <= FEW:
            return ", ".join(self.by)
        return f"{self.by[0]}, {len(self.by) - 2} more, {self.by[-1]}"

    @property
    def change(self) -> str:
        """What became of it, in words."""
        before, after = self.rows
        if before is None:
            return "new"
        if after is None:
            return "gone"
        return "" if before == after else f"{after - before:+,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


@dataclass(frozen=True)
class Tables:
    """All tables: those whose rows changed, the empty ones that were made or dropped, and the others."""

    changed: tuple[Table, ...]
    empty: tuple[Table, ...]
    same: tuple[Table, ...]


def tables(report: RunReport) -> Tables:
    """The tables of a run's cloud by what became of them."""
    names = sorted(report.rows.keys() | report.sizes.keys())
    worked = _worked(report)
    tables = [
        Table(
            name,
            (report.rows.get(name, {}).get("seeded"), report.rows.get(name, {}).get("verify")),
            (report.sizes.get(name, {}).get("seeded"), report.sizes.get(name, {}).get("verify")),
            report.rows.get(name, {}).get("unscaled"),
            worked.get(name, ()),
        )
        for name in names
    ]
    return Tables(
        changed=tuple(table for table in tables if table.change and any(table.rows)),
        empty=tuple(table for table in tables if table.change and not any(table.rows)),
        same=tuple(table for table in tables if not table.change),
    )


def _worked(report: RunReport) -> Mapping[str, tuple[str, ...]]:
    """The migrations that changed each table, by ``database.table``."""
    found: dict[str, dict[str, None]] = {}
    for step in report.result.steps if report.result else ():
        release = step.step.partition("/")[0]
        for migration in step.migrations:
            for table in migration.tables:
                said = f"{release} {migration.label or migration.revision}"
                found.setdefault(f"{migration.database}.{table.table}", {})[said] = None
    return {name: tuple(said) for name, said in found.items()}


@dataclass(frozen=True)
class Square:
    """How a scenario's two lanes went in one place; None for a lane that was not run there."""

    place: str
    good: tuple[bool | None, bool | None]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Night:
    """A nightly: the places (path and database) at which scenarios ran, and every scenario's outcome at each."""

    places: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Square, ...]], ...]
    """Scenarios by name; those that something is wrong with come first."""


def night(parts: Sequence[Part]) -> Night:
    """The scenario matrix of a nightly's parts."""
    squares: dict[str, dict[str, Square]] = {}
    for part in parts:
        place = part.name.removesuffix(" scenarios")
        for scenario in part.report.scenarios if part.report else ():
            lanes = {lane.lane: lane for lane in scenario.lanes}
            naive, cured = (not lanes[name].problems if name in lanes else None for name in ("naive", "cured"))
            wrong = tuple(f"{lane.lane}: {problem}" for lane in scenario.lanes for problem in lane.problems)
            squares.setdefault(scenario.name, {})[place] = Square(place, (naive, cured), wrong)
    places = tuple(dict.fromkeys(place for row in squares.values() for place in row))
    nothing = (None, None)
    rows = [
        (name, tuple(row.get(place, Square(place, nothing, ())) for place in places)) for name, row in squares.items()
    ]
    rows.sort(key=lambda row: (not any(square.problems for square in row[1]), row[0]))
    return Night(places, tuple(rows))

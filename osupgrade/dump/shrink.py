"""Delta debugging: the smallest part of some databases that still shows an error.

Knows nothing of Docker or MySQL: it proposes candidates; ``still_fails`` says whether one shows the very same error.
:func:`minimal` narrows a list to what is needed, first by halving (some ``log2`` trials for each item that is needed),
then by ``ddmin`` (Zeller and Hildebrandt, 2002), after which no single item can be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

T = TypeVar("T")

Ranges = tuple[tuple[int, int], ...]
"""Rows by their numbers, from 0, as half-open ranges in order."""


@dataclass(frozen=True)
class Table:
    """A table as shrinking sees it. ``parents`` are the tables that its foreign keys point at.

    A ``fixed`` table is kept as it is, such as the one that says which revision the database is at.
    """

    name: str
    rows: int
    parents: frozenset[str] = frozenset()
    fixed: bool = False


@dataclass(frozen=True)
class Candidate:
    """A part of the databases: the rows that stay, by table, and the tables that are gone altogether."""

    rows: tuple[tuple[str, Ranges], ...]
    gone: frozenset[str] = frozenset()

    @property
    def count(self) -> int:
        """How many rows stay."""
        return sum(end - start for _, ranges in self.rows for start, end in ranges)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that have rows."""
        return tuple(name for name, _ in self.rows)


StillFails = Callable[[Candidate], bool]
OnTrial = Callable[[Candidate, bool], None]
Suspects = Callable[[str], Sequence[int]]
"""The rows of a table that are likely to matter, by their numbers."""


@dataclass(frozen=True)
class Shrunk:
    """What is left. ``complete`` says that every single row is needed; otherwise time ran out before that was known."""

    candidate: Candidate
    trials: int
    complete: bool


class _OutOfTime(Exception):
    """There is no time for another trial."""


@dataclass
class _Search:
    """Asks each candidate once, and remembers the last that still failed."""

    still_fails: StillFails
    on_trial: OnTrial
    enough: Callable[[], bool]
    best: Candidate
    known: dict[Candidate, bool] = field(default_factory=dict)

    def fails(self, candidate: Candidate) -> bool:
        if candidate not in self.known:
            if self.enough():
                raise _OutOfTime
            self.known[candidate] = self.still_fails(candidate)
            self.on_trial(candidate, self.known[candidate])
        if self.known[candidate] and _size(candidate) < _size(self.best):
            self.best = candidate
        return self.known[candidate]


def everything(tables: Iterable[Table]) -> Candidate:
    """All rows of all tables."""
    return Candidate(tuple((t.name, ((0, t.rows),)) for t in tables if t.rows))


def shrink_rows(
    tables: Sequence[Table],
    still_fails: StillFails,
    *,
    suspects: Suspects = lambda _table: (),
    likely: Iterable[str] = (),
    on_trial: OnTrial = lambda _candidate, _failed: None,
    enough: Callable[[], bool] = lambda: False,
) -> Shrunk:
    """The fewest rows with which ``still_fails`` holds: whole tables first, then their halves, then row by row.

    All rows together must fail. Tables and rows are left out children before parents, so that no candidate has rows
    which point nowhere unless the error itself needs them. ``likely`` names tables to look at first; ``enough`` is
    asked before each trial whether to stop with what was found so far.
    """
    search = _Search(still_fails, on_trial, enough, everything(tables))
    try:
        _rows(search, tables, suspects, frozenset(likely))
        complete = True
    except _OutOfTime:
        complete = False
    return Shrunk(search.best, len(search.known), complete)


def _rows(search: _Search, tables: Sequence[Table], suspects: Suspects, likely: frozenset[str]) -> None:
    fixed = {t.name: range(t.rows) for t in tables if t.fixed and t.rows}
    order = parents_first([t for t in tables if t.rows and not t.fixed], likely)
    sizes = {t.name: t.rows for t in order}

    def whole(names: Sequence[str]) -> Candidate:
        return _candidate({**fixed, **{name: range(sizes[name]) for name in names}})

    first = len(_with_parents(order, likely))
    kept: dict[str, Sequence[int]] = {
        name: range(sizes[name])
        for name in minimal([t.name for t in order], lambda names: search.fails(whole(names)), likely=first)
    }
    for name in [t.name for t in reversed(parents_first([t for t in order if t.name in kept]))]:
        promising = sorted(set(suspects(name)) & set(kept[name]))
        rest = sorted(set(kept[name]) - set(promising))

        def with_rows(rows: Sequence[int], name: str = name) -> bool:
            return search.fails(_candidate({**fixed, **kept, name: sorted(rows)}))

        kept[name] = sorted(minimal([*promising, *rest], with_rows, likely=len(promising)))
    # What was needed while another table was still full may be needed no longer.
    left = [(name, row) for name in kept for row in kept[name]]
    ddmin(left, lambda pairs: search.fails(_candidate({**fixed, **_by_table(pairs)})), pieces=len(left))


def shrink_tables(
    tables: Sequence[Table],
    start: Candidate,
    still_fails: StillFails,
    *,
    named: Iterable[str] = (),
    on_trial: OnTrial = lambda _candidate, _failed: None,
    enough: Callable[[], bool] = lambda: False,
) -> Shrunk:
    """Leave out empty tables from ``start``, which must fail. ``named`` are those that are likely to be needed."""
    search = _Search(still_fails, on_trial, enough, start)
    empty = [t.name for t in tables if not t.fixed and t.name not in start.tables and t.name not in start.gone]
    needed = _with_parents(tables, frozenset(named) | frozenset(start.tables))
    likely = [name for name in empty if name in needed]

    def without(kept: Sequence[str]) -> bool:
        return search.fails(replace(start, gone=start.gone | (frozenset(empty) - frozenset(kept))))

    try:
        left = likely if without(likely) else empty
        ddmin(left, without)
        complete = True
    except _OutOfTime:
        complete = False
    return Shrunk(search.best, len(search.known), complete)


def minimal(items: Sequence[T], fails: Callable[[Sequence[T]], bool], *, likely: int = 0) -> list[T]:
    """A part of ``items``, in their order, that fails and from which no single item can be left out.

    ``items`` as a whole must fail; that is not asked again. ``likely`` says how many of the first items may well be
    enough. Where failing needs k items, no more and no fewer, some ``k * log2(len(items))`` parts are tried.
    """
    rest = list(items)
    kept: list[T] = []
    while rest and not fails(kept):
        low, high = 0, len(rest)  # the first `low` of the rest are not enough, the first `high` are
        if low < likely < high:
            low, high = (low, likely) if fails([*rest[:likely], *kept]) else (likely, high)
        while high - low > 1:
            middle = (low + high) // 2
            if fails([*rest[:middle], *kept]):
                high = middle
            else:
                low = middle
        kept.insert(0, rest[high - 1])
        del rest[high - 1 :]
        likely = min(likely, high - 1)
    return ddmin(kept, fails, pieces=len(kept))


def ddmin(items: Sequence[T], fails: Callable[[Sequence[T]], bool], *, pieces: int = 2) -> list[T]:
    """Zeller's ddmin: leave out ever smaller pieces of ``items``, which must fail, until no single one can go."""
    left = list(items)
    while left:
        pieces = max(1, min(pieces, len(left)))
        size, more = divmod(len(left), pieces)
        start, reduced = 0, False
        for number in range(pieces):
            end = start + size + (number < more)
            complement = left[:start] + left[end:]
            if fails(complement):
                left, pieces, reduced = complement, max(pieces - 1, 2), True
                break
            start = end
        if not reduced:
            if pieces >= len(left):
                break
            pieces *= 2
    return left


def parents_first(tables: Iterable[Table], likely: frozenset[str] = frozenset()) -> list[Table]:
    """Tables in an order in which each comes after those that its keys refer to; the likely and the small ones first.

    Where keys go round in a circle, one of them is passed over.
    """
    by_name = {table.name: table for table in tables}
    near = _with_parents(by_name.values(), likely)
    order: dict[str, Table] = {}

    def visit(name: str, path: frozenset[str]) -> None:
        if name in order or name in path or name not in by_name:
            return
        for parent in sorted(by_name[name].parents):
            visit(parent, path | {name})
        order[name] = by_name[name]

    for table in sorted(by_name.values(), key=lambda t: (t.name not in near, t.rows, t.name)):
        visit(table.name, frozenset())
    return list(order.values())


def _with_parents(tables: Iterable[Table], names: frozenset[str]) -> frozenset[str]:
    parents: Mapping[str, frozenset[str]] = {table.name: table.parents for table in tables}
    found: set[str] = set()
    ahead = [name for name in names if name in parents]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += [parent for parent in parents[name] if parent in parents]
    return frozenset(found)


def _candidate(rows: Mapping[str, Sequence[int]]) -> Candidate:
    return Candidate(tuple((name, as_ranges(rows[name])) for name in sorted(rows) if len(rows[name])))


def _by_table(pairs: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for name, row in pairs:
        found.setdefault(name, []).append(row)
    return found


def as_ranges(rows: Sequence[int]) -> Ranges:
    """Sorted row numbers as ranges."""
    if isinstance(rows, range):
        return ((rows.start, rows.stop),)
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and found[-1][1] == row:
            found[-1] = (found[-1][0], row + 1)
        else:
            found.append((row, row + 1))
    return tuple(found)


def _size(candidate: Candidate) -> tuple[int, int]:
    return candidate.count, -len(candidate.gone)

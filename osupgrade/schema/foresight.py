"""Asking a database whether its data satisfies what the revisions ahead ask: findings without a hand-written trap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.text import counted
from osupgrade.schema.catalogue import Lineage
from osupgrade.schema.conditions import Condition, Kind, conditions
from osupgrade.schema.outcomes import Came, Result, result_of
from osupgrade.schema.reading import Rows
from osupgrade.schema.snapshot import Schema

SOURCE = "foresight"
SHOWN = 10
_MOST = 1000
"""Rows that a query brings; beyond, their number is only said to be at least that."""
_WHAT = {
    Kind.UNIQUE: "{table} has rows that violate the coming {wanted}: {count}",
    Kind.NOT_NULL: "{table}.{columns} contains NULL and will become NOT NULL: {count}",
    Kind.FITS: "{table}.{columns} has values that do not fit its new type ({wanted}): {count}",
    Kind.MEMBER: "{table}.{columns} has values that its new type does not allow ({wanted}): {count}",
    Kind.PARENT: "{table} has rows whose parent is missing, which violate the coming {wanted}: {count}",
    Kind.ENGINE: "{table} is not InnoDB, which the coming {wanted} needs",
    Kind.COLLATION: "{table}.{columns} has a different collation from the column that the coming {wanted} joins to it",
}


def foresee(
    rows: Rows,
    schema: Schema,
    line: Lineage,
    start: str,
    release: str = "",
    *,
    known: Iterable[str] = (),
    untried: bool = True,
) -> Iterator[Finding]:
    """What the data of one database would meet between revision ``start`` and the head of ``release``.

    ``rows`` runs a query in that database; nothing but SELECT is sent. ``known`` are the places (``service.table``) of
    which a hand-written trap has spoken already: it knows more. Conditions that the migrations cope with are silent.
    ``untried`` says whether to report conditions whose outcome is not known.
    """
    spoken = set(known)
    for condition in conditions(schema, line, start, release):
        result = result_of(condition)
        if result.came is Came.COPES if result else not untried:
            continue
        if f"{condition.service}.{condition.table}" in spoken:
            continue
        found = [tuple(row) for row in rows(f"{condition.sql} LIMIT {_MOST}", ())] if condition.sql else condition.rows
        if found:
            yield _finding(condition, result, [tuple(row) for row in found])


def _finding(condition: Condition, result: Result | None, found: list[tuple[object, ...]]) -> Finding:
    unit = "group" if condition.kind is Kind.UNIQUE else "row"
    count = ("at least " if len(found) == _MOST else "") + counted(len(found), f"{{n}} {unit}[s]")
    what = _WHAT[condition.kind].format(
        table=condition.table, columns=", ".join(condition.columns), wanted=condition.wanted, count=count
    )
    return Finding(
        source=SOURCE,
        severity=Severity.ERROR if result and result.came is Came.STOPS else Severity.WARNING,
        service=condition.service,
        place=f"{condition.service}.{condition.table}",
        message=what,
        consequence=_consequence(condition, result),
        evidence=Evidence.of(condition.shown, found, show=SHOWN),
    )


def _consequence(condition: Condition, result: Result | None) -> str:
    where = f"{condition.release}'s revision {condition.revision}"
    if result is None:
        return f"{where} requires this; what it does with such rows has not been tried, so rehearse it"
    if result.came is Came.SILENT:
        return f"{where} succeeds, but {result.words}"
    after = "; once the rows are fixed, the same command can be run again" if result.again else ""
    return f"{where} stops with: {result.error}; the database is then at {result.left_at}{after}"

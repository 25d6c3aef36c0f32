"""Invariants of one shape: a query returns the same at the end as at ``seeded``.

Each kind of fact is a query whose first column is the thing's key; what follows are its properties. Queries are chosen
by what the database has, because a fact may move to another table on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.exc import DBAPIError

from osupgrade.checks import Check
from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.stage import VERIFY

Facts = Mapping[str, Mapping[tuple[Any, ...], tuple[Any, ...]]]
"""Kind of thing -> its key -> its properties."""
Read = Callable[[Cloud], Facts]


class Unread(dict[tuple[Any, ...], tuple[Any, ...]]):
    """Facts that cannot be read, because a table or column of theirs is not there; ``fault`` is what the server says.

    A dump may hold a part of a database. What was never there is no loss.
    """

    def __init__(self, fault: DBAPIError) -> None:
        super().__init__()
        self.fault = fault


NO_SUCH_COLUMN, NO_SUCH_TABLE = 1054, 1146


def facts_of(cloud: Cloud, database: str, kinds: Mapping[str, tuple[int, str]]) -> Facts:
    """The facts that some queries give: kind -> (number of key columns, query)."""
    return {kind: _read(cloud, database, keys, sql) for kind, (keys, sql) in kinds.items()}


def _read(cloud: Cloud, database: str, keys: int, sql: str) -> Mapping[tuple[Any, ...], tuple[Any, ...]]:
    try:
        return {tuple(row[:keys]): tuple(row[keys:]) for row in cloud.rows(database, sql)}
    except DBAPIError as fault:
        if fault.orig is None or fault.orig.args[:1] not in ((NO_SUCH_COLUMN,), (NO_SUCH_TABLE,)):
            raise
        return Unread(fault)


def same(
    name: str,
    title: str,
    services: tuple[str, ...],
    read: Read,
    consequence: str,
    *,
    may_appear: Read | None = None,
    every_hop: bool = False,
) -> Check:
    """The invariant that ``read`` gives the same facts at the end as at the start, and with ``every_hop`` between.

    ``may_appear`` reads, at the end, the facts that are right even though they were not there at the start.
    """

    def compare(cloud: Cloud, before: Facts) -> Iterator[Finding]:
        after, right = read(cloud), may_appear(cloud) if may_appear else {}
        for kind, things in before.items():
            now = after.get(kind, {})
            if isinstance(things, Unread):
                continue
            if isinstance(now, Unread):
                raise now.fault
            lost = sorted((key for key in things if key not in now), key=repr)
            fine = right.get(kind, {})
            new = sorted((k for k in now if k not in things and fine.get(k) != now[k]), key=repr)
            changed = sorted((key for key in things if key in now and things[key] != now[key]), key=repr)
            yield from _told(kind, "gone", [(_text(key), _text(things[key]), "") for key in lost])
            yield from _told(kind, "not there before", [(_text(key), "", _text(now[key])) for key in new])
            yield from _told(kind, "changed", [(_text(k), _text(things[k]), _text(now[k])) for k in changed])

    def _told(kind: str, what: str, rows: Sequence[tuple[object, ...]]) -> Iterator[Finding]:
        if rows:
            yield Finding(
                source=name,
                severity=Severity.ERROR,
                service=services[0],
                place=f"{services[0]}: {kind}",
                message=f"{kind}: {len(rows)} {what}",
                consequence=consequence,
                evidence=Evidence.of((kind, "before", "after"), list(rows)),
            )

    return Check(name, title, services, (VERIFY,), read, compare, every_hop)


def _text(values: tuple[Any, ...]) -> str:
    return " ".join("NULL" if value is None else str(value) for value in values)

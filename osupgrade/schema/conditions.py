"""What data would violate the schema changes ahead: derived from the catalogue, without knowing any trap.

Pure: from the schema that a database has and the revisions before it to conditions, each with the query that counts and
shows the rows that violate it. A condition speaks only of tables and columns that the database has today; what a
migration first adds or renames cannot be looked at yet. Whether a migration copes with such rows no schema says: that
is evidence (``outcomes.toml``), and a condition without any says that it is untried.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from osupgrade.model.quoting import literal, quoted
from osupgrade.schema.catalogue import Lineage, Revision
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Column, ForeignKey, Index, Table

_TEXT = re.compile(r"(?:var)?char\((\d+)\)")
_BYTES = re.compile(r"(?:var)?binary\((\d+)\)")
_INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_ENUM = re.compile(r"(?:enum|set)\((.*)\)")
_QUOTED = re.compile(r"'((?:[^']|'')*)'")


class Kind(enum.StrEnum):
    """What a revision requires of the data."""

    UNIQUE = "unique"
    NOT_NULL = "not null"
    FITS = "fits"
    MEMBER = "member"
    PARENT = "parent"
    ENGINE = "engine"
    COLLATION = "collation"


@dataclass(frozen=True)
class Condition:
    """What one revision requires of one table, and the query for the rows that do not satisfy it.

    ``shown`` are the headings of the query's columns. An empty ``sql`` is a condition on the schema alone, which is
    violated already: ``rows`` are then its proof.
    """

    kind: Kind
    service: str
    revision: str
    release: str
    table: str
    columns: tuple[str, ...]
    wanted: str
    """What the revision makes, as a person reads it: ``unique key uniq_x (a, b)``."""
    shown: tuple[str, ...]
    sql: str = ""
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def key(self) -> str:
        """The name by which outcomes are recorded."""
        return f"{self.revision}/{self.table}/{self.kind}/{','.join(self.columns)}"


def conditions(schema: Schema, line: Lineage, start: str, release: str = "") -> tuple[Condition, ...]:
    """All conditions between revision ``start``, at which the database is, and the head of ``release`` (or the last).

    The same demand of several revisions is one condition, that of the first.
    """
    place = line.position(start)
    if place is None:
        return ()
    end = line.position(line.head(release).name) if release else len(line.revisions) - 1
    found: dict[tuple[Kind, str, tuple[str, ...]], Condition] = {}
    for before, after in zip(line.revisions[place:end], line.revisions[place + 1 :], strict=False):
        for condition in _between(schema, line.service, before, after):
            found.setdefault((condition.kind, condition.table, condition.columns), condition)
    return tuple(found.values())


def _between(now: Schema, service: str, before: Revision, after: Revision) -> Iterator[Condition]:
    """What one revision asks of what is there today."""
    if before.schema is after.schema:
        return
    for new in after.schema.tables:
        old, mine = before.schema.table(new.name), now.table(new.name)
        if old is not None and old != new and mine is not None:
            yield from _unique(service, after, old, new, mine)
            yield from _columns(service, after, old, new, mine)
        if old != new:
            yield from _parents(now, service, after, old, new, mine)


def _unique(service: str, to: Revision, old: Table, new: Table, mine: Table) -> Iterator[Condition]:
    known = {(index.columns, index.unique) for index in (*old.indexes, *mine.indexes)}
    for index in new.indexes:
        if not index.unique or (index.columns, True) in known or not _has(mine, index.columns):
            continue
        # A narrower unique key that is there already forbids every row that a wider one would.
        if any(unique and set(columns) <= set(index.columns) for columns, unique in known):
            continue
        yield _equal_rows(service, to, index, new)


def _equal_rows(service: str, to: Revision, index: Index, table: Table) -> Condition:
    parts = [f"LEFT({quoted(name)}, {length})" if length else quoted(name) for name, length in index.parts]
    there = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in index.columns)
    sql = (
        f"SELECT {', '.join(parts)}, COUNT(*) FROM {quoted(table.name)} WHERE {there} "
        f"GROUP BY {', '.join(parts)} HAVING COUNT(*) > 1"
    )
    word = "primary key" if index.name == "PRIMARY" else f"unique key {index.name}"
    return Condition(
        Kind.UNIQUE,
        service,
        to.name,
        to.release,
        table.name,
        index.columns,
        f"{word} ({', '.join(index.columns)})",
        (*index.columns, "rows"),
        sql,
    )


def _columns(service: str, to: Revision, old: Table, new: Table, mine: Table) -> Iterator[Condition]:
    was, have = {c.name: c for c in old.columns}, {c.name: c for c in mine.columns}
    for column in new.columns:
        before, present = was.get(column.name), have.get(column.name)
        if before is None or present is None or before == column:
            continue
        if before.nullable and not column.nullable and present.nullable:
            yield _condition(
                Kind.NOT_NULL, service, to, new, mine, column, "NOT NULL", f"{quoted(column.name)} IS NULL"
            )
        if violates := _unfit(before, column):
            yield _condition(Kind.FITS, service, to, new, mine, column, column.type, violates)
        if violates := _not_member(before, column):
            yield _condition(Kind.MEMBER, service, to, new, mine, column, column.type, violates)


def _condition(
    kind: Kind, service: str, to: Revision, new: Table, mine: Table, column: Column, wanted: str, violates: str
) -> Condition:
    key = _primary(mine)
    shown = (*key, *(name for name in (column.name,) if name not in key))
    sql = f"SELECT {', '.join(map(quoted, shown))} FROM {quoted(new.name)} WHERE {violates}"
    words = f"column {new.name}.{column.name} {wanted}"
    return Condition(kind, service, to.name, to.release, new.name, (column.name,), words, shown, sql)


def _unfit(before: Column, after: Column) -> str:
    """The condition on rows whose value does not fit into the column's new type; empty where every value fits."""
    name = quoted(after.name)
    for pattern, length in ((_TEXT, "CHAR_LENGTH"), (_BYTES, "LENGTH")):
        new = pattern.fullmatch(after.type)
        old = pattern.fullmatch(before.type)
        if (
            new
            and (old is None or int(old[1]) > int(new[1]))
            and (old or "text" in before.type or "blob" in before.type)
        ):
            return f"{length}({name}) > {new[1]}"
    old_bits, new_bits = (_INTEGERS.get(c.type.split()[0].split("(")[0]) for c in (before, after))
    if old_bits and new_bits:
        unsigned = "unsigned" in after.type
        low, high = (0, 2**new_bits - 1) if unsigned else (-(2 ** (new_bits - 1)), 2 ** (new_bits - 1) - 1)
        if new_bits < old_bits or (unsigned and "unsigned" not in before.type):
            return f"{name} NOT BETWEEN {low} AND {high}"
    return ""


def _not_member(before: Column, after: Column) -> str:
    """The condition on rows whose value an enum no longer has; empty where it has them all."""
    new, old = _ENUM.fullmatch(after.type), _ENUM.fullmatch(before.type)
    if not new or not after.type.startswith("enum"):
        return ""
    members = [text.replace("''", "'") for text in _QUOTED.findall(new[1])]
    if old and {text.replace("''", "'") for text in _QUOTED.findall(old[1])} <= set(members):
        return ""
    name = quoted(after.name)
    return f"{name} IS NOT NULL AND CONCAT({name}) NOT IN ({', '.join(map(literal, members))})"


def _parents(
    now: Schema, service: str, to: Revision, old: Table | None, new: Table, mine: Table | None
) -> Iterator[Condition]:
    known = {(k.columns, k.table, k.referred) for k in (old.foreign_keys if old else ())}
    known |= {(k.columns, k.table, k.referred) for k in (mine.foreign_keys if mine else ())}
    for key in new.foreign_keys:
        parent = now.table(key.table)
        if key.schema or (key.columns, key.table, key.referred) in known or parent is None:
            continue
        if not _has(parent, key.referred):
            continue
        words = f"foreign key {new.name} ({', '.join(key.columns)}) to {key.table} ({', '.join(key.referred)})"
        wrong = [t for t in (parent, mine) if t is not None and t.engine.lower() != "innodb"]
        for table in wrong:
            proof = ((table.name, table.engine),)
            yield Condition(
                Kind.ENGINE, service, to.name, to.release, table.name, (), words, ("table", "engine"), rows=proof
            )
        if not wrong and mine is not None and _has(mine, key.columns):
            yield _orphans(service, to, key, mine, words)
        yield from _other_collation(now, service, to, key, new, mine, parent, words)


def _orphans(service: str, to: Revision, key: ForeignKey, mine: Table, words: str) -> Condition:
    on = " AND ".join(f"p.{quoted(b)} = c.{quoted(a)}" for a, b in zip(key.columns, key.referred, strict=True))
    there = " AND ".join(f"c.{quoted(name)} IS NOT NULL" for name in key.columns)
    shown = tuple(dict.fromkeys((*_primary(mine), *key.columns)))
    sql = (
        f"SELECT {', '.join(f'c.{quoted(name)}' for name in shown)} FROM {quoted(mine.name)} c "
        f"LEFT JOIN {quoted(key.table)} p ON {on} WHERE {there} AND p.{quoted(key.referred[0])} IS NULL"
    )
    return Condition(Kind.PARENT, service, to.name, to.release, mine.name, key.columns, words, shown, sql)


def _other_collation(
    now: Schema,
    service: str,
    to: Revision,
    key: ForeignKey,
    new: Table,
    mine: Table | None,
    parent: Table,
    words: str,
) -> Iterator[Condition]:
    """Both ends of a key on text must have one collation; a new table gets upstream's or the database's."""
    ends = {c.name: c for c in (mine or new).columns}
    for child, referred in zip(key.columns, key.referred, strict=True):
        have = next(c for c in parent.columns if c.name == referred).collation
        if not have or child not in ends or not ends[child].collation:
            continue
        possible = {ends[child].collation} if mine is not None else {ends[child].collation, now.collation}
        if have not in possible:
            rows = ((f"{parent.name}.{referred}", have), (f"{new.name}.{child}", " or ".join(sorted(possible))))
            shown = ("column", "collation")
            yield Condition(
                Kind.COLLATION, service, to.name, to.release, parent.name, (referred,), words, shown, rows=rows
            )


def _primary(table: Table) -> tuple[str, ...]:
    return next((index.columns for index in table.indexes if index.name == "PRIMARY"), ())


def _has(table: Table, columns: Sequence[str]) -> bool:
    names = {column.name for column in table.columns}
    return set(columns) <= names


def by_table(found: Iterable[Condition]) -> dict[str, list[Condition]]:
    """Conditions by the table that they are about."""
    tables: dict[str, list[Condition]] = {}
    for condition in found:
        tables.setdefault(condition.table, []).append(condition)
    return tables

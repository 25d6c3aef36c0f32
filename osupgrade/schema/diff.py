"""What changed between two schemas: a pure comparison, in words and with the SQL that undoes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from osupgrade.model.quoting import literal, quoted
from osupgrade.model.text import counted
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Check, Column, ForeignKey, Index, Routine, Table, Trigger, View, charset_of

Kind = Literal["added", "removed", "altered", "renamed"]
Part = Column | Index | ForeignKey | Check | Table | Trigger | View | Routine
Item = Part | str
Named = TypeVar("Named", bound=Part)

_OBJECTS: Mapping[type, str] = {
    Column: "column",
    Index: "index",
    ForeignKey: "foreign key",
    Check: "check",
    Table: "table",
    Trigger: "trigger",
    View: "view",
    Routine: "routine",
}
_SHOWN = 80
"""Characters of a view's or a routine's definition that a sentence takes."""
_OPTIONS = ("engine", "collation", "row format")


@dataclass(frozen=True)
class Change:
    """One difference between a schema (``before``) and another (``after``).

    ``object`` is table, column, index, foreign key, check, trigger, view, routine, or an option: engine, collation, row
    format (of ``table``, or of the database when ``table`` is empty). ``renamed`` is an index or a foreign key that
    does the same under another name, which matters to a migration that drops it by name.
    """

    kind: Kind
    object: str
    table: str
    name: str
    before: Item | None = None
    after: Item | None = None

    @property
    def place(self) -> str:
        """``table.column``, ``table``, or the database's option."""
        if self.object in _OPTIONS:
            return self.table or "the database"
        if self.object in ("table", "view", "routine") or not self.table:
            return self.name
        return f"{self.table}.{self.name}"

    @property
    def same_but_charset(self) -> bool:
        """Whether nothing but a character set, collation, engine or row format differs."""
        if self.object in _OPTIONS:
            return True
        return (
            self.kind == "altered"
            and isinstance(self.before, Column)
            and isinstance(self.after, Column)
            and replace(self.before, collation=self.after.collation) == self.after
        )

    @property
    def sentence(self) -> str:
        """What happened, in words: from ``before`` to ``after``."""
        what = f"{self.object} {self.place}"
        if self.kind == "added":
            return f"{what} was added{_colon(self.after)}"
        if self.kind == "removed":
            return f"{what} was removed{_colon(self.before)}"
        if self.kind == "renamed":
            return f"{self.object} {self.table}.{_name(self.before)} is now called {_name(self.after)}"
        if isinstance(self.before, str):
            return f"{self.object} of {self.place} changed from {self.before or 'none'} to {self.after or 'none'}"
        return f"{what} changed from {described(self.before)} to {described(self.after)}"

    def against(self, reference: str) -> str:
        """What differs here (``after``) from the reference (``before``), in words."""
        what = f"{self.object} {self.place}"
        if self.kind == "added":
            return f"{what} is not in {reference}{_colon(self.after)}"
        if self.kind == "removed":
            return f"{what} is missing; {reference} has it{_colon(self.before)}"
        if self.kind == "renamed":
            was, now = _name(self.before), _name(self.after)
            return f"{self.object} {self.table}.{now} is called {was} in {reference}"
        if isinstance(self.before, str):
            return f"{self.object} of {self.place} is {self.after or 'none'}, in {reference} {self.before or 'none'}"
        return f"{what} is {described(self.after)}, in {reference} {described(self.before)}"

    @property
    def sql(self) -> tuple[str, ...]:
        """The statements that turn ``after`` back into ``before``, each sent by itself; none where none can."""
        return tuple(_mend(self))


def diff(before: Schema, after: Schema) -> tuple[Change, ...]:
    """Every difference, table by table. AUTO_INCREMENT values and the order of columns are none."""
    found: list[Change] = []
    if before.collation != after.collation:
        found.append(Change("altered", "collation", "", "collation", before.collation, after.collation))
    for old_table, new_table in _paired(before.tables, after.tables):
        if old_table is not None and new_table is not None:
            found.extend(diff_tables(old_table, new_table))
        else:
            found.append(_one(old_table, new_table, ""))
    for old_trigger, new_trigger in _paired(before.triggers, after.triggers):
        if old_trigger != new_trigger:
            hung = new_trigger or old_trigger
            found.append(_one(old_trigger, new_trigger, hung.table if hung else ""))
    for old_view, new_view in _paired(before.views, after.views):
        if old_view != new_view:
            found.append(_one(old_view, new_view, ""))
    for old_routine, new_routine in _paired(before.routines, after.routines):
        if old_routine != new_routine:
            found.append(_one(old_routine, new_routine, ""))
    return tuple(found)


def diff_tables(before: Table, after: Table) -> Iterator[Change]:
    """The differences between two forms of one table."""
    if before == after:
        return
    name = after.name
    for option in _OPTIONS:
        was, now = (str(getattr(table, option.replace(" ", "_"))) for table in (before, after))
        if was != now:
            yield Change("altered", option, name, option, was, now)
    for old_column, new_column in _paired(before.columns, after.columns):
        if old_column != new_column:
            yield _one(old_column, new_column, name)
    yield from _diff_indexes(before, after)
    yield from _diff_keys(before, after)
    for old_check, new_check in _paired(before.checks, after.checks):
        if old_check != new_check:
            yield _one(old_check, new_check, name)


def generated(table: str, key: ForeignKey) -> bool:
    """Whether the server made up the foreign key's name (``instances_ibfk_1``)."""
    return re.fullmatch(re.escape(table) + r"_ibfk_\d+", key.name) is not None


def made_for_a_key(table: Table, index: Index) -> bool:
    """Whether this is an index as the server makes it for a foreign key: named after its first column, or as the key.

    The server drops it unasked when another index takes over, but not once a dump has been restored: there it is an
    index like any other.
    """
    if index.unique:
        return False
    return any(key.columns == index.columns and index.name in (key.columns[0], key.name) for key in table.foreign_keys)


def purpose(item: Index | ForeignKey) -> Index | ForeignKey:
    """An index or a foreign key without its name: what it does."""
    return replace(item, name="")


def described(item: Item | None) -> str:
    """A column, index or key as short SQL."""
    if isinstance(item, Column):
        return _column_sql(item)
    if isinstance(item, Index):
        return f"{'unique ' if item.unique else ''}({_parts(item)})"
    if isinstance(item, ForeignKey):
        return _references(item)
    if isinstance(item, Check):
        return item.clause
    if isinstance(item, Table):
        return counted(len(item.columns), "{n} column[s]")
    if isinstance(item, Trigger):
        return f"{item.timing} {item.event} on {item.table}"
    if isinstance(item, View | Routine):
        text = " ".join((item.definition if isinstance(item, View) else item.body).split())
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"
    return item or ""


def table_sql(table: Table) -> str:
    """CREATE TABLE for a table."""
    lines = [f"{quoted(c.name)} {_column_sql(c, table.collation)}" for c in table.columns]
    lines += [_index_sql(index) for index in table.indexes]
    lines += [
        f"CONSTRAINT {quoted(k.name)} FOREIGN KEY ({_names(k.columns)}) {_references(k)}" for k in table.foreign_keys
    ]
    options = f"ENGINE={table.engine} DEFAULT CHARACTER SET {table.charset} COLLATE {table.collation}"
    return f"CREATE TABLE {quoted(table.name)} ({', '.join(lines)}) {options}"


def _paired(before: Sequence[Named], after: Sequence[Named]) -> Iterator[tuple[Named | None, Named | None]]:
    old = {item.name: item for item in before}
    new = {item.name: item for item in after}
    for name in [*old, *(name for name in new if name not in old)]:
        yield old.get(name), new.get(name)


def _one(before: Named | None, after: Named | None, table: str) -> Change:
    item = after if after is not None else before
    assert item is not None
    kind: Kind = "added" if before is None else "removed" if after is None else "altered"
    return Change(kind, _OBJECTS[type(item)], table, item.name, before, after)


def _diff_indexes(before: Table, after: Table) -> Iterator[Change]:
    same = set(before.indexes) & set(after.indexes)
    yield from _matched(
        [index for index in before.indexes if index not in same],
        [index for index in after.indexes if index not in same],
        after.name,
    )


def _diff_keys(before: Table, after: Table) -> Iterator[Change]:
    same = set(before.foreign_keys) & set(after.foreign_keys)
    yield from _matched(
        [key for key in before.foreign_keys if key not in same],
        [key for key in after.foreign_keys if key not in same],
        after.name,
    )


_Renamable = TypeVar("_Renamable", Index, ForeignKey)


def _matched(old: list[_Renamable], new: list[_Renamable], table: str) -> Iterator[Change]:
    """Pair what does the same under another name first, then what has the same name."""
    left = list(new)
    for item in old:
        twin = next((other for other in left if purpose(other) == purpose(item)), None)
        if twin is not None:
            left.remove(twin)
            yield Change("renamed", _OBJECTS[type(item)], table, twin.name, item, twin)
            continue
        namesake = next((other for other in left if other.name == item.name), None)
        if namesake is not None:
            left.remove(namesake)
        yield _one(item, namesake, table)
    for item in left:
        yield _one(None, item, table)


def _name(item: Item | None) -> str:
    return item if isinstance(item, str) else item.name if item else ""


def _colon(item: Item | None) -> str:
    text = described(item)
    return f": {text}" if text else ""


def _mend(change: Change) -> Iterator[str]:
    before, after, table = change.before, change.after, quoted(change.table or change.name)
    if change.object == "table":
        yield table_sql(before) if isinstance(before, Table) else f"DROP TABLE {quoted(change.name)}"
    elif change.object in _OPTIONS:
        yield _mend_option(change)
    elif isinstance(before, Column) and isinstance(after, Column):
        yield f"ALTER TABLE {table} MODIFY COLUMN {quoted(before.name)} {_column_sql(before)}"
    elif isinstance(after or before, Column | Index):
        # In one statement: a foreign key may need the index, and is never without one.
        steps = [_drop(after)] if after else []
        steps += [_add(before)] if before else []
        yield f"ALTER TABLE {table} {', '.join(steps)}"
    elif isinstance(after or before, ForeignKey):
        # In two: a server does not make a key again under the name that the same statement takes away (121).
        for step in ([_drop(after)] if after else []) + ([_add(before)] if before else []):
            yield f"ALTER TABLE {table} {step}"
    elif isinstance(before, View):
        yield f"CREATE OR REPLACE VIEW {quoted(before.name)} AS {before.definition}"
    elif isinstance(after or before, Trigger | View):
        if after is not None:
            yield f"DROP {change.object.upper()} {quoted(change.name)}"
        if isinstance(before, Trigger):
            made = f"CREATE TRIGGER {quoted(before.name)} {before.timing} {before.event} ON {quoted(before.table)}"
            yield f"{made} FOR EACH ROW {before.body}"


def _drop(item: Item) -> str:
    kind = "COLUMN" if isinstance(item, Column) else "INDEX" if isinstance(item, Index) else "FOREIGN KEY"
    return "DROP PRIMARY KEY" if kind == "INDEX" and _name(item) == "PRIMARY" else f"DROP {kind} {quoted(_name(item))}"


def _add(item: Item) -> str:
    if isinstance(item, Column):
        return f"ADD COLUMN {quoted(item.name)} {_column_sql(item)}"
    if isinstance(item, ForeignKey):
        return f"ADD CONSTRAINT {quoted(item.name)} FOREIGN KEY ({_names(item.columns)}) {_references(item)}"
    assert isinstance(item, Index)
    return f"ADD {_index_sql(item)}"


def _mend_option(change: Change) -> str:
    before = str(change.before)
    if not change.table:
        return f"ALTER DATABASE CHARACTER SET {charset_of(before)} COLLATE {before}"
    table = quoted(change.table)
    if change.object == "engine":
        return f"ALTER TABLE {table} ENGINE={before}"
    if change.object == "collation":
        # The columns are changes of their own: CONVERT TO would make MEDIUMTEXT of TEXT.
        return f"ALTER TABLE {table} DEFAULT CHARACTER SET {charset_of(before)} COLLATE {before}"
    return f"ALTER TABLE {table} ROW_FORMAT={before or 'DEFAULT'}"


def _column_sql(column: Column, usual: str = "utf8_general_ci") -> str:
    words = [column.type]
    if column.collation and column.collation != usual:
        words.append(f"CHARACTER SET {column.charset} COLLATE {column.collation}")
    words.append("NULL" if column.nullable else "NOT NULL")
    if column.default is not None:
        plain = column.default == "CURRENT_TIMESTAMP" or column.type.startswith("bit")
        words.append("DEFAULT " + (column.default if plain else literal(column.default)))
    if column.extra:
        words.append(column.extra.upper())
    return " ".join(words)


def _index_sql(index: Index) -> str:
    if index.name == "PRIMARY":
        return f"PRIMARY KEY ({_parts(index)})"
    kind = "UNIQUE " if index.unique else f"{index.kind} " if index.kind in ("FULLTEXT", "SPATIAL") else ""
    return f"{kind}INDEX {quoted(index.name)} ({_parts(index)})"


def _parts(index: Index) -> str:
    return ", ".join(quoted(name) + (f"({length})" if length else "") for name, length in index.parts)


def _references(key: ForeignKey) -> str:
    target = (quoted(key.schema) + "." if key.schema else "") + quoted(key.table)
    rules = "".join(
        f" ON {event} {rule}"
        for event, rule in (("DELETE", key.on_delete), ("UPDATE", key.on_update))
        if rule != "RESTRICT"
    )
    return f"REFERENCES {target} ({_names(key.referred)}){rules}"


def _names(names: Sequence[str]) -> str:
    return ", ".join(quoted(name) for name in names)

"""Tables as small JSON data: lists whose usual endings are left out, which keeps the catalogue small."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from osupgrade.schema.tables import Check, Column, ForeignKey, Index, Table

# What a column, index or foreign key as a list may go without at its end; _MUST is always there.
_MUST: Any = ...
_COLUMN = (_MUST, _MUST, _MUST, "", None, "")
_INDEX = (_MUST, _MUST, 0, "")
_KEY = (_MUST, _MUST, _MUST, _MUST, "", "", "")


def table_data(table: Table) -> dict[str, Any]:
    """A table as small JSON data: lists whose usual endings are left out."""
    data: dict[str, Any] = {"columns": [column_data(c, table.collation) for c in table.columns]}
    if table.indexes:
        data["indexes"] = [index_data(index) for index in table.indexes]
    if table.foreign_keys:
        data["keys"] = [key_data(key) for key in table.foreign_keys]
    if table.checks:
        data["checks"] = [[check.name, check.clause] for check in table.checks]
    usual = Table("", ())
    for name in ("engine", "collation", "row_format"):
        if getattr(table, name) != getattr(usual, name):
            data[name] = getattr(table, name)
    return data


def table_from(name: str, data: Mapping[str, Any]) -> Table:
    """What :func:`table_data` gave."""
    collation = data.get("collation", Table("", ()).collation)
    return Table(
        name,
        columns=tuple(column_from(item, collation) for item in data["columns"]),
        indexes=tuple(index_from(item) for item in data.get("indexes", ())),
        foreign_keys=tuple(key_from(item) for item in data.get("keys", ())),
        checks=tuple(Check(*item) for item in data.get("checks", ())),
        **{key: data[key] for key in ("engine", "collation", "row_format") if key in data},
    )


def column_data(column: Column, collation: str) -> list[Any]:
    """A column as a list; a text column's collation is left out when it is its table's, ``collation``."""
    shown = "=" if column.collation and column.collation == collation else column.collation
    return _trimmed([column.name, column.type, int(column.nullable), shown, column.default, column.extra], _COLUMN)


def column_from(item: Sequence[Any], collation: str) -> Column:
    """What :func:`column_data` gave."""
    name, kind, nullable, shown, default, extra = _filled(item, _COLUMN)
    return Column(name, kind, bool(nullable), default, extra, collation if shown == "=" else shown)


def index_data(index: Index) -> list[Any]:
    """An index as a list."""
    parts = [f"{name}({length})" if length else name for name, length in index.parts]
    return _trimmed([index.name, parts, int(index.unique), "" if index.kind == "BTREE" else index.kind], _INDEX)


def index_from(item: Sequence[Any]) -> Index:
    """What :func:`index_data` gave."""
    name, parts, unique, kind = _filled(item, _INDEX)
    split = [re.fullmatch(r"(.*?)(?:\((\d+)\))?", part, re.DOTALL) for part in parts]
    return Index(name, tuple((m[1], int(m[2] or 0)) for m in split if m), bool(unique), kind or "BTREE")


def key_data(key: ForeignKey) -> list[Any]:
    """A foreign key as a list."""
    rules = ["" if rule == "RESTRICT" else rule for rule in (key.on_update, key.on_delete)]
    return _trimmed([key.name, list(key.columns), key.table, list(key.referred), *rules, key.schema], _KEY)


def key_from(item: Sequence[Any]) -> ForeignKey:
    """What :func:`key_data` gave."""
    name, columns, table, referred, update, delete, schema = _filled(item, _KEY)
    rules = (update or "RESTRICT", delete or "RESTRICT")
    return ForeignKey(name, tuple(columns), table, tuple(referred), *rules, schema)


def _trimmed(items: list[Any], usual: tuple[Any, ...]) -> list[Any]:
    while items[-1] == usual[len(items) - 1]:
        items.pop()
    return items


def _filled(items: Sequence[Any], usual: tuple[Any, ...]) -> list[Any]:
    return [*items, *usual[len(items) :]]

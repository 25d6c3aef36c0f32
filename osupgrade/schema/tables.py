"""What a schema is made of, as plain immutable values: tables with their parts, views, triggers and routines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``default`` is the bare value, None for no default or NULL; text columns have a charset."""

    name: str
    type: str
    nullable: bool
    default: str | None = None
    extra: str = ""
    collation: str = ""

    @property
    def charset(self) -> str:
        """The character set that the collation belongs to."""
        return charset_of(self.collation)


@dataclass(frozen=True, slots=True)
class Index:
    """An index; each part is a column and the length of its prefix, 0 for the whole column."""

    name: str
    parts: tuple[tuple[str, int], ...]
    unique: bool = False
    kind: str = "BTREE"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns in the index's order."""
        return tuple(name for name, _ in self.parts)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key; ``schema`` is empty when it points into its own database."""

    name: str
    columns: tuple[str, ...]
    table: str
    referred: tuple[str, ...]
    on_update: str = "RESTRICT"
    on_delete: str = "RESTRICT"
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A check constraint that is more than SQLAlchemy's for a Boolean."""

    name: str
    clause: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table; indexes, foreign keys and checks are sorted by name. ``row_format`` is empty for the default."""

    name: str
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    engine: str = "InnoDB"
    collation: str = "utf8_general_ci"
    row_format: str = ""

    @property
    def charset(self) -> str:
        """The table's default character set."""
        return charset_of(self.collation)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger and the table it hangs on."""

    name: str
    table: str
    timing: str
    event: str
    body: str


@dataclass(frozen=True, slots=True)
class View:
    """A view; its own database's name is removed from the definition."""

    name: str
    definition: str


@dataclass(frozen=True, slots=True)
class Routine:
    """A stored procedure or function. ``body`` is empty when the account may not see it."""

    name: str
    kind: str
    body: str


def charset_of(collation: str) -> str:
    """The character set of a collation, which starts with its name."""
    return collation.split("_", 1)[0]

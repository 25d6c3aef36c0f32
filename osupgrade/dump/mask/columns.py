"""How the values of a column are masked: by its type, by what the policy says, and by whether a service knows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from osupgrade.dump.mask.values import SMALL, Masker
from osupgrade.dump.policy import Treatment
from osupgrade.model.quoting import quoted

TEXT = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
BINARY = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
DATES = frozenset({"date", "datetime", "timestamp"})
INTEGERS: Mapping[str, int] = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
"""Their bits."""
NUMBERS = frozenset({*INTEGERS, "decimal", "float", "double"})
SPELT = frozenset({"enum", "set"})
"""Types whose values the schema spells out."""
LEFT = frozenset({"bit", "time", "year", *SPELT})
"""Types whose values say nothing in columns that a service knows."""
CODECS: Mapping[str, str] = {
    "": "utf-8",
    "ascii": "utf-8",
    "utf8": "utf-8",
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
    "latin1": "cp1252",
    "ucs2": "utf-16-be",
    "utf16": "utf-16-be",
}
"""Python's names of the server's character sets; texts in any other are masked byte by byte."""
WIDE = ("ucs2", "utf16", "utf16le", "utf32")


@dataclass(frozen=True)
class Column:
    """A column as it is treated. ``known`` is whether any revision of the service has it; ``longest`` in characters."""

    service: str
    database: str
    table: str
    name: str
    type: str
    charset: str
    longest: int
    keyed: bool
    known: bool
    treatment: Treatment
    spared: str = ""
    """The name by which the operator's policy hides it, where it can only be kept."""
    full_type: str = ""
    """With length, sign and members."""
    nullable: bool = True
    texts: frozenset[str] = frozenset()
    """Defaults and members that a service gives it."""

    def __str__(self) -> str:
        return f"{self.service}.{self.table}.{self.name}"

    @property
    def quoted(self) -> str:
        """Its name as SQL has it."""
        return quoted(self.name)

    @property
    def of(self) -> str:
        """Its table as SQL has it, with the database."""
        return f"{quoted(self.database)}.{quoted(self.table)}"

    @property
    def most(self) -> int:
        """The largest number that fits into a column of whole numbers; 0 for any other column."""
        bits = INTEGERS.get(self.type, 0)
        if not bits:
            return 0
        return int((1 << bits) - 1 if "unsigned" in self.full_type else (1 << (bits - 1)) - 1)

    @property
    def foreign(self) -> bool:
        """Whether it is of a type that cannot be masked: a geometry, an address of the server's own type."""
        return not self.known and self.type not in TEXT | BINARY | DATES | NUMBERS | LEFT

    @property
    def looked_up(self) -> bool:
        """Whether masks are made of its values one by one."""
        masked = self.treatment not in (Treatment.KEEP, Treatment.DROP)
        return masked and self.type in TEXT | BINARY | NUMBERS


@dataclass(frozen=True)
class Form:
    """What decides a mask beside the value itself. ``longest`` is 0 where a mask is never longer than its value."""

    treatment: Treatment
    codec: str
    longest: int = 0
    number: bool = False
    bytes: bool = False
    own: bool = False
    keyed: bool = False
    most: int = 0

    @classmethod
    def of(cls, column: Column) -> Form:
        """How the values of a column are masked."""
        number = column.type in NUMBERS
        own = not column.known
        json = column.treatment is Treatment.JSON or own
        return cls(
            column.treatment,
            CODECS.get(column.charset, ""),
            longest=column.longest if json and column.type in ("char", "varchar", "tinytext") else 0,
            number=number,
            bytes=own and column.type in BINARY,
            own=own and not number,
            keyed=number and column.keyed,
            most=column.most,
        )


def mask_function(form: Form, masker: Masker) -> Callable[[bytes], bytes]:
    """A function that makes the mask of a value, as bytes in the column's own encoding."""

    def mask(old: bytes) -> bytes:
        if form.bytes:
            return masker.blob(old)
        if not form.codec:
            return masker.foreign(old)
        text = old.decode(form.codec, "surrogateescape")
        new = _masked(form, masker, text)
        if form.longest and len(new) > form.longest:
            new = masker.mask(text)
        return new.encode(form.codec, "surrogateescape")

    return mask


def _masked(form: Form, masker: Masker, text: str) -> str:
    if form.number:
        # Small numbers of a key are counted up; a large one is somebody's number.
        small = form.keyed and len(text.lstrip("-")) <= SMALL
        return text if small else masker.digits(text, form.most)
    if form.treatment is Treatment.JSON:
        return masker.json(text)
    if form.treatment is Treatment.PARTS:
        return masker.parts(text)
    if form.treatment is Treatment.SECRET:
        return masker.secret(text)
    if form.own and text[:1] in ("{", "["):
        return masker.json(text)
    if form.own and masker.is_date(text):
        return masker.digits(text)
    return masker.mask(text)


def unlisted_sql(column: Column, name: str, masker: Masker) -> str:
    """The mask of a value for which no list of masks is needed, as SQL; ``name`` is the column in it."""
    if column.foreign:
        return "NULL"
    if column.type in DATES:
        days, last = masker.constant("days", 30, 730), "2036-01-01" if column.type == "timestamp" else "9990-01-01"
        moved = f"IF({name} > '{last}', {name} - INTERVAL {days} DAY, {name} + INTERVAL {days} DAY)"
        return f"IF({name} + 0 = 0, {name}, IFNULL({moved}, {name}))"  # one without a month or a day cannot be moved
    if column.type in SPELT:
        return f"{name} + 0"  # by its number: its members may have other names in the copy
    if column.type == "time":
        moved = f"'{masker.constant('hours', 1, 11):02}:{masker.constant('minutes', 1, 59):02}:07'"
        return f"IF({name} > '800:00:00', SUBTIME({name}, {moved}), ADDTIME({name}, {moved}))"
    if column.type == "year":
        return f"IF({name} = 0, 0, 1901 + ({name} - 1901 + {masker.constant('years', 20, 200)}) % 255)"
    assert column.type == "bit"
    width = int(re.sub(r"\D", "", column.full_type) or 1)
    pattern = masker.constant(f"bits{width}", 1, (1 << width) - 1) if width > 1 else 0
    return f"{name} ^ {pattern}"


def dropped_sql(name: str, kind: str) -> str:
    """Content that is not needed at all, in SQL: as many x's as there were characters, of JSON the braces."""
    if kind in BINARY:
        return f"REPEAT('x', LENGTH({name}))"
    length = f"CHAR_LENGTH({name})"
    return (
        f"CASE LEFT({name}, 1) WHEN '{{' THEN CONCAT('{{', SPACE({length} - 2), '}}') "
        f"WHEN '[' THEN CONCAT('[', SPACE({length} - 2), ']') ELSE REPEAT('x', {length}) END"
    )


class ColumnLiterals:
    """What becomes of the literals in a table's definition: what would become of them as values of its columns."""

    def __init__(self, columns: Mapping[str, Column], masker: Masker, upstream: frozenset[str]) -> None:
        self._columns = columns
        self._masker = masker
        self._upstream = upstream
        """Names that services use, as members of enums too."""

    def default(self, column: str, value: str) -> str | None:
        """The mask of a column's default; None where it has to be left out."""
        about = self._columns.get(column)
        if about is None:
            return None
        if value in about.texts or (about.known and self._is_silent(value)):
            return value
        if about.type in SPELT:
            return ",".join(self.member(column, member) for member in value.split(",")) if value else value
        if about.type in TEXT | BINARY:
            if about.treatment is Treatment.KEEP:
                return value
            masked = "x" * len(value) if about.treatment is Treatment.DROP else self.text(value)
            return masked if len(masked) <= max(about.longest, len(value)) else None
        if about.type in NUMBERS:
            return self.number(value) if about.known else self._masker.digits(value, about.most)
        return value if not value.strip("0-: .") else None

    def member(self, column: str, value: str) -> str:
        """The mask of a member of an enum or a set."""
        about = self._columns.get(column)
        kept = about and about.treatment is Treatment.KEEP and not about.known
        stays = kept or (about is not None and value in about.texts)
        return value if stays or value.lower() in self._upstream else self._masker.mask_beside(value, self._upstream)

    def text(self, value: str) -> str:
        """The mask of a text in an expression."""
        return self._masker.mask(value)

    def number(self, value: str) -> str:
        """The mask of a number in an expression or of a column that a service knows."""
        return value if self._is_silent(value) else self._masker.digits(value)

    def _is_silent(self, value: str) -> bool:
        digits = value.lstrip("+-").replace(".", "", 1)
        return len(digits) <= SMALL and digits.isdigit()

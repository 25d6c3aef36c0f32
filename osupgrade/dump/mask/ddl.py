"""A table's definition as the server prints it (SHOW CREATE TABLE), without anything specific to the site.

Such text always has the same form: identifiers in backticks, texts in single quotes. It is split
into tokens, and only what is known is put together again. Names and literals are masked; comments, options that are
not known and whatever cannot be masked are left out and listed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from osupgrade.dump.mask.names import Names
from osupgrade.dump.mask.tokens import Cursor, Token, joined, literal, split, tokens_of
from osupgrade.dump.mask.values import SMALL
from osupgrade.dump.mask.words import WORDS, words
from osupgrade.model.quoting import quoted

_OPTIONS = words(
    """
ENGINE AUTO_INCREMENT DEFAULT_CHARSET CHARSET COLLATE ROW_FORMAT KEY_BLOCK_SIZE MAX_ROWS MIN_ROWS AVG_ROW_LENGTH
CHECKSUM DELAY_KEY_WRITE PACK_KEYS STATS_PERSISTENT STATS_AUTO_RECALC STATS_SAMPLE_PAGES TRANSACTIONAL PAGE_CHECKSUM
PAGE_COMPRESSED INSERT_METHOD
"""
)
_ATTRIBUTES = words(
    """
ALWAYS AS AUTO_INCREMENT BINARY CHARACTER CHARSET COLLATE END GENERATED INVISIBLE KEY NOT NULL ON PERSISTENT PRECISION
ROW SET START STORED SYSTEM UNIQUE UNSIGNED UPDATE VARYING VERSIONING VIRTUAL WITH WITHOUT ZEROFILL
CURRENT_TIMESTAMP NOW LOCALTIME LOCALTIMESTAMP
"""
)
_KEY_WORDS = words(
    """
ACTION ASC BTREE CASCADE CHECK CONSTRAINT DEFAULT DELETE DESC FOR FOREIGN FULL FULLTEXT HASH IGNORED INDEX KEY MATCH NO
NULL ON OVERLAPS PARTIAL PERIOD PRIMARY REFERENCES RESTRICT RTREE SET SIMPLE SPATIAL SYSTEM_TIME UNIQUE UPDATE USING
WITHOUT CLUSTERING
"""
)
_TIMES = frozenset({"CURRENT_TIMESTAMP", "NOW", "LOCALTIME", "LOCALTIMESTAMP", "CURDATE", "CURRENT_DATE", "UUID"})
"""Functions that a default may be."""


class Literals(Protocol):
    """What becomes of the literals of a table's definition."""

    def default(self, column: str, value: str) -> str | None:
        """The mask of a column's default; None where it has to be left out."""

    def member(self, column: str, value: str) -> str:
        """The mask of a member of an enum or a set."""

    def text(self, value: str) -> str:
        """The mask of a text in an expression."""

    def number(self, value: str) -> str:
        """The mask of a number in an expression."""


@dataclass(frozen=True)
class Definition:
    """A table's definition without the site's own. ``dropped`` is what was left out, ``secrets`` what was masked."""

    sql: str
    dropped: tuple[str, ...]
    secrets: tuple[str, ...]


@dataclass
class Rewriter:
    """Rewrites the definition of one table, whose name is only used to say what was left out."""

    table: str
    names: Names
    literals: Literals
    databases: Mapping[str, str] = field(default_factory=dict)
    """What databases' names become."""
    checks: bool = True
    """Whether checks are wanted, those that may be."""
    unique: bool = True
    """Whether keys stay unique."""
    dropped: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    _columns: list[str] = field(default_factory=list)

    def definition(self, create: str) -> Definition:
        """The whole statement."""
        cursor = Cursor(tokens_of(create))
        head = "".join(self._head(cursor))
        body = cursor.group()[1:-1]
        elements = split(body)
        self._columns = [element[0].bare for element in elements if element and element[0].is_name]
        made = [made for element in elements if (made := self._element(element))]
        sql = f"{head} (\n  " + ",\n  ".join(made) + "\n)" + self._options(cursor)
        return Definition(sql, tuple(self.dropped), tuple(self.secrets))

    def name(self, name: str) -> str:
        """The mask of a name."""
        return self.names.mask(name)

    def _head(self, cursor: Cursor) -> list[str]:
        out = []
        while cursor and cursor.peek().text != "(":
            token = cursor.take()
            out.append(token.space + (quoted(self.name(token.bare)) if token.is_name else token.text))
        return out

    def _drop(self, what: str, token: Token | None = None) -> None:
        self.dropped.append(f"{what} of {self.table}" if what else self.table)
        if token is not None and token.is_text:
            self.secrets.append(token.bare)

    def _element(self, element: Sequence[Token]) -> str:
        """A column, a key or a constraint; empty where it is left out."""
        if element[0].is_name:
            return self._column(Cursor(element))
        return self._key(Cursor(element))

    # Columns

    def _column(self, cursor: Cursor) -> str:
        column = cursor.take().bare
        out = [quoted(self.name(column))]
        kind = cursor.take()
        out.append(f" {kind.text}")
        if kind.upper in ("ENUM", "SET") and cursor.peek().text == "(":
            out.append(self._members(column, cursor.group()))
        while cursor:
            out.append(self._attribute(column, cursor))
        return "".join(out)

    def _members(self, column: str, group: Sequence[Token]) -> str:
        out = []
        for token in group:
            masked = self.literals.member(column, token.bare) if token.is_text else ""
            if token.is_text and masked != token.bare:
                self.secrets.append(token.bare)
            out.append(literal(masked) if token.is_text else token.text)
        return "".join(out)

    def _attribute(self, column: str, cursor: Cursor) -> str:
        """The next attribute of a column; empty where it is left out."""
        token = cursor.take()
        if token.upper == "COMMENT" and cursor.peek().is_text:
            self._drop(f"comment on {column}", cursor.take())
            return ""
        if token.upper == "DEFAULT":
            return self._default(column, cursor)
        if token.upper == "CHECK":
            return self._check(column, token, cursor)
        if token.upper == "GENERATED":
            return self._generated(column, token, cursor)
        if token.upper in ("SET", "CHARSET", "COLLATE"):
            return token.space + token.text + cursor.peek().space + cursor.take().text
        if token.text == "(":
            cursor.place -= 1
            return joined(cursor.group())
        if token.upper in _ATTRIBUTES:
            return token.space + token.text
        self._unknown(f"attribute of {column}", token, cursor)
        return ""

    def _unknown(self, what: str, token: Token, cursor: Cursor) -> None:
        """Leave out something that is not known: a comment of the server's, an engine's own attribute, a word."""
        if token.text.startswith("/*"):
            while cursor and cursor.take().text != "*/":
                pass
            return
        if cursor.peek().text == "=":
            cursor.take()
            value = cursor.group() if cursor.peek().text == "(" else [cursor.take()]
            self.secrets.extend(each.bare for each in value if each.is_text)
        self._drop(what, token)

    def _default(self, column: str, cursor: Cursor) -> str:
        token = cursor.take()
        if token.upper == "NULL":
            return " DEFAULT NULL"
        made: str | None = None
        if token.text in ("-", "+"):
            made = self.literals.default(column, token.text + cursor.peek().text)
            self._note(token.text + cursor.take().text, made)
        elif token.is_text:
            value = self.literals.default(column, token.bare)
            made = None if value is None else literal(value)
            self._note(token.bare, value)
        elif cursor.peek().is_text and not cursor.peek().space:  # b'01', x'ab', _utf8'x'
            value = cursor.take().bare
            made = f"{token.text}{literal(value)}" if value.strip("0") in ("", "1") else None
        elif token.text[:1].isdigit():
            made = self.literals.default(column, token.text)
            self._note(token.text, made)
        elif token.text == "(":
            cursor.place -= 1
            made = self.expression(cursor.group())
        else:
            group = joined(cursor.group()) if cursor.peek().text == "(" else ""
            made = token.text + group if token.upper in _TIMES and group.strip("()0123456789") == "" else None
        if made is None:
            self._drop(f"default of {column}", token)
            return ""
        return f" DEFAULT {made}"

    def _note(self, value: str, masked: str | None) -> None:
        if masked != value:
            self.secrets.append(value)

    def _generated(self, column: str, token: Token, cursor: Cursor) -> str:
        words = [token]
        while cursor and cursor.peek().text != "(" and cursor.peek().upper in ("ALWAYS", "AS"):
            words.append(cursor.take())
        if cursor.peek().text != "(":  # ROW START, ROW END
            return joined(words)
        made = self.expression(cursor.group())
        if made is None:
            self._drop(f"expression of {column}")
            if cursor.peek().upper in ("VIRTUAL", "STORED", "PERSISTENT"):
                cursor.take()
            return ""
        return f"{joined(words)} {made}"

    def _check(self, what: str, token: Token, cursor: Cursor) -> str:
        """A check whose literals say nothing; one that has others would not hold for masked rows."""
        group = cursor.group()
        silent = all(not t.is_text and len(t.text) <= SMALL for t in group if t.is_text or t.text[:1].isdigit())
        made = self.expression(group) if silent and self.checks else None
        if made is None:
            self.secrets.extend(t.bare for t in group if t.is_text)
            self._drop(f"check {what}".strip())
            return ""
        return f"{token.space}CHECK {made}"

    def expression(self, group: Sequence[Token], *, anywhere: bool = False) -> str | None:
        """An expression with names and literals masked; None where it uses what a masked copy does not have.

        ``anywhere`` says that names may come before parentheses: it is code, in which those are columns' names.
        """
        out = []
        for place, token in enumerate(group):
            after = group[place + 1].text if place + 1 < len(group) else ""
            if token.text.startswith("/*"):
                return None
            if token.is_name and after == "(" and not anywhere:  # a function of the site's own
                return None
            if token.is_name:
                database = self.databases.get(token.bare) if after == "." else None
                out.append(token.space + quoted(database or self.name(token.bare)))
            elif token.is_text:
                out.append(token.space + literal(self._masked(token.bare, self.literals.text)))
            elif token.text[:1].isdigit():
                out.append(token.space + self._masked(token.text, self.literals.number))
            elif re.match(r"\w", token.text):
                if after == "(" and token.text.lower() not in WORDS and not anywhere:
                    return None
                out.append(token.space + self.name(token.text))
            else:
                out.append(token.space + token.text)
        return "".join(out)

    def _masked(self, value: str, mask: Callable[[str], str]) -> str:
        masked = mask(value)
        self._note(value, masked)
        return masked

    # Keys and constraints

    def _key(self, cursor: Cursor) -> str:
        out: list[str] = []
        name = ""
        if not self.unique and cursor.peek().upper in ("UNIQUE", "PRIMARY"):
            self._drop(f"{cursor.take().text.lower()} key, as such,")
            out.append("KEY" if cursor.take() else "")
        while cursor:
            token = cursor.take()
            if token.is_name:
                name = name or token.bare
                database = self.databases.get(token.bare) if cursor.peek().text == "." else None
                out.append(token.space + quoted(database or self.name(token.bare)))
            elif token.upper == "COMMENT" and cursor.peek().is_text:
                self._drop(f"comment on {name}", cursor.take())
            elif token.upper == "CHECK":
                made = self._check(name, token, cursor)
                if not made:
                    return ""
                out.append(made)
            elif token.upper in _KEY_WORDS or token.text in "(),." or token.text.isdigit():
                out.append(token.space + token.text)
            else:
                self._unknown(f"attribute of {name}", token, cursor)
        return "".join(out).strip()

    # Options

    def _options(self, cursor: Cursor) -> str:
        out = []
        words: list[str] = []
        while cursor:
            token = cursor.take()
            if token.upper == "PARTITION" and cursor.peek().upper == "BY":
                out.append(self._partitions(cursor))
            elif token.upper == "WITH" and cursor.peek().upper == "SYSTEM":
                cursor.take(), cursor.take()
                out.append(" WITH SYSTEM VERSIONING")
            elif token.text == "=":
                out.append(self._option("_".join(words), cursor))
                words = []
            elif token.is_text:
                self._drop("option", token)
            elif not token.text.startswith(("/*", "*/", ",")):
                words.append(token.bare if token.is_name else token.text)
        if words:
            self._drop("option")
        return "".join(out)

    def _option(self, name: str, cursor: Cursor) -> str:
        if name.upper() == "UNION":
            return f" UNION={self.expression(cursor.group())}"
        value = cursor.group() if cursor.peek().text == "(" else [cursor.take()]
        single = value[0].text
        # The counter of a table of the site's own follows from its rows.
        counter = name.upper() == "AUTO_INCREMENT" and self.names.knows(self.table.rpartition(".")[2])
        if name.upper() in _OPTIONS and re.fullmatch(r"\w+", single) and (counter or not _long(single)):
            return f" {name.replace('_CHARSET', ' CHARSET')}={single}"
        if name.upper() == "COMMENT":
            self._drop("comment", value[0])
        elif name.upper() not in ("AUTO_INCREMENT", "MAX_ROWS", "MIN_ROWS", "AVG_ROW_LENGTH"):
            self._drop(f"option {name.replace('_', ' ')}", value[0])
        return ""

    def _partitions(self, cursor: Cursor) -> str:
        """Partitions by the same columns, as many, but by a key: their values would not hold for masked rows."""
        method, columns, number, depth = "", [], 0, 0
        rest = [cursor.take() for _ in range(len(cursor.tokens) - cursor.place)]
        definitions = False
        for place, token in enumerate(rest):
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            bare = token.bare if token.is_name else token.text
            if not depth and token.upper in ("HASH", "KEY", "RANGE", "LIST", "SYSTEM_TIME") and not method:
                method = token.upper
            elif token.upper == "PARTITIONS" and not definitions and not depth:
                number = int(rest[place + 1].text)
            elif token.upper == "PARTITION" and depth == 1:
                definitions, number = True, number + 1
            elif token.upper == "SUBPARTITION" and not depth:
                definitions = True
            elif not definitions and depth and bare in self._columns and not token.is_text:
                columns.append(bare)
        self.secrets.extend(token.bare for token in rest if token.is_text or token.is_name)
        if method not in ("HASH", "KEY") or definitions:
            self._drop("names and values of partitions")
        if method == "SYSTEM_TIME" or not (columns or method == "KEY"):
            return ""
        by = ", ".join(quoted(self.name(column)) for column in dict.fromkeys(columns))
        return f"\nPARTITION BY KEY ({by}) PARTITIONS {max(number, 1)}"


def _long(text: str) -> bool:
    return text.isdigit() and len(text) > SMALL

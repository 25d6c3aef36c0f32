"""A dump as the account that restores it can: what an honest one says that such an account may not is reworded."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from osupgrade.dump import sql
from osupgrade.dump.statements import MARK, Kind, Piece, statements, unquoted
from osupgrade.model.quoting import quoted

_ABOUT_TABLES = frozenset({b"INSERT", b"REPLACE", b"LOCK", b"TRUNCATE", b"DELETE", b"UPDATE", b"ANALYZE", b"OPTIMIZE"})


@dataclass
class Rewording:
    """How one dump is restored.

    ``names`` maps its databases to those that take them; others are left out, of which it says that they are its own
    (``known``). ``keep`` says whether what comes before the first USE is wanted; settings there always are.
    ``collations`` maps those that the server lacks to its nearest.
    """

    names: Mapping[str, str]
    keep: bool
    known: Collection[str] = ()
    collations: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._delimiter = b";"
        self._made: set[str] = set()
        self.views_left_out: list[str] = []
        """The views that read from a database which is not restored here."""
        self._going_on = self.keep
        """Whether what follows of a long statement is wanted, as its beginning was."""
        missing = b"|".join(re.escape(name.encode()) for name in sorted(self.collations, key=len, reverse=True))
        self._missing = re.compile(rb"\b(?:" + missing + rb")\b", re.IGNORECASE) if missing else None

    def __call__(self, pieces: Iterable[Piece]) -> Iterator[bytes]:
        """The dump as it is sent, with every line still at its number.

        The definers of triggers, views and routines become the account that restores, since theirs are not on this
        server; what a dump says about replication, about accounts and about dropping its database is left out, and so
        are messages; all else passes as it is.
        """
        return map(self.said, pieces)

    def statements(self, pieces: Iterable[Piece]) -> Iterator[tuple[bytes, int]]:
        """The same, statement by statement without delimiters, and how many bytes of the dump as it is sent each was.

        What is several statements of rows, one a line, may come as one.
        """
        gathered: list[bytes] = []
        size = 0
        for piece in pieces:
            if piece.kind is not Kind.REST and gathered:
                yield from self._apart(sql.bare(b"".join(gathered), self._delimiter), size)
                gathered, size = [], 0
            data = self.said(piece)
            size += len(data)
            if piece.kind in (Kind.STATEMENT, Kind.HEAD) or (piece.kind is Kind.REST and gathered):
                gathered.append(data)
        yield from self._apart(sql.bare(b"".join(gathered), self._delimiter), size)

    def _apart(self, statement: bytes, size: int) -> Iterator[tuple[bytes, int]]:
        """The statements that a reworded one became: where one drops a database, others make and use it."""
        several = sql.DROP_DATABASE.match(statement) and self._delimiter == b";"
        parts = [sql.bare(piece.data) for piece in statements([statement])] if several else [statement]
        for part in parts:
            yield part, 0
        yield b"", size

    def said(self, piece: Piece) -> bytes:
        """What is sent of the next piece."""
        kind, _, data = piece
        if kind is Kind.STATEMENT or kind is Kind.HEAD:
            said = self._statement(data)
            self._going_on = said is not None
            return data if said is data else _lines(data, said or b"")
        if kind is Kind.REST:
            return data if self._going_on else _lines(data)
        if kind is Kind.DELIMITER:
            self._delimiter = data.split(None, 2)[1][:64]
            return data
        if kind is Kind.BLANK:
            return data.replace(MARK, b"")
        self._going_on = False  # of a long comment, the rest is no SQL
        return _lines(data)

    def _statement(self, data: bytes) -> bytes | None:
        """A statement as it is sent; None where it is left out."""
        word = sql.verb(data)
        if word in _ABOUT_TABLES:
            return self._about_table(_at_once(data))
        if word == b"USE" and (use := sql.USE.match(sql.bare(data, self._delimiter))):
            return self._use(sql.first_name(use))
        if word == b"CREATE" and (made := sql.CREATE_DATABASE.match(sql.bare(data, self._delimiter))):
            return self._create(sql.first_name(made), made[4].rstrip(), wrapped=data.startswith(b"/*"))
        if word == b"ALTER" and (altered := sql.ALTER_DATABASE.match(data)):
            return self._alter(data, altered)
        if any(left.match(data) for left in (sql.DROP_DATABASE, sql.ACCOUNTS, sql.REPLICATION, sql.SERVER)):
            return None
        if word == b"SET":
            return self._collated(data)
        said = self._about_table(data)
        return self._defined(said) if said and word in (b"CREATE", b"ALTER") else said

    def _use(self, name: str) -> bytes | None:
        self.keep = name in self.names
        return b"USE %s%s\n" % (_quoted(self.names[name]), self._delimiter) if self.keep else None

    def _create(self, name: str, how: bytes, *, wrapped: bool) -> bytes | None:
        """Databases are created, with the character set that the dump says, and used: tables' keys look there."""
        self.keep = name in self.names
        if not self.keep or name in self._made:
            return None
        self._made.add(name)
        target, end = _quoted(self.names[name]), self._delimiter
        how = (how.removesuffix(b"*/") if wrapped else how).lstrip()
        again = b"DROP DATABASE IF EXISTS %s%s CREATE DATABASE %s %s%s USE %s%s\n"
        return self._collated(again % (target, end, target, how, end, target, end))

    def _alter(self, data: bytes, altered: re.Match[bytes]) -> bytes | None:
        name = sql.first_name(altered)
        if name not in self.names:
            return None if name in self.known or not self.keep else data
        group = altered.lastindex or 1
        at = altered.start(group) - (group < 3)  # with its quote
        return self._collated(data[:at] + _quoted(self.names[name]) + data[altered.end() :])

    def _about_table(self, data: bytes) -> bytes | None:
        """A statement about a table of a database that it names, or of the one in use."""
        qualified = sql.QUALIFIED.match(data)
        if not qualified:
            return data if self.keep else None
        name = unquoted(*qualified.group(2, 3, 4))
        if name not in self.names:
            return None if name in self.known or not self.keep else data
        target = _quoted(self.names[name])
        if sql.verb(data) in (b"LOCK", b"DROP"):  # of several tables, perhaps
            return data.replace(qualified["database"] + b".", target + b".")
        return data[: qualified.start("database")] + target + data[qualified.end("database") :]

    def _of_another(self, view: bytes) -> bool:
        """Whether a view reads from a database that is not restored here."""
        return any(
            sql.table_of(source)[0] not in ("", *self.names)
            for source in sql.SOURCE.finditer(view)
            if not sql.WITHIN.search(view, max(0, source.start() - 200), source.start())
        )

    def _defined(self, data: bytes) -> bytes | None:
        """The definition of a table, a view, a trigger or a routine, with this server's collations and databases.

        A table's foreign keys may name the database of the other table.
        """
        data = self._collated(data)
        table = sql.CREATE_TABLE.match(data) or sql.verb(data) == b"ALTER"
        if table:
            data = sql.DIRECTORY.sub(b"", data)
        else:
            data = sql.DEFINER.sub(b"DEFINER=CURRENT_USER", data)
            if (view := sql.VIEW.match(data)) and self._of_another(data):
                self.views_left_out.append(sql.table_of(view)[1])
                return None
        for name, target in self.names.items():
            if name != target and name.encode() in data:
                new = _quoted(target) + b"."
                data = _mentions(name, table=bool(table)).sub(lambda at, new=new: (at["before"] or b"") + new, data)  # type: ignore[misc]
        return data

    def _collated(self, data: bytes) -> bytes:
        if not self._missing:
            return data
        return self._missing.sub(lambda found: self.collations[found[0].decode().lower()].encode(), data)


def _at_once(data: bytes) -> bytes:
    """A statement without DELAYED, which InnoDB's tables do not take."""
    delayed = sql.DELAYED.match(data)
    return delayed[1] + data[delayed.end() :] if delayed else data


_WORDS_BEFORE = rb"(?P<before>\b(?i:REFERENCES|FROM|JOIN|INTO|UPDATE|TABLE)\s++\(*+\s*+)"


@functools.cache
def _mentions(name: str, *, table: bool) -> re.Pattern[bytes]:
    """Where a definition names a database: a table's foreign keys may, and views and code anywhere.

    Without quotes it is one only where a table's name is bound to stand; the same word may be an alias.
    """
    quoted_name, bare = re.escape(_quoted(name)), re.escape(name.encode())
    before = rb"(?P<before>\b(?i:REFERENCES)\s++)" if table else _WORDS_BEFORE
    either = before + rb"(?:" + quoted_name + rb"|" + bare + rb")\s*+\.\s*+(?=[`\w$])"
    anywhere = rb"" if table else rb"|" + quoted_name + rb"\s*+\.\s*+(?=[`\w$])"
    return re.compile(either + anywhere)


def _lines(data: bytes, said: bytes = b"") -> bytes:
    """``said`` with as many line breaks as ``data`` has, so that what follows keeps its line."""
    more = data.count(b"\n") - said.count(b"\n")
    return said + b"\n" * more if more >= 0 else said.replace(b"\n", b" ")


def _quoted(name: str) -> bytes:
    return quoted(name).encode()

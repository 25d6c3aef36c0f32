"""A dump's bytes split into statements, comments and what lies between, as the ``mysql`` client does it.

Strings, quoted names, comments and ``DELIMITER`` are known, so that a line inside a trigger or a text is never mistaken
for a statement. The cost is linear in the input and the memory is flat, whatever a line holds: nothing is kept but the
first :data:`LONGEST` bytes of a statement, and no pattern can go back over what it has read.

Rows make up nearly all of a dump, so their end is looked for by counting quotes up to a semicolon that ends a line; all
else is read token by token.
"""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

LONGEST = 1 << 16
"""Bytes of a statement that are given as one piece; those of a longer one follow as :attr:`Kind.REST`."""
_SHORT = 64
"""Blanks between a semicolon and the end of its line, at most, and bytes that are kept back to see what they begin."""

NAME = rb"""(?:`((?:[^`]++|``)++)`|"((?:[^"]++|"")++)"|([\w$\x80-\xff][\w$\x80-\xff-]*+))"""
"""A quoted or bare name, in three groups; see :func:`unquoted`."""
_NAME = rb"""(?:`(?:[^`]++|``)++`|"(?:[^"]++|"")++"|[\w$\x80-\xff][\w$\x80-\xff-]*+)"""


class Kind(enum.IntEnum):
    """What a piece of a dump is."""

    BLANK = 0
    COMMENT = 1
    STATEMENT = 2
    """A whole statement with its delimiter and the rest of its last line, where that is blank."""
    HEAD = 3
    """The beginning of a longer one."""
    REST = 4
    """What follows of a statement or comment whose beginning came before."""
    DELIMITER = 5
    """A line for the client, which sets what ends a statement."""
    STRAY = 6
    """A line that is no SQL: a message of the program that wrote the dump, or of one around it."""


class Piece(NamedTuple):
    """A run of a dump's bytes, and the number of the line in which it begins."""

    kind: Kind
    line: int
    data: bytes


MARK = b"\xef\xbb\xbf"
"""What some programs of Windows put before UTF-8: the client passes it over, but not where such files were joined."""
_BLANK = re.compile(rb"(?:\s++|\xef\xbb\xbf)++")
_EMPTY = re.compile(rb"(?:[\s;]++|\xef\xbb\xbf)++")
"""Of nothing but semicolons, the client makes no statement."""
_WORD = re.compile(rb"[A-Za-z_]++")
_ENDED = re.compile(rb"-- Dump (?:completed|end time)")
"""How a dump ends that says so."""
_LINE_COMMENT = re.compile(rb"(?:#|--(?=\s))[^\n]*+\n?")
_SANDBOX = re.compile(rb"/\*M?!999999\\-[^\n]*+\n?")
"""MariaDB's ``enable the sandbox mode``, a line without an end of its own that is for its own client alone."""
_BLOCK_COMMENT = re.compile(rb"/\*(?![!+])(?!M!)(?:[^*]++|\*(?!/))*+\*/(?:[ \t\r]*+\n)?")
_BLOCK_BEGIN = re.compile(rb"/\*(?![!+])(?!M!)")
_DELIMITER = re.compile(rb"delimiter[ \t]++(\S++)[^\n]*+\n?", re.IGNORECASE)
_ROWS = re.compile(
    rb"(?:INSERT|REPLACE)\s++(?:(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE)\s++)*+(?:INTO\s*+)?"
    + _NAME
    + rb"(?:\s*+\.\s*+"
    + _NAME
    + rb")?+\s*+(?:\([^()'\"]*+\)\s*+)?+VALUES?+\s*+(?=\()",
    re.IGNORECASE,
)
_QUOTE = re.compile(rb"['\"]")
_ROWS_END = re.compile(rb";[ \t\r]*+\n")
_BLANK_LINE_END = re.compile(rb"[ \t\r]*+\n")
_INSIDE = {
    b"'": re.compile(rb"(?:[^'\\]++|\\.)*+", re.DOTALL),
    b'"': re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL),
    b"`": re.compile(rb"[^`]*+"),
    b"\n": re.compile(rb"[^\n]*+"),
    b"*": re.compile(rb"(?:[^*]++|\*(?=[^/]))*+"),
}
"""How far one goes on inside a string, a name or a comment, by what ends it."""
_MESSAGE = re.compile(
    rb"(?:mysqldump|mariadb-dump|mysqlpump|mysql|mariadb|kubectl|docker|podman|oc|ssh|sudo|bash|sh|tput|stty|time)"
    rb"(?:\.exe)?: "
    rb"|Warning: |\[Warning\]|\[ERROR\]|ERROR \d+ |Defaulted container |Defaulting container |Unable to use a TTY"
    rb"|the input device is not a TTY|command terminated with |Error from server|error: "
    rb"|Connection to [^\n]{1,255} closed"
    rb"|(?:real|user|sys)[ \t]+[0-9]|\++ [a-z/.]|Exit code:? [0-9]"
    rb"|Enter password|Killed\b|Terminated\b|Segmentation fault|Broken pipe|[Pp]arameter --",
)
"""How messages of the programs around a dump begin."""
_VERBS = frozenset(
    b"""ALTER ANALYZE BEGIN BINLOG CACHE CALL CHANGE CHECK CHECKSUM CLONE COMMIT CREATE DEALLOCATE DELETE DELIMITER DESC
    DESCRIBE DO DROP EXECUTE EXPLAIN FLUSH GRANT HANDLER INSERT INSTALL KILL LOAD LOCK OPTIMIZE PREPARE PURGE RELEASE
    RENAME REPAIR REPLACE RESET REVOKE ROLLBACK SAVEPOINT SELECT SET SHOW SHUTDOWN SIGNAL START STOP TABLE TRUNCATE
    UNINSTALL UNLOCK UPDATE USE VALUES WITH XA""".split()
)
_VERBS |= {verb.lower() for verb in _VERBS}
_OPENS = (b"/*", b"(", b"\\", b"@", b":")


def unquoted(quoted: bytes | None, ansi: bytes | None, bare: bytes | None) -> str:
    """The name that the three groups of :data:`NAME` matched."""
    if quoted is not None:
        name = quoted.replace(b"``", b"`")
    else:
        name = ansi.replace(b'""', b'"') if ansi is not None else bare or b""
    return name.decode("utf-8", "replace")


def statements(blocks: Iterable[bytes]) -> Iterator[Piece]:
    """Take a dump apart; the pieces joined again are the dump. ``blocks`` may be cut anywhere."""
    splitter = Splitter()
    for block in blocks:
        yield from splitter.feed(block)
    yield from splitter.feed(b"", last=True)


class Splitter:
    """Where in a dump one is: between statements, or inside one and in what of it."""

    def __init__(self, line: int = 1) -> None:
        self._kept = b""
        self.line = line
        """The line at which the next piece begins."""
        self._delimiter = b";"
        self._begun = False
        """Whether a statement or comment came and no dump has ended since; outside, whatever is no SQL is a message."""
        self._fresh = True
        """Whether a line begins here."""
        self._inside: _Rows | _Code | None = None

    def feed(self, block: bytes, *, last: bool = False) -> Iterator[Piece]:
        """The pieces that are complete with ``block``; ``last`` says that nothing more comes."""
        data = self._kept + block if self._kept else block
        at = 0
        while at < len(data):
            if self._inside is None:
                kind, end = self._begin(data, at, last)
            else:
                kind = Kind.REST
                end, done = self._inside.go_on(data, at, last)
                if done:
                    self._inside = None
                    end = _through_line(data, end)
            if end == at:
                break
            piece = data[at:end]
            yield Piece(kind, self.line, piece)
            self.line += piece.count(b"\n")
            self._fresh = (self._fresh or b"\n" in piece) if kind is Kind.BLANK else piece.endswith(b"\n")
            at = end
        self._kept = data[at:]

    def _begin(self, data: bytes, at: int, last: bool) -> tuple[Kind, int]:
        """What begins at ``at`` and where it ends; ``at`` itself when more of the dump has to be seen first."""
        if blank := (_EMPTY if self._delimiter == b";" else _BLANK).match(data, at):
            return Kind.BLANK, blank.end()
        if not last and len(data) - at < _SHORT and b"\n" not in data[at:]:
            return Kind.BLANK, at
        far = last or len(data) - at >= LONGEST
        word = _WORD.match(data, at)
        if not word or word[0] not in _VERBS:
            if sandbox := _SANDBOX.match(data, at):
                return self._comment(sandbox.end(), data.endswith(b"\n", at, sandbox.end()) or last, b"\n", at, far)
            if comment := _LINE_COMMENT.match(data, at):
                done = data.endswith(b"\n", at, comment.end()) or last
                return self._comment(comment.end(), done, b"\n", at, far, ended=bool(_ENDED.match(data, at)))
            if _BLOCK_BEGIN.match(data, at):
                comment = _BLOCK_COMMENT.match(data, at)
                return self._comment(comment.end() if comment else len(data), bool(comment) or last, b"*", at, far)
            if self._stray(data, at):
                end = data.find(b"\n", at) + 1 or len(data)
                return Kind.STRAY, end if data.endswith(b"\n", at, end) or far else at
        elif self._fresh and (client := _DELIMITER.match(data, at)):
            if not (data.endswith(b"\n", at, client.end()) or far):
                return Kind.DELIMITER, at
            self._delimiter = client[1][:_SHORT]
            return Kind.DELIMITER, client.end()
        self._begun = True
        return self._statement(data, at, last, far)

    def _comment(
        self, end: int, done: bool, closing: bytes, at: int, far: bool, *, ended: bool = False
    ) -> tuple[Kind, int]:
        if not done and not far:
            return Kind.COMMENT, at
        if not done:
            self._inside = _Code(b"\n" if closing == b"\n" else b"", closing, ends_with_token=True)
            end -= 1 if closing == b"*" else 0  # it may be the first half of what closes it
        self._begun = not ended
        return Kind.COMMENT, end

    def _stray(self, data: bytes, at: int) -> bool:
        if not self._fresh:
            return False
        return bool(_MESSAGE.match(data, at)) or not (
            self._begun or data.startswith(self._delimiter, at) or is_sql(data, at)
        )

    def _statement(self, data: bytes, at: int, last: bool, far: bool) -> tuple[Kind, int]:
        rows = _ROWS.match(data, at, at + LONGEST) if self._delimiter == b";" else None
        inside: _Rows | _Code = _Rows() if rows else _Code(self._delimiter)
        end, done = inside.go_on(data, rows.end() if rows else at, last)
        if done:
            return Kind.STATEMENT, _alike(data, at, rows.end(), end) if rows else _through_line(data, end)
        if not far:
            return Kind.STATEMENT, at
        self._inside = inside
        return (Kind.STATEMENT if last else Kind.HEAD), end


class _Rows:
    """The rows of an INSERT: they end at a semicolon that ends its line and is in no string."""

    def __init__(self) -> None:
        self._quote = b""
        self._open = False
        self._escaped = False

    @property
    def is_open(self) -> bool:
        """Whether a string has begun and not ended."""
        return self._open

    def go_on(self, data: bytes, at: int, last: bool) -> tuple[int, bool]:
        """How far of ``data`` is known to belong to the rows, and whether they end there."""
        while end := _ROWS_END.search(data, at):
            self.count(data, at, end.start())
            if not self._open:
                return end.end(), True
            at = self._close(data, end.end())
            if self._open:
                return (len(data), True) if last else (at, False)
        if last:
            self.count(data, at, len(data))
            return len(data), True
        kept = max(at, len(data) - _SHORT)
        semicolon = data.rfind(b";", kept)
        until = semicolon if semicolon >= 0 and not data[semicolon + 1 :].strip(b" \t\r") else len(data)
        self.count(data, at, until)
        return until, False

    def _close(self, data: bytes, at: int) -> int:
        """Behind the current string, or as far as it goes in ``data``: it may hold many lines that look like an end."""
        self._escaped = False
        end = _INSIDE[self._quote].match(data, at).end()  # type: ignore[union-attr] # it matches nothing, too
        self._open = not data.startswith(self._quote, end)
        return end if self._open else end + 1

    def count(self, data: bytes, at: int, until: int) -> None:
        """Take the quotes of a run into account. The first string shows which kind is used."""
        if self._escaped and at < until:
            at += 1
        if not self._quote:
            first = _QUOTE.search(data, at, until)
            if not first:
                self._escaped = False
                return
            self._quote = first[0]
        count = data.count(self._quote, at, until)
        self._escaped = False
        if data.find(b"\\", at, until) >= 0:
            run = data[at:until]
            if b"\\\\" in run:
                run = run.replace(b"\\\\", b"")
            count -= run.count(b"\\" + self._quote)
            self._escaped = run.endswith(b"\\")
        self._open ^= bool(count % 2)


class _Code:
    """A statement token by token, up to its delimiter, or one long comment up to its end."""

    def __init__(self, delimiter: bytes, token: bytes = b"", *, ends_with_token: bool = False) -> None:
        self._delimiter = delimiter
        self._token = token
        self._ends_with_token = ends_with_token

    def go_on(self, data: bytes, at: int, last: bool) -> tuple[int, bool]:
        """How far of ``data`` is known to belong to it, and whether it ends there."""
        while at < len(data):
            if self._token:
                at, open_ = self._token_end(data, at, last)
                if open_:
                    return at, last
                if self._ends_with_token:
                    return at, True
                continue
            at = _code(self._delimiter).match(data, at).end()  # type: ignore[union-attr] # it matches nothing, too
            if at == len(data):
                break
            if data.startswith(self._delimiter, at):
                return at + len(self._delimiter), True
            if not last and len(data) - at < _SHORT and data[at : at + 1] not in (b"'", b'"', b"`", b"#"):
                return at, False
            begun, self._token = _begun(data, at)
            at += begun or 1
        return at, last

    def _token_end(self, data: bytes, at: int, last: bool) -> tuple[int, bool]:
        """Behind the end of the current string or comment, or how far it is known, and whether it is still open."""
        end = _INSIDE[self._token].match(data, at).end()  # type: ignore[union-attr] # it matches nothing, too
        closing = b"*/" if self._token == b"*" else self._token
        if data.startswith(closing, end):
            self._token = b""
            return end + len(closing), False
        return len(data) if last else end, True


def is_message(line: bytes) -> bool:
    """Whether a line begins as messages of the programs around a dump do."""
    return bool(_MESSAGE.match(line))


def is_sql(data: bytes, at: int = 0) -> bool:
    """Whether what begins there begins as a statement does."""
    return data.startswith(_OPENS, at) or _word(data, at) in _VERBS


def _word(data: bytes, at: int) -> bytes:
    word = _WORD.match(data, at)
    return word[0].upper() if word else b""


@functools.lru_cache(maxsize=64)
def _same(head: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?:" + re.escape(head) + rb"[^\n]*+(?<=\);)\n)++")


def _alike(data: bytes, at: int, rows: int, end: int) -> int:
    """Behind the lines that insert a row each into the same table as the one from ``at`` to ``end`` does.

    A dump without extended inserts has a statement for each row, and nothing in those says more than the first.
    """
    head = data[at:rows]
    more = _same(head).match(data, end) if len(head) < _SHORT * 4 and b"." not in head else None
    if not more:
        return end
    together = _Rows()
    together.count(data, end, more.end())
    return end if together.is_open else more.end()


def _begun(data: bytes, at: int) -> tuple[int, bytes]:
    """How many bytes begin a string or comment at ``at``, and its kind; none for any other byte."""
    first = data[at : at + 1]
    if first in (b"'", b'"', b"`"):
        return 1, first
    if first == b"#":
        return 1, b"\n"
    if data.startswith(b"--", at) and data[at + 2 : at + 3].isspace():
        return 2, b"\n"
    return (2, b"*") if _BLOCK_BEGIN.match(data, at) else (0, b"")


@functools.lru_cache(maxsize=16)
def _code(delimiter: bytes) -> re.Pattern[bytes]:
    """Whatever of a statement can be passed over: whole strings, names and comments, and all but the delimiter."""
    first = re.escape(delimiter[:1])
    stop = rb"(?!" + re.escape(delimiter) + rb")" if delimiter else b""
    plain = rb"[^'\"`#/\-" + first + rb"]++"
    return re.compile(
        rb"(?:"
        + plain
        + rb"|'(?:[^'\\]++|\\.)*+'|\"(?:[^\"\\]++|\\.)*+\"|`[^`]*+`|#[^\n]*+\n|--(?=\s)[^\n]*+\n"
        + rb"|/\*(?=[^!+M]|M[^!])(?:[^*]++|\*(?!/))*+\*/|"
        + stop
        + rb"(?:-(?=[^-]|-\S)|/(?=[^*])|/\*(?=[!+]|M!)|"
        + (first + rb"(?=.{" + str(max(1, len(delimiter) - 1)).encode() + rb"})" if len(delimiter) > 1 else rb"(?!)")
        + rb"))*+",
        re.DOTALL,
    )


def _through_line(data: bytes, end: int) -> int:
    """Behind the blanks and the line break that follow a statement's delimiter, where they do."""
    rest = _BLANK_LINE_END.match(data, end)
    return rest.end() if rest else end

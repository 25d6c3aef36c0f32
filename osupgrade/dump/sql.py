"""What the statements of a dump look like: enough of each to know what it is about, and never more than its beginning.

Every pattern is possessive: none can go back over what it has read, so a line of blanks costs no more than any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from osupgrade.dump.statements import NAME, unquoted

VERSION_TABLES = {"migrate_version": ("version", 2), "alembic_version": ("version_num", 0)}
"""The tables in which migration tools write where a database is: the column, and its place where rows name none."""

_VERB = re.compile(rb"(?:/\*M?!\d*+\s*+)?([A-Za-z]++)")
_IF = rb"(?:(?:/\*!\d*+\s*+)?IF\s++(?:NOT\s++)?EXISTS\s*+(?:\*/\s*+)?)?+"
_QUALIFIED = NAME + rb"(?:\s*+\.\s*+" + NAME + rb")?+"
_WRAP = rb"(?:/\*M?!\d*+\s*+)?+"

CREATE_TABLE = re.compile(rb"CREATE\s++(?:OR\s++REPLACE\s++)?+TABLE\s*+" + _IF + _QUALIFIED, re.IGNORECASE)
"""Not those in executable comments, which only hold the place of a view."""
CREATE_DATABASE = re.compile(_WRAP + rb"CREATE\s++(?:DATABASE|SCHEMA)\s*+" + _IF + NAME + rb"([^;\\]*+)", re.IGNORECASE)
ALTER_DATABASE = re.compile(_WRAP + rb"ALTER\s++(?:DATABASE|SCHEMA)\s*+" + NAME, re.IGNORECASE)
DROP_DATABASE = re.compile(_WRAP + rb"DROP\s++(?:DATABASE|SCHEMA)\b\s*+" + _IF + NAME, re.IGNORECASE)
USE = re.compile(rb"USE\b\s*+" + NAME + rb"\s*+\Z", re.IGNORECASE)
INSERT = re.compile(
    rb"(?:INSERT|REPLACE)\b\s*+(?:(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE)\s++)*+(?:INTO\b\s*+)?+"
    + _QUALIFIED
    + rb"\s*+(?:\(([^()'\"]*+)\))?+",
    re.IGNORECASE,
)
DELAYED = re.compile(rb"((?:INSERT|REPLACE)\s)\s*+DELAYED\s++", re.IGNORECASE)
"""How mysqldump's ``--delayed-insert`` begins a statement."""
QUALIFIED = re.compile(
    _WRAP
    + rb"(?:INSERT|REPLACE|CREATE|ALTER|DROP|LOCK|TRUNCATE|ANALYZE|OPTIMIZE|DELETE|UPDATE)\b\s*+"
    + rb"(?:(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE|INTO|OR|REPLACE|TABLES?|VIEW|FROM|IF|NOT|EXISTS|ONLY)\b\s*+)*+"
    + rb"(?P<database>"
    + NAME
    + rb")\s*+\.\s*+(?=[`\"\w$\x80-\xff])",
    re.IGNORECASE,
)
"""A statement about a table of a database that it names."""
DROP_TABLE = re.compile(_WRAP + rb"DROP\s++TABLE\s*+" + _IF + _QUALIFIED, re.IGNORECASE)
VIEW = re.compile(_WRAP + rb"(?:CREATE|ALTER)\b[^`\"'();]*?\bVIEW\s++" + _QUALIFIED, re.IGNORECASE)
"""A view's definition, its definer without quotes."""
SOURCE = re.compile(rb"\b(?:FROM|JOIN)\s*+[(\s]*+" + _QUALIFIED, re.IGNORECASE)
"""From where a view reads, or what a function that has the word FROM takes; see :data:`WITHIN`."""
WITHIN = re.compile(rb"\b(?:EXTRACT|TRIM|SUBSTR\w*+)\s*+\([^()]*+\Z", re.IGNORECASE)
DEFINER = re.compile(
    rb"DEFINER\s*+=\s*+(?:`(?:[^`]++|``)*+`|'[^']*+'|\w++)\s*+@\s*+(?:`(?:[^`]++|``)*+`|'[^']*+'|[\w.%-]++)",
    re.IGNORECASE,
)
ACCOUNTS = re.compile(
    _WRAP
    + rb"(?:GRANT\s|REVOKE\s|FLUSH\s++PRIVILEGES|SET\s++PASSWORD\b|(?:CREATE|ALTER|DROP|RENAME)\s++(?:USER|ROLE)\s"
    rb"|SET\s++(?:DEFAULT\s++)?ROLE\b)",
    re.IGNORECASE,
)
"""Statements about the server's accounts, which no dump of databases needs."""
REPLICATION = re.compile(
    _WRAP + rb"(?:CHANGE\s++(?:MASTER|REPLICATION)\b|(?:START|STOP|RESET)\s++(?:ALL\s++)?(?:SLAVES?|REPLICAS?|MASTER"
    rb"|GROUP_REPLICATION)\b|PURGE\s++(?:BINARY|MASTER)\b|SET\s++(?:@@)?(?:(?:GLOBAL|SESSION|LOCAL)[\s.]\s*+)?+(?:GTID_\w++"
    rb"|SQL_LOG_BIN|INNODB_STATS_AUTO_RECALC)\s*+:?=)",
    re.IGNORECASE,
)
"""Statements about the server's place among others, of every era, and mysqlpump's about the server's statistics."""
SERVER = re.compile(
    _WRAP + rb"(?:FLUSH\s|RESET\s|SET\s++(?:@@)?(?:GLOBAL|PERSIST(?:_ONLY)?)[\s.]"
    rb"|SET\s++(?:@@)?(?:(?:SESSION|LOCAL)[\s.]\s*+)?+(?:WSREP_\w++|PSEUDO_(?:SLAVE|REPLICA)_MODE)\s*+:?=)",
    re.IGNORECASE,
)
"""Statements about the whole server, which the account that restores must not set; a survey tells how it is set up."""
TIME_ZONE = re.compile(rb"\bTIME_ZONE\s*+:?=\s*+['\"]([A-Za-z][\w+/-]{0,63})['\"]", re.IGNORECASE)
"""A time zone by its name, not by its offset."""
AUTOCOMMIT = re.compile(rb"\bAUTOCOMMIT\s*+:?=\s*+(0|OFF)?", re.IGNORECASE)
DIRECTORY = re.compile(rb"\b(?:DATA|INDEX)\s++DIRECTORY\s*+=?+\s*+'(?:[^'\\]++|\\.|'')*+'", re.IGNORECASE | re.DOTALL)
"""Where a table's files lie on the server that it comes from."""
ENGINE = re.compile(rb"\)\s*+(?:/\*!\d*+\s*+TABLESPACE\s[^*]*+\*/\s*+)?ENGINE\s*+=?+\s*+(\w++)", re.IGNORECASE)
SET_NAMES = re.compile(rb"SET\s++NAMES\s*+['\"]?+(\w++)", re.IGNORECASE)
"""Not of ``SET character_set_client``, which comes with each table's definition and says nothing of its rows."""
CHARSET = re.compile(rb"(?:CHARACTER\s++SET|CHARSET)\s*+=?+\s*+(\w++)", re.IGNORECASE)
COLLATION = re.compile(rb"\b(?:COLLATE\s*+=?+|collation_\w++\s*+=)\s*+['\"`]?+(\w++)", re.IGNORECASE)
KEYS_OFF = re.compile(rb"(?:@@)?(?:SESSION\s++|SESSION\.)?FOREIGN_KEY_CHECKS\s*+:?=\s*+(?:0|OFF)", re.IGNORECASE)
NAVICATS_KEYS = re.compile(rb"SET FOREIGN_KEY_CHECKS = ([01])")
"""As its later versions write it; the earlier ones, without blanks, do not switch them on again."""
SAVED = re.compile(rb"@(OLD_\w++)\s*+:?=\s*+@@", re.IGNORECASE)
SET_BACK = re.compile(rb"=\s*+(?:IFNULL\s*+\(\s*+)?@(OLD_\w++)", re.IGNORECASE)
REFERENCES = re.compile(rb"\bREFERENCES\s++" + _QUALIFIED, re.IGNORECASE)
FOREIGN_KEY = re.compile(rb"\bFOREIGN\s++KEY\b", re.IGNORECASE)
BINARY_COLUMN = re.compile(rb"[(,]\s*+(?:`[^`\n]*+`|\w++)\s++(?:\w*blob\b|(?:var)?binary\s*+\(|bit\b)", re.IGNORECASE)

_VALUES = re.compile(rb"\bVALUES?\s*+(?=\()", re.IGNORECASE)
_VALUE = re.compile(
    rb"\s*+(?:_\w++\s*+)?+(?:'((?:[^'\\]++|\\.|'')*+)'|\"((?:[^\"\\]++|\\.|\"\")*+)\"|([^\s,()'\"]++))\s*+([,)])",
    re.DOTALL,
)
_HEXADECIMAL = re.compile(rb"0x((?:[0-9A-Fa-f]{2})++)")
_ROW = re.compile(rb"\s*+,?+\s*+\(")
_NEXT = re.compile(rb"\s*+;\s*+(?:INSERT|REPLACE)\b[^;'\"]*?\bVALUES?\s*+\(", re.IGNORECASE)
"""Another statement of the same kind, where each row has its own."""


def verb(data: bytes) -> bytes:
    """A statement's first word in upper case, also of one in an executable comment."""
    word = _VERB.match(data)
    return word[1].upper() if word else b""


def first_name(match: re.Match[bytes], group: int = 1) -> str:
    """The name that three groups from ``group`` on matched; see :data:`~osupgrade.dump.statements.NAME`."""
    return unquoted(*match.group(group, group + 1, group + 2))


def table_of(match: re.Match[bytes]) -> tuple[str, str]:
    """Database (empty where it is not named) and table of a match of a qualified name."""
    second = unquoted(*match.group(4, 5, 6))
    return (first_name(match), second) if second else ("", first_name(match))


def bare(statement: bytes, delimiter: bytes = b";") -> bytes:
    """A statement without its delimiter and the blanks around it."""
    return statement.strip().removesuffix(delimiter).rstrip()


def versions(statement: bytes, table: str, columns: bytes | None) -> Iterator[str]:
    """What the rows of an INSERT into a version table say, as far as they are in ``statement``."""
    column, place = VERSION_TABLES[table]
    if columns is not None:
        names = [name.strip(b'`" \t\r\n').decode("utf-8", "replace").lower() for name in columns.split(b",")]
        if column not in names:
            return
        place = names.index(column)
    values = _VALUES.search(statement)
    at = values.end() if values else len(statement)
    while row := _ROW.match(statement, at) or _NEXT.match(statement, at):
        at, cells, closed = row.end(), [], False
        while not closed and (cell := _VALUE.match(statement, at)):
            cells.append(_plain(*cell.group(1, 2, 3)))
            at, closed = cell.end(), cell[4] == b")"
        if not closed or place >= len(cells):
            return
        yield cells[place].decode("utf-8", "replace")


def _plain(single: bytes | None, double: bytes | None, bare_text: bytes | None) -> bytes:
    """A value as it is stored; a string may stand there as its bytes in hexadecimal digits."""
    text = next(text for text in (single, double, bare_text) if text is not None)
    digits = _HEXADECIMAL.fullmatch(text) if bare_text is not None else None
    return bytes.fromhex(digits[1].decode()) if digits else text

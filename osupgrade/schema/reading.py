"""Reading the schema of one database in a handful of bulk queries.

What MySQL and MariaDB of different versions only *show* differently is made the same here, so that comparing two
schemas never finds it: integer display widths, the quoting of defaults, ``current_timestamp()``, utf8mb3, ``NO
ACTION``, the row format that is the server's default, and the ``CHECK (flag IN (0, 1))`` that SQLAlchemy writes
for every Boolean and only MariaDB keeps.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy

from osupgrade.lab.sql_server import SqlServer, send
from osupgrade.model.errors import UsageFault
from osupgrade.model.quoting import quoted
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Check, Column, ForeignKey, Index, Routine, Table, Trigger, View

Rows = Callable[[str, Sequence[Any]], Sequence[Sequence[Any]]]
"""Runs a query with its parameters and returns the rows: all that reading a schema asks of a database."""

QUERIES: Mapping[str, str] = {
    "server": "SELECT VERSION(), %s",
    "database": (
        "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA "
        "WHERE SCHEMA_NAME = %s"
    ),
    "tables": (
        "SELECT TABLE_NAME, ENGINE, ROW_FORMAT, TABLE_COLLATION, AUTO_INCREMENT, CREATE_OPTIONS "
        "FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'BASE TABLE'"
    ),
    "columns": (
        "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, COLLATION_NAME "
        "FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME, ORDINAL_POSITION"
    ),
    "indexes": (
        "SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, INDEX_TYPE, COLUMN_NAME, SUB_PART "
        "FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"
    ),
    "key columns": (
        "SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, "
        "REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE "
        "WHERE TABLE_SCHEMA = %s AND REFERENCED_TABLE_NAME IS NOT NULL "
        "ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION"
    ),
    "rules": (
        "SELECT TABLE_NAME, CONSTRAINT_NAME, UPDATE_RULE, DELETE_RULE FROM information_schema.REFERENTIAL_CONSTRAINTS "
        "WHERE CONSTRAINT_SCHEMA = %s"
    ),
    "triggers": (
        "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_STATEMENT "
        "FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s"
    ),
    "views": "SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = %s",
    "routines": (
        "SELECT ROUTINE_NAME, ROUTINE_TYPE, ROUTINE_DEFINITION FROM information_schema.ROUTINES "
        "WHERE ROUTINE_SCHEMA = %s"
    ),
}
"""Every query takes the database's name as a literal: MySQL 5.6 then opens the tables of that database alone."""

CHECKS = (
    "SELECT TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS "
    "WHERE CONSTRAINT_SCHEMA = %s"
)
"""Only MariaDB 10.2 and later know it with these columns."""
MYSQL_CHECKS = (
    "SELECT t.TABLE_NAME, c.CONSTRAINT_NAME, c.CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS c "
    "JOIN information_schema.TABLE_CONSTRAINTS t ON t.CONSTRAINT_SCHEMA = c.CONSTRAINT_SCHEMA "
    "AND t.CONSTRAINT_NAME = c.CONSTRAINT_NAME AND t.CONSTRAINT_TYPE = 'CHECK' WHERE c.CONSTRAINT_SCHEMA = %s"
)
"""MySQL's, since 8.0.16; a constraint's name is unique in its database there."""
_MYSQL_HAS_CHECKS = (8, 0, 16)


_WIDTH = re.compile(r"\A((?:small|medium|big)?int|tinyint)\((\d+)\)|\A(year)\(4\)")
_BOOLEAN = re.compile(r"\(?`?\w+`? in \(0, ?1\)\)?", re.IGNORECASE)
_COMPARED = re.compile(r"(?<![\w`])\(([^()]*[<>=][^()]*)\)(?= and | or |\Z)")
"""A comparison in parentheses that is one of several."""
_QUOTED = re.compile(r"'(.*)'", re.DOTALL)
_COUNTER = re.compile(r" AUTO_INCREMENT=\d+")


def read_schema(server: SqlServer, database: str) -> Schema:
    """The schema of one of the lab's databases."""
    return read_with(lambda sql, parameters: server.rows("", sql, parameters), database)


def read_connection(connection: sqlalchemy.Connection, database: str) -> Schema:
    """The schema of a database behind any SQLAlchemy connection; nothing but SELECT is sent."""
    return read_with(lambda sql, args: [tuple(row) for row in send(connection, sql, args)], database)


def read_with(rows: Rows, database: str) -> Schema:
    """The schema of ``database`` through any way to run a query; raises UsageFault when there is no such database."""
    found = {name: rows(sql, (database,)) for name, sql in QUERIES.items()}
    if is_mariadb(found):
        found["checks"] = rows(CHECKS, (database,))
    elif _version(found) >= _MYSQL_HAS_CHECKS:
        found["checks"] = rows(MYSQL_CHECKS, (database,))
    return assemble(found, database)


def is_mariadb(found: Mapping[str, Sequence[Sequence[Any]]]) -> bool:
    """Whether the rows of QUERIES came from a MariaDB."""
    return "mariadb" in _text(found["server"][0][0]).lower()


def _version(found: Mapping[str, Sequence[Sequence[Any]]]) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", _text(found["server"][0][0]))[:3])


def assemble(found: Mapping[str, Sequence[Sequence[Any]]], database: str) -> Schema:
    """The schema that the rows of QUERIES (and CHECKS) describe. Pure; raises UsageFault without a database."""
    if not found["database"]:
        raise UsageFault(f"there is no database {database!r}, or this account may not see it")
    mariadb = is_mariadb(found)
    collations = {row[0]: collation_of(row[3]) for row in found["tables"]}
    columns: dict[str, list[Column]] = defaultdict(list)
    for table, name, kind, nullable, default, extra, collation in found["columns"]:
        columns[table].append(
            Column(
                name=name,
                type=_type(_text(kind)),
                nullable=nullable == "YES",
                default=_default(default, _text(kind), mariadb),
                extra=_extra(_text(extra)),
                collation=collation_of(collation),
            )
        )
    indexes, keys = _indexes(found["indexes"]), _foreign_keys(found["key columns"], found["rules"], database)
    checks: dict[str, list[Check]] = defaultdict(list)
    for table, name, shown in found.get("checks", ()):
        clause = _text(shown) if mariadb else _clause(_text(shown))
        if not _BOOLEAN.fullmatch(clause) and not clause.startswith("json_valid("):
            checks[table].append(Check(name, clause))
    tables = [
        Table(
            name=name,
            columns=tuple(columns[name]),
            indexes=tuple(indexes[name]),
            foreign_keys=tuple(sorted(keys[name], key=lambda key: key.name)),
            checks=tuple(sorted(checks[name], key=lambda check: check.name)),
            engine=engine or "",
            collation=collations[name],
            row_format=_row_format(_text(row_format), _text(options)),
        )
        for name, engine, row_format, _, _, options in found["tables"]
    ]
    own = f"{quoted(database)}."
    return Schema(
        tables=tuple(sorted(tables, key=lambda table: table.name)),
        views=tuple(sorted((View(n, _text(d).replace(own, "")) for n, d in found["views"]), key=lambda v: v.name)),
        triggers=tuple(
            sorted((Trigger(n, t, when, e, _text(b)) for n, t, when, e, b in found["triggers"]), key=lambda t: t.name)
        ),
        routines=tuple(sorted((Routine(n, k, _text(b)) for n, k, b in found["routines"]), key=lambda r: r.name)),
        collation=collation_of(found["database"][0][1]),
        counters=tuple(sorted((row[0], int(row[4])) for row in found["tables"] if row[4] is not None)),
    )


def ddl(server: SqlServer, database: str) -> str:
    """The schema as the server itself states it (SHOW CREATE), sorted, without AUTO_INCREMENT, for people to read."""
    with server.session(database) as connection:
        kinds = send(connection, "SHOW FULL TABLES").all()
        text = []
        for name, kind in sorted(tuple(row) for row in kinds):
            word = "VIEW" if kind == "VIEW" else "TABLE"
            statement = str(tuple(send(connection, f"SHOW CREATE {word} {quoted(name)}").one())[1])
            head, _, options = statement.rpartition("\n)")
            text.append(f"{head}\n){_COUNTER.sub('', options)};\n" if head else f"{statement};\n")
        triggers = sorted(tuple(row) for row in send(connection, "SHOW TRIGGERS"))
    text += [f"CREATE TRIGGER {quoted(r[0])} {r[4]} {r[1]} ON {quoted(r[2])} FOR EACH ROW {r[3]};\n" for r in triggers]
    return "\n".join(text)


def collation_of(shown: object) -> str:
    """A collation's name as servers of all versions should show it; empty for none."""
    return re.sub(r"\Autf8mb3(?=_|\Z)", "utf8", _text(shown))


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _type(shown: str) -> str:
    """``int(11)`` is ``int``; ``tinyint(1)`` stays, because it distinguishes a Boolean from a small number."""
    match = _WIDTH.match(shown)
    if match is None or (match[1] == "tinyint" and match[2] == "1"):
        return shown
    return (match[1] or match[3]) + shown[match.end() :]


def _clause(shown: str) -> str:
    """A check as MariaDB shows it: MySQL names the character set of each literal, and puts each part in parentheses."""
    text = re.sub(r"_utf8mb[34]\\'(.*?)\\'", r"'\1'", shown)
    text = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    return _COMPARED.sub(r"\1", text)


def _default(shown: object, kind: str, mariadb: bool) -> str | None:
    if shown is None:
        return None
    text = _text(shown)
    if kind.startswith(("timestamp", "datetime")) and text.lower() in ("current_timestamp", "current_timestamp()"):
        return "CURRENT_TIMESTAMP"
    if not mariadb:
        return text
    if text == "NULL":
        return None
    match = _QUOTED.fullmatch(text)
    return match[1].replace("''", "'").replace("\\\\", "\\") if match else text


def _extra(shown: str) -> str:
    return shown.lower().replace("default_generated", "").replace("()", "").strip()


def _row_format(shown: str, options: str) -> str:
    """The row format that somebody asked for, or that is no server's default; empty for Compact and Dynamic as such."""
    asked = re.search(r"row_format=(\w+)", options, re.IGNORECASE)
    if asked:
        return asked[1].upper()
    return shown.upper() if shown in ("Redundant", "Compressed") else ""


def _indexes(rows: Sequence[Sequence[Any]]) -> dict[str, list[Index]]:
    parts: dict[tuple[str, str, bool, str], list[tuple[str, int]]] = defaultdict(list)
    for table, name, non_unique, kind, column, prefix in rows:
        parts[(table, name, not int(non_unique), kind)].append((column, int(prefix or 0)))
    found: dict[str, list[Index]] = defaultdict(list)
    for (table, name, unique, kind), columns in sorted(parts.items()):
        found[table].append(Index(name, tuple(columns), unique, kind))
    return found


def _foreign_keys(
    columns: Sequence[Sequence[Any]], rules: Sequence[Sequence[Any]], database: str
) -> dict[str, list[ForeignKey]]:
    by_name = {(table, name): (_rule(update), _rule(delete)) for table, name, update, delete in rules}
    grouped: dict[tuple[str, str], list[Sequence[Any]]] = defaultdict(list)
    for row in columns:
        grouped[(row[0], row[1])].append(row)
    found: dict[str, list[ForeignKey]] = defaultdict(list)
    for (table, name), parts in grouped.items():
        own, _, schema, target, _ = zip(*((r[2], r[1], r[3], r[4], r[5]) for r in parts), strict=True)
        update, delete = by_name.get((table, name), ("RESTRICT", "RESTRICT"))
        away = "" if schema[0] == database else schema[0]
        found[table].append(ForeignKey(name, tuple(own), target[0], tuple(r[5] for r in parts), update, delete, away))
    return found


def _rule(shown: object) -> str:
    rule = _text(shown)
    return "RESTRICT" if rule == "NO ACTION" else rule

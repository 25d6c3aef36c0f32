"""Triggers, views, routines and events of restored databases: the operator's own text, of which only structure stays.

An upgrade stops at a trigger or a view that names what it drops, so a sanitized dump should have it. One whose text
consists of names, keywords and small numbers is made again with the site's own names masked, labels and variables
too. One with a text, a comment or a long number in it is left out, and so is every routine and event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pymysql

from osupgrade.dump.columns import connected
from osupgrade.dump.mask.ddl import Rewriter
from osupgrade.dump.mask.names import Names
from osupgrade.dump.mask.tokens import Token, tokens_of
from osupgrade.dump.mask.values import SMALL
from osupgrade.dump.mask.words import WORDS
from osupgrade.lab.database import DatabaseServer
from osupgrade.model.quoting import quoted

_PLAIN = re.compile(r"\w+(?:\.\d+)?|[-+*/%<>=!().,;:&|^~]|@+", re.ASCII)
"""Tokens that hide nothing: words, operators, numbers."""


@dataclass(frozen=True)
class Code:
    """One of them. ``sql`` makes it again; empty where it must not stay. ``text`` is all that is the operator's."""

    kind: str
    name: str
    sql: str = ""
    text: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def code_of(server: DatabaseServer, database: str, names: Names, databases: Mapping[str, str]) -> Iterator[Code]:
    """All code of a database, views after the triggers; ``databases`` says what databases are called in the copy."""
    triggers = (
        "SELECT trigger_name, action_timing, event_manipulation, event_object_table, action_statement "
        "FROM information_schema.triggers WHERE trigger_schema = %s ORDER BY trigger_name"
    )
    mask = names.mask
    for name, timing, event, table, statement in server.rows("", triggers, (database,)):
        body = masked_code(statement, names, databases)
        head = f"CREATE TRIGGER {quoted(mask(name))} {timing} {event} ON {quoted(mask(table))} FOR EACH ROW "
        yield Code("trigger", name, head + body if body else "", f"{name} {statement}")
    views = (
        "SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = %s ORDER BY table_name"
    )
    for name, definition in server.rows("", views, (database,)):
        body = masked_code(definition or "", names, databases)
        made = f"CREATE VIEW {quoted(mask(name))} AS {body}" if body else ""
        yield Code("view", name, made, f"{name} {definition}")
    for kind, sql in (
        ("event", "SELECT event_name, event_definition FROM information_schema.events WHERE event_schema = %s"),
        ("procedure", _routines("PROCEDURE")),
        ("function", _routines("FUNCTION")),
        ("sequence", _sequences()),
    ):
        for name, text in server.rows("", sql, (database,)):
            yield Code(kind, name, text=f"{name} {text}")


def masked_code(text: str, names: Names, databases: Mapping[str, str]) -> str:
    """The text of a trigger or a view with the site's own names masked; empty where it says more than names do."""
    tokens = tokens_of(text)
    if not tokens or any(_says(token) for token in tokens):
        return ""
    nothing = Token("", "")
    for before, token, after in zip([nothing, *tokens], tokens, [*tokens[1:], nothing], strict=False):
        # A function or a procedure of the site's own is not there any more.
        called = after.text == "(" and re.match(r"[\w`]", token.text) and before.upper != "INTO"
        if token.upper == "CALL" or (called and not _is_known(token, names)):
            return ""
        if token.text == "-" and after.text == "-" and not after.space:  # a comment
            return ""
    return Rewriter("", names, _NO_LITERALS, databases).expression(tokens, anywhere=True) or ""


def _says(token: Token) -> bool:
    if token.is_name:
        return False
    return _PLAIN.fullmatch(token.text) is None or (token.text[:1].isdigit() and len(token.text) > SMALL)


def _is_known(token: Token, names: Names) -> bool:
    """Whether what comes before a parenthesis is SQL's, or a table's name before its columns."""
    return token.text.lower() in WORDS or names.knows(token.bare if token.is_name else token.text)


class _NoLiterals:
    """There are only small numbers left."""

    def default(self, _column: str, value: str) -> str | None:
        return value

    def member(self, _column: str, value: str) -> str:
        return value

    def text(self, value: str) -> str:
        return value

    def number(self, value: str) -> str:
        return value


_NO_LITERALS = _NoLiterals()


def put_code(server: DatabaseServer, database: str, code: Iterable[Code]) -> tuple[Code, ...]:
    """Make into a masked copy what may stay; returns those that were left out.

    A view that reads another one waits for it, and is left out where that is.
    """
    found = list(code)
    waiting = [each for each in found if each.sql]
    with connected(server, database) as connection, connection.cursor() as cursor:
        done = True
        while waiting and done:
            done = False
            for each in list(waiting):
                try:
                    cursor.execute(each.sql)
                except pymysql.MySQLError:  # what it needs is not there, or not yet
                    continue
                waiting.remove(each)
                done = True
    return tuple(each for each in found if not each.sql or each in waiting)


def _routines(kind: str) -> str:
    return (
        "SELECT routine_name, CONCAT_WS(' ', routine_definition, routine_comment) FROM information_schema.routines "
        f"WHERE routine_schema = %s AND routine_type = '{kind}'"
    )


def _sequences() -> str:
    return "SELECT table_name, '' FROM information_schema.tables WHERE table_schema = %s AND table_type = 'SEQUENCE'"

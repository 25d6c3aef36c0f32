"""Triggers, views, routines and events of restored databases: the operator's own text, of which only structure stays.

An upgrade stops at a trigger or a view that names what it drops, so a sanitized dump should have it. One whose text is
made of names and keywords alone says no more than the tables' own names do; one with a text, a comment or a long number
in it is taken out, and so is every routine and event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pymysql

from osupgrade.dump.columns import connected
from osupgrade.lab.database import DatabaseServer
from osupgrade.model.quoting import quoted

_SAYS = re.compile(r"""['"#]|--|/\*|\b0x|\b\d{4,}|[^\x00-\x7f]""", re.IGNORECASE)
"""What an operator's own words or values stand in; a view's text keeps no comments, a trigger's does."""


@dataclass(frozen=True)
class Code:
    """One of them. ``sql`` makes it again; empty where it must not stay."""

    kind: str
    name: str
    sql: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def code_of(server: DatabaseServer, database: str) -> Iterator[Code]:
    """All code of a database, views after the triggers."""
    triggers = (
        "SELECT trigger_name, action_timing, event_manipulation, event_object_table, action_statement "
        "FROM information_schema.triggers WHERE trigger_schema = %s ORDER BY trigger_name"
    )
    for name, timing, event, table, statement in server.rows("", triggers, (database,)):
        made = f"CREATE TRIGGER {quoted(name)} {timing} {event} ON {quoted(table)} FOR EACH ROW {statement}"
        yield Code("trigger", name, "" if _SAYS.search(f"{name} {statement}") else made)
    views = (
        "SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = %s ORDER BY table_name"
    )
    for name, definition in server.rows("", views, (database,)):
        made = f"CREATE VIEW {quoted(name)} AS {definition.replace(f'{quoted(database)}.', '')}"
        yield Code("view", name, "" if not definition or _SAYS.search(f"{name} {definition}") else made)
    for kind, sql in (
        ("event", "SELECT event_name FROM information_schema.events WHERE event_schema = %s"),
        ("procedure", _routines("PROCEDURE")),
        ("function", _routines("FUNCTION")),
    ):
        for (name,) in server.rows("", sql, (database,)):
            yield Code(kind, name)


def put_code(server: DatabaseServer, database: str, code: Iterable[Code]) -> tuple[Code, ...]:
    """Make into a masked copy what may stay; those that were left out.

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
    return f"SELECT routine_name FROM information_schema.routines WHERE routine_schema = %s AND routine_type = '{kind}'"

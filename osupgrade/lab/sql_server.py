"""A MySQL or MariaDB server that is reached with SQL, the lab's or an operator's."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import pymysql
import sqlalchemy
from sqlalchemy import event

from osupgrade.model.quoting import quoted

OWN = ("information_schema", "mysql", "performance_schema", "sys")
"""The server's own databases."""


class SqlServer:
    """A server behind a pool of connections; a context manager that closes them."""

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        self.engine = engine
        self._users: dict[int, int] = {}
        """By a session's number on the server, the thread that uses it."""
        event.listen(engine, "checkout", self._taken)
        event.listen(engine, "checkin", self._given_back)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @property
    def version(self) -> str:
        """What the server calls itself."""
        return str(self.rows("", "SELECT VERSION()")[0][0])

    def rows(self, database: str, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query in ``database`` (none: no default database)."""
        with self.engine.connect() as connection:
            _use(connection, database)
            return [tuple(row) for row in send(connection, sql, parameters)]

    def table(
        self, database: str, sql: str, parameters: Sequence[Any] = ()
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """The rows of a query in ``database``, and before them the names of their columns."""
        with self.engine.connect() as connection:
            _use(connection, database)
            found = send(connection, sql, parameters)
            return tuple(found.keys()), [tuple(row) for row in found]

    def execute(self, database: str, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement; the count of rows it changed."""
        with self.engine.connect() as connection:
            _use(connection, database)
            return send(connection, sql, parameters).rowcount

    @property
    def sessions(self) -> frozenset[int]:
        """The numbers on the server of the sessions that are in use here."""
        return frozenset(self._users)

    def session(self, database: str) -> sqlalchemy.Connection:
        """A connection for several statements in one session; the caller closes it."""
        connection = self.engine.connect()
        _use(connection, database)
        return connection

    def end(self, thread: int) -> None:
        """End the sessions that a thread uses, and with them the statement that it waits for."""
        for session in [session for session, user in tuple(self._users.items()) if user == thread]:
            with contextlib.suppress(sqlalchemy.exc.SQLAlchemyError):  # it may have ended by itself meanwhile
                self.execute("", f"KILL {session}")

    def _taken(self, connection: Any, _record: Any, _proxy: Any) -> None:
        self._users[connection.thread_id()] = threading.get_ident()

    def _given_back(self, connection: Any, _record: Any) -> None:
        if connection is not None:
            self._users.pop(connection.thread_id(), None)

    def databases(self) -> tuple[str, ...]:
        """The databases on the server but for its own."""
        return tuple(row[0] for row in self.rows("", "SHOW DATABASES") if row[0] not in OWN)

    def alive(self) -> bool:
        """Whether the server still answers."""
        try:
            self.rows("", "SELECT 1")
        except (sqlalchemy.exc.OperationalError, pymysql.Error):
            return False
        return True


def _use(connection: sqlalchemy.Connection, database: str) -> None:
    if database:
        send(connection, f"USE {quoted(database)}")


def send(connection: sqlalchemy.Connection, sql: str, parameters: Sequence[Any] = ()) -> sqlalchemy.CursorResult[Any]:
    """Send a statement as it is: without parameters neither a % nor a colon in it, as in names, is one."""
    if parameters:
        return connection.exec_driver_sql(sql, tuple(parameters))
    return connection.execution_options(no_parameters=True).exec_driver_sql(sql)

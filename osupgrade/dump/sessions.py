"""Several sessions that run a dump's statements, as :mod:`osupgrade.dump.dispatch` says.

They speak the server's own protocol as the account that restores, so what the ``mysql`` client would take for a
command of its own is a statement here, and refused as one.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter, deque
from types import TracebackType
from typing import Any, Self

import pymysql
import sqlalchemy.exc
from pymysql.constants import CLIENT

from osupgrade.dump.dispatch import COMMIT, Sending, Table, Way
from osupgrade.lab.database import DatabaseServer

WAITING = 3 << 20
"""Bytes of rows that wait for a session, at most."""


class Refused(Exception):
    """The server refused a statement, or a session was ended. The first argument says why."""


class Sessions:
    """Sessions in one database; a context manager that ends them. ``rows`` insert rows, and another runs the rest."""

    def __init__(self, server: DatabaseServer, database: str, rows: int) -> None:
        self._server = server
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Sending, int]] = deque()
        """Rows, and how many of the settings come before them."""
        self._size = 0
        self._settings: list[bytes] = []
        self._applied = [0] * rows
        """How many of the settings each session has."""
        self._due = 0
        """How many of them no session may put off: a transaction's end, for which others may wait."""
        self._outstanding: Counter[Table | None] = Counter()
        """By table, how many statements with rows are not yet through."""
        self._put_off: list[bytes] = []
        """What the first session runs before rows come: several at once, since each alone takes a round trip."""
        self._made = False
        """Whether any of that is more than a setting."""
        self._fault: Exception | None = None
        self._ended = False
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(_connected(server, database)) for _ in range(rows + 1)]
            self._first, self._others = connections[0], connections[1:]
            self._threads = [
                threading.Thread(target=self._work, args=(number,), name=f"rows-{number}", daemon=True)
                for number in range(rows)
            ]
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._ended = True
            self._waiting.clear()
            self._changed.notify_all()
        stopped = True
        if kind:  # else all is through
            stopped = self._kill()
        if stopped:
            for thread in self._threads:
                thread.join()
            with contextlib.suppress(pymysql.Error, OSError):
                self._open.close()

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers that the sessions have on the server."""
        every: list[Any] = [self._first, *self._others]
        return frozenset(each.thread_id() for each in every)

    def send(self, sending: Sending) -> None:
        """Run a statement, now or as soon as a session is free; raises Refused where the server refused any so far."""
        way, statement, table, ordered = sending
        if way is Way.ROWS:
            if self._made:
                self._run_first()
            self._until(lambda: self._size < WAITING and not (ordered and self._outstanding[table]))
            with self._changed:
                self._waiting.append((sending, len(self._settings)))
                self._size += len(statement)
                self._outstanding[table] += 1
                self._changed.notify_all()
            return
        if way is Way.ALONE or (way is Way.AHEAD and self._outstanding[table]):
            self.finish()
        self._put_off.append(statement)
        if way is Way.EVERY:
            self._set(statement)
            return
        self._made = True
        if way is Way.ALONE or sum(map(len, self._put_off)) > WAITING:
            self._run_first()

    def finish(self) -> None:
        """Wait until all that was sent is through; raises Refused where the server refused any of it."""
        self._run_first()
        self._until(lambda: not +self._outstanding and min(self._applied) >= self._due)

    def _set(self, setting: bytes) -> None:
        with self._changed:
            self._settings.append(setting)
            if setting == COMMIT:
                self._due = len(self._settings)
                self._changed.notify_all()
        if setting == COMMIT:
            self._run_first()

    def _run_first(self) -> None:
        """Have the first session run what was put off."""
        several, self._put_off, self._made = self._put_off, [], False
        if several:
            try:
                _run(self._first, b";\n".join(several))
            except (pymysql.Error, OSError) as fault:
                raise Refused(str(fault)) from fault

    def _until(self, done: Any) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._fault or done())
            if self._fault:
                raise Refused(str(self._fault)) from self._fault

    def _work(self, number: int) -> None:
        """What the thread of a session that inserts rows does, until there is nothing more to do."""
        connection = self._others[number]
        while task := self._next(number):
            sending, settings = task
            try:
                if settings:
                    _run(connection, b";\n".join(settings))
                if sending:
                    _run(connection, sending.statement)
            except (pymysql.Error, OSError) as fault:
                with self._changed:
                    self._fault = self._fault or fault
                    self._changed.notify_all()
                return
            with self._changed:
                self._applied[number] += len(settings)
                if sending:
                    self._outstanding[sending.table] -= 1
                self._changed.notify_all()

    def _next(self, number: int) -> tuple[Sending | None, list[bytes]] | None:
        """Rows, and the settings before them that the session has not; settings alone where no rows wait for it."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._waiting or self._applied[number] < self._due)
            if self._ended:
                return None
            has = self._applied[number]
            if not self._waiting:
                return None, self._settings[has : self._due]
            sending, wanted = self._waiting.popleft()
            self._size -= len(sending.statement)
            self._changed.notify_all()
            return sending, self._settings[has:wanted]

    def _kill(self) -> bool:
        """End the sessions, whatever they wait for; whether the server did."""
        for number in self.numbers:
            try:
                self._server.execute("", f"KILL {number}")
            except sqlalchemy.exc.DBAPIError as fault:
                if getattr(fault.orig, "args", (0,))[0] != _NO_SESSION:
                    return False
        return True


_NO_SESSION = 1094


def _connected(server: DatabaseServer, database: str) -> pymysql.Connection[Any]:
    """A session like the one that the ``mysql`` client has with the same account."""
    return server.tool.connect(database, charset="utf8", autocommit=None, client_flag=CLIENT.MULTI_STATEMENTS)


def _run(connection: pymysql.Connection[Any], statement: bytes) -> None:
    """Run what may be several statements."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        while cursor.nextset():
            pass

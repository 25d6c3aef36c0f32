"""Watches what a release's tools have the database server do, and ends what would not end: a cloud's trigger may SLEEP.

A migration may take hours, so a time alone says little. No release's tool waits in SLEEP or GET_LOCK, though, and what
one statement may take depends on how large the databases are.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import replace

import sqlalchemy

from osupgrade.dump.limits import Limits, how_to_raise, limits
from osupgrade.dump.watchdog import SHOWN
from osupgrade.lab.database import DatabaseServer
from osupgrade.lab.exec import ToolRun

EVERY = 1.0
"""Seconds between two looks at the server."""
PACE = 20_000
"""Bytes of the databases for which a statement gets another second."""
_WAITING = ("User sleep", "User lock")
"""States of a session that no data and no tool puts it into, only a function such as SLEEP."""


class Endless:
    """Ends the statements of one tool that exceed a limit; ``why`` then says so, in a sentence."""

    def __init__(self, server: DatabaseServer, databases: Collection[str], held: Limits | None = None) -> None:
        self.why = ""
        self._server = server
        self._databases = sorted(databases)
        self._limits = held or limits()
        self._waited = 0.0
        self._over = threading.Event()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch while the body runs."""
        thread = threading.Thread(target=self._watch, name="endless", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def explained(self, run: ToolRun) -> ToolRun:
        """The run, with the reason why its statement was stopped after its own output."""
        return replace(run, output=f"{run.output}\n{self.why}\n", stopped=self.why) if self.why else run

    def _watch(self) -> None:
        last = time.monotonic()
        while not self._over.wait(EVERY):
            now = time.monotonic()
            with contextlib.suppress(sqlalchemy.exc.SQLAlchemyError, OSError):  # the tool itself says what is wrong
                self._look(now - last)
            last = now

    def _look(self, passed: float) -> None:
        sessions = self._sessions()
        waiting = [one for one in sessions if one[2] in _WAITING]
        self._waited += passed if waiting else 0
        if waiting and self._waited > self._limits.query:
            why = f"a statement was stopped after waiting more than {self._limits.query:g} s in SLEEP or GET_LOCK"
            for session, _, _, statement in waiting:
                self._end(session, why, statement, how_to_raise("query", self._limits.query * 10))
        late = [one for one in sessions if one[1] > self._limits.step]
        most = self._limits.step + (self._size() / PACE if late else 0)
        for session, seconds, _, statement in late:
            if seconds > most:
                why = f"a statement was stopped because it had not ended after {most:.0f} s"
                self._end(session, why, statement, how_to_raise("step", most * 10))

    def _sessions(self) -> list[tuple[int, float, str, str]]:
        """The sessions of the tool that run a statement: number, seconds, state, statement.

        Not known by their user, since within a trigger the server shows its definer as that.
        """
        sql = (
            "SELECT ID, TIME, STATE, LEFT(INFO, 2000) FROM information_schema.PROCESSLIST "
            "WHERE ID <> CONNECTION_ID() AND HOST <> 'localhost' AND COMMAND NOT IN ('Sleep', 'Killed') AND DB IN "
            f"({', '.join(['%s'] * len(self._databases))})"
        )
        ours = self._server.sessions
        found = self._server.rows("", sql, tuple(self._databases))
        ours |= self._server.sessions
        return [
            (int(row[0]), float(row[1]), str(row[2] or ""), str(row[3] or "")) for row in found if row[0] not in ours
        ]

    def _size(self) -> int:
        sql = (
            "SELECT SUM(DATA_LENGTH + INDEX_LENGTH) FROM information_schema.TABLES "
            f"WHERE TABLE_SCHEMA IN ({', '.join(['%s'] * len(self._databases))})"
        )
        return int(self._server.rows("", sql, tuple(self._databases))[0][0] or 0)

    def _end(self, session: int, why: str, statement: str, hint: str) -> None:
        # The first time so that the tool learns why; a statement may take that for an answer and wait again.
        self._server.execute("", f"KILL {session}" if self.why else f"KILL QUERY {session}")
        if not self.why:
            self.why = f"{why}: {' '.join(statement.split())[:SHOWN]}{self._triggers()}; {hint}"

    def _triggers(self) -> str:
        """The triggers that may be behind a statement: releases leave none."""
        sql = (
            "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS "
            f"WHERE TRIGGER_SCHEMA IN ({', '.join(['%s'] * len(self._databases))}) "
            "ORDER BY ACTION_STATEMENT NOT REGEXP 'SLEEP|GET_LOCK|BENCHMARK', TRIGGER_NAME LIMIT 3"
        )
        found = self._server.rows("", sql, tuple(self._databases))
        names = ", ".join(f"{name} of {table}" for name, table in found)
        return f" (triggers here: {names})" if names else ""


@contextlib.contextmanager
def watched(server: DatabaseServer, databases: Collection[str]) -> Iterator[Endless]:
    """Watch what a tool has the server do while the body runs it."""
    endless = Endless(server, databases)
    if not databases:
        yield endless
        return
    with endless.watching():
        yield endless

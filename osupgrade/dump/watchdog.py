"""Watches the server while a dump is restored, and ends what would run forever or fill the disk."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import cast

import docker.errors
import requests
import sqlalchemy

from osupgrade.dump.limits import ROOM, Limits, how_to_raise
from osupgrade.lab.database import DATA, DatabaseServer
from osupgrade.model.errors import UsageFault

EVERY = 1.0
"""Seconds between two looks at the server."""
WEIGHED = 10
"""Looks between two at its disk."""
SLOWEST = 1000
"""Bytes of SQL a second below which, on the whole, nothing honest is restored."""
_NO_CODE = re.compile(
    r"""'(?:[^'\\]++|\\.|'')*+(?:'|\Z) | "(?:[^"\\]++|\\.|"")*+(?:"|\Z) | `(?:[^`]++|``)*+(?:`|\Z)
      | /\*(?!M?!)(?:[^*]++|\*(?!/))*+(?:\*/|\Z) | --(?=\s|\Z)[^\n]*+ | \#[^\n]*+
      | /\*M?!\d*+ | \*/""",
    re.DOTALL | re.VERBOSE,
)
"""Texts, names and comments of a statement, and what encloses comments that are run."""
_QUERY = re.compile(
    r"""\s*+(?:SELECT|DO|CALL|WITH|SHOW|EXPLAIN|HANDLER|EXECUTE|TABLE|VALUES|SET|\(|BEGIN|LOCK|FLUSH|UPDATE|DELETE
      |(?:INSERT|REPLACE)\b.*?\b(?:SELECT|TABLE)\b
      |CREATE\s++(?:OR\s++REPLACE\s++)?(?:TEMPORARY\s++)?TABLE\b.*?\bSELECT\b
      |.*?\b(?:SLEEP|BENCHMARK|GET_LOCK|\w{1,40}_POS_WAIT|WAIT_\w{1,40})\s*+\()""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_CHANGES = re.compile(r"\s*+(?:ALTER|CREATE|DROP|OPTIMIZE|ANALYZE|REPAIR|RENAME|TRUNCATE)\b", re.IGNORECASE)
LOOKS = 50
"""How often is looked which statement a session is at before it is ended; each look takes about a millisecond."""
SHOWN = 200
"""Characters of a statement that are shown."""


def is_query(statement: str) -> bool:
    """Whether a statement makes rows out of others, or waits: no dump needs one, and they get less time."""
    return bool(_QUERY.match(_NO_CODE.sub(" ", statement)))


@dataclass(frozen=True)
class Stopped:
    """Why a restore was ended: a sentence without its subject, the current statement, and what raises the limit."""

    why: str
    statement: str
    hint: str
    seen: tuple[str, ...] = ()
    """What the sessions were seen at before they were ended. A server shows the statements of a procedure by turns with
    the CALL, and only the CALL is in the dump."""


class Watchdog:
    """Ends the sessions of one restore when they exceed a limit; ``stopped`` then says why."""

    def __init__(self, server: DatabaseServer, targets: Collection[str], size: int, limits: Limits) -> None:
        self.stopped: Stopped | None = None
        self._server = server
        self._targets = set(targets)
        self._size = size
        self._limits = limits
        self._queried = 0.0
        self._began = time.monotonic()
        self._over = threading.Event()
        self._sent: Callable[[], int] = lambda: 0
        self.numbers: Collection[int] = ()
        """Those of the restore's sessions on the server; while there are none, they are the account's on its socket."""

    @contextlib.contextmanager
    def watching(self, sent: Callable[[], int]) -> Iterator[None]:
        """Watch while the body runs; ``sent`` says how many bytes went to the server."""
        self._sent = sent
        before = self._disk()
        thread = threading.Thread(target=self._watch, args=(before,), name="watchdog", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _watch(self, before: int) -> None:
        looks = 0
        last = time.monotonic()
        while not self._over.wait(EVERY):
            looks += 1
            now = time.monotonic()
            with contextlib.suppress(sqlalchemy.exc.SQLAlchemyError, OSError):  # the restore itself says what is wrong
                sessions = self._sessions()
                self.stopped = self._too_long(sessions, now - last) or self._too_slow(sessions)
                if not self.stopped and looks % WEIGHED == 0:
                    self.stopped = self._too_large(sessions, before)
                if self.stopped:
                    self.stopped = dataclasses.replace(self.stopped, seen=self._seen())
                    self._end()
                    return
            last = now

    def _sessions(self) -> list[tuple[int, float, str]]:
        """The sessions of the restore that run a statement: number, seconds, statement."""
        sql = (
            "SELECT ID, TIME, LEFT(INFO, 2000), DB FROM information_schema.PROCESSLIST "
            "WHERE USER = %s AND COMMAND <> 'Sleep' AND COMMAND <> 'Killed' AND"
        )
        user, numbers = self._server.tool.user, tuple(self.numbers)
        if numbers:
            rows = self._server.rows("", f"{sql} ID IN %s", (user, numbers))
        else:
            rows = self._server.rows("", f"{sql} HOST = 'localhost'", (user,))
        return [
            (int(row[0]), float(row[1]), str(row[2] or "")) for row in rows if not row[3] or row[3] in self._targets
        ]

    def _too_long(self, sessions: list[tuple[int, float, str]], passed: float) -> Stopped | None:
        queries = {statement for _, _, statement in sessions if is_query(statement)}
        if queries:
            self._queried += passed
        for _, seconds, statement in sessions:
            if statement in queries:
                if self._queried > self._limits.query:
                    why = f"keeps the server busy for over {self._limits.query:.0f} s with queries that no dump needs"
                    return Stopped(why, statement, how_to_raise("query", self._limits.query * 10))
                continue
            most = self._limits.statement * (10 if _CHANGES.match(_NO_CODE.sub(" ", statement)) else 1)
            if seconds > most:
                why = f"holds a statement that has run for more than {most:.0f} s"
                return Stopped(why, statement, how_to_raise("statement", self._limits.statement * 10))
        return None

    def _too_slow(self, sessions: list[tuple[int, float, str]]) -> Stopped | None:
        passed = time.monotonic() - self._began
        if passed < 2 * self._limits.statement or self._sent() > passed * SLOWEST:
            return None
        why = f"has taken {passed:.0f} s for {self._sent()} bytes"
        statement = sessions[0][2] if sessions else ""
        return Stopped(why, statement, how_to_raise("statement", self._limits.statement * 10))

    def _too_large(self, sessions: list[tuple[int, float, str]], before: int) -> Stopped | None:
        grown = self._disk() - before
        if grown <= ROOM + self._limits.growth * self._size:
            return None
        why = f"fills {grown >> 20} MB on the server from {self._size >> 10} kB of SQL"
        statement = sessions[0][2] if sessions else ""
        return Stopped(why, statement, how_to_raise("growth", self._limits.growth * 10))

    def _disk(self) -> int:
        """Bytes that the server's files take, temporary ones too; 0 when that cannot be said."""
        try:
            run = self._server.container.exec_run(["du", "-sk", DATA, "/tmp"], user="root")
            output = cast(bytes, run.output)
        except (docker.errors.APIError, requests.RequestException):
            return 0
        counts = [line.split(b"\t")[0] for line in output.splitlines()]
        return sum(int(count) << 10 for count in counts if count.isdigit())

    def _seen(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(statement for _ in range(LOOKS) for _, _, statement in self._sessions()))

    def _end(self) -> None:
        for session, _, _ in self._sessions():
            with contextlib.suppress(sqlalchemy.exc.SQLAlchemyError):  # it may have ended by itself meanwhile
                self._server.execute("", f"KILL {session}")


def fault_of(name: str, stopped: Stopped, place_of: Callable[[str], str]) -> UsageFault:
    """What is reported of a stopped restore; ``place_of`` says where in the dump a statement is, empty if it is not."""
    places = ((place_of(statement), statement) for statement in (stopped.statement, *stopped.seen))
    place, statement = next((found for found in places if found[0]), ("", stopped.statement))
    return UsageFault(
        f"{name} {stopped.why}" + (f": {place}" if place else ""),
        hint=stopped.hint,
        evidence=" ".join(statement.split())[:SHOWN],
    )

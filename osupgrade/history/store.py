"""The store of past runs: one SQLite file in the user's state directory, or wherever ``--history`` says."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from osupgrade.history.record import Past, Timed
from osupgrade.model.errors import UsageFault
from osupgrade.model.places import state_directory

VERSION = 1
KEPT = 400
"""Runs of one kind that are remembered, the newest: more than a year of nights."""
WAIT_SECONDS = 30.0
"""How long a run waits for another that writes at the same moment."""

_TABLES = """
CREATE TABLE runs (
  id TEXT PRIMARY KEY, started TEXT NOT NULL, path TEXT NOT NULL, database TEXT NOT NULL, subject TEXT NOT NULL,
  input TEXT NOT NULL, host TEXT NOT NULL, green INTEGER NOT NULL, seconds REAL NOT NULL,
  measured TEXT NOT NULL
);
CREATE INDEX runs_by_input ON runs (input, started);
CREATE TABLE steps (
  run TEXT NOT NULL REFERENCES runs (id), kind TEXT NOT NULL, name TEXT NOT NULL, outcome TEXT NOT NULL,
  seconds REAL NOT NULL, rows INTEGER
);
CREATE INDEX steps_by_run ON steps (run);
"""
_PAST = TypeAdapter(Past)
_COLUMNS = "id, started, path, database, subject, input, host, green, seconds, measured"


def default_file() -> Path:
    """``$XDG_STATE_HOME/osupgrade/history.sqlite``."""
    return state_directory() / "history.sqlite"


class History:
    """Past runs in one file. Several runs may write to it side by side."""

    def __init__(self, file: Path) -> None:
        self.file = file
        with self._open():
            pass

    def add(self, past: Past) -> None:
        """Remember a run; one that is known already is left as it is."""
        kept = ("rows", "contents", "schemas", "services", "total", "how")
        measured = json.dumps({name: getattr(past, name) for name in kept}, sort_keys=True)
        row = (
            *(past.id, past.started, past.path, past.database, past.subject, past.input, past.host),
            *(int(past.green), past.seconds, measured),
        )
        steps = [(past.id, t.kind, t.name, t.outcome, t.seconds, t.rows) for t in past.steps]
        with self._open() as database:
            marks = ", ".join("?" * len(row))
            done = database.execute(f"INSERT OR IGNORE INTO runs ({_COLUMNS}) VALUES ({marks})", row)
            if done.rowcount:
                database.executemany("INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?)", steps)
                self._forget(database, past)

    def _forget(self, database: sqlite3.Connection, past: Past) -> None:
        old = (
            "SELECT id FROM runs WHERE path = ? AND database = ? AND subject = ? "
            f"ORDER BY started DESC, rowid DESC LIMIT -1 OFFSET {KEPT}"
        )
        same = (past.path, past.database, past.subject)
        database.execute(f"DELETE FROM steps WHERE run IN ({old})", same)
        database.execute(f"DELETE FROM runs WHERE id IN ({old})", same)

    def accept(self, run: str) -> None:
        """Take a remembered run for green from now on; raises UsageFault when it is not remembered."""
        with self._open() as database:
            if not database.execute("UPDATE runs SET green = 1 WHERE id = ?", (run,)).rowcount:
                raise UsageFault(f"{self.file} has no record of that run")

    def last_green(self, given: str) -> Past | None:
        """The newest green run of an input; None when there is none or the input is not known."""
        found = self._read("input = ? AND input <> '' AND green ORDER BY started DESC, rowid DESC LIMIT 1", (given,))
        return found[0] if found else None

    def greens(self, given: str, host: str) -> Sequence[Past]:
        """The green runs of an input on machines of one make, oldest first, at most the newest 100."""
        where = "input = ? AND input <> '' AND host = ? AND green ORDER BY started DESC, rowid DESC LIMIT 100"
        return self._read(where, (given, host))[::-1]

    def all(self) -> Sequence[Past]:
        """Every run, oldest first."""
        return self._read("1 ORDER BY started, rowid", ())

    def _read(self, where: str, values: tuple[object, ...]) -> list[Past]:
        with self._open() as database:
            rows = database.execute(f"SELECT {_COLUMNS} FROM runs WHERE {where}", values).fetchall()
            return [_past(database, row) for row in rows]

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self.file, timeout=WAIT_SECONDS)) as database, database:
                database.execute("BEGIN IMMEDIATE")
                self._prepare(database)
                yield database
        except (OSError, sqlite3.Error, ValueError, TypeError, LookupError, RecursionError) as fault:
            raise UsageFault(
                f"cannot use {self.file} as the history of past runs: {fault}",
                hint="choose another --history, or move that file away: a new one is made",
            ) from fault

    def _prepare(self, database: sqlite3.Connection) -> None:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == VERSION:
            return
        if version or database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
            raise UsageFault(
                f"{self.file} was written by another version of osupgrade (format {version}; this one reads {VERSION})",
                hint="choose another --history",
            )
        for statement in _TABLES.split(";"):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {VERSION}")


def _past(database: sqlite3.Connection, row: tuple[Any, ...]) -> Past:
    steps = database.execute(
        "SELECT kind, name, outcome, seconds, rows FROM steps WHERE run = ? ORDER BY rowid", (row[0],)
    )
    named = dict(zip(_COLUMNS.split(", "), row, strict=True))
    measured = json.loads(named.pop("measured"))
    # A file from elsewhere may hold anything in any column: SQLite's types are advice.
    return _PAST.validate_python({**named, "steps": [Timed(*step) for step in steps], **measured})

"""Keeps the schema of a database after every revision that a release's tool runs, on Python 2.7 and on Python 3.

Its directory comes first on the tool's PYTHONPATH, with the observer's ``osupgrade_hooks.py`` and ``asked.json``, the
queries that read a schema. After each revision a line of JSON is added to ``heard.jsonl``: database, revision, the
statements that were sent since the revision before, and the rows that the queries returned; at the end a line without
names for what was sent after the last one.
"""

import atexit
import json
import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))

from osupgrade_hooks import Hooks


class Guard(object):
    """Lets no fault of this file into the tool; the catalogue's builder finds it and stops."""

    def __enter__(self):
        return self

    def __exit__(self, kind, fault, trace):
        if kind is not None and issubclass(kind, Exception):
            write({"fault": "".join(traceback.format_exception(kind, fault, trace))})
            return True
        return False


class Listener(object):
    """What the hooks tell; of all of it, only what was sent and where a revision ends counts here."""

    def __init__(self):
        self.guard = Guard()
        self.statements = []
        self.sessions = {}
        with open(os.path.join(HERE, "asked.json")) as file:
            self.queries = json.load(file)

    def before(self, conn, cursor, statement, parameters, context, executemany):
        if statement not in self.statements:
            self.statements.append(statement)

    def ignore(self, *args, **kwargs):
        pass

    after = handle_error = dbapi_error = commit = rollback = checkin = ignore

    def begin(self, library, engine, revision, label):
        return engine, revision

    def end(self, span, ok):
        engine, revision = span
        with self.guard:
            if ok and engine is not None:
                self.keep(engine, revision)

    def keep(self, engine, revision):
        database = engine.url.database
        session = self.session(engine)
        found = {}
        for name, sql in self.queries.items():
            cursor = session.cursor()
            cursor.execute(sql, (database,))
            found[name] = cursor.fetchall()
            cursor.close()
        write({"database": database, "revision": str(revision), "statements": self.statements, "rows": found})
        self.statements = []

    def rest(self):
        """What was sent after the last revision, as by a move that is none."""
        with self.guard:
            if self.statements:
                write({"database": "", "revision": "", "statements": self.statements, "rows": {}})

    def session(self, engine):
        """One of its own: the tool's may hold a transaction."""
        database = engine.url.database
        if database not in self.sessions:
            args, options = engine.dialect.create_connect_args(engine.url)
            self.sessions[database] = engine.dialect.connect(*args, **options)
            self.sessions[database].autocommit(True)
        return self.sessions[database]


def write(line):
    with open(os.path.join(HERE, "heard.jsonl"), "a") as file:
        file.write(json.dumps(line, default=str) + "\n")


LISTENER = Listener()
Hooks(LISTENER).install()
atexit.register(LISTENER.rest)
sys.path[:] = [place for place in sys.path if os.path.abspath(place) != HERE]

# The one that the runtime would have had otherwise, as in the observer's own.
for _place in sys.path:
    _path = os.path.join(_place, "sitecustomize.py")
    if os.path.isfile(_path):
        __file__ = _path
        with open(_path) as _file:
            _code = compile(_file.read(), _path, "exec")
        exec(_code)
        break

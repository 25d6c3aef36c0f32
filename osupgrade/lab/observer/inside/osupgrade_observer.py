"""Watches the migrations of one call of a release's tool, on Python 2.7 and on Python 3.

It is brought into the tool's process by ``sitecustomize.py`` and hooks the libraries when the tool imports them: sqlalchemy-migrate
and alembic say which revision runs, SQLAlchemy's events say what it asks of the server, the server's own session counters
say what that cost. It writes lines of JSON to the file that OSUPGRADE_OBSERVE names; osupgrade/lab/observer/record.py reads them:

    {"kind": "sizes", "database": ..., "tables": {name: [bytes, id]}}   once a database, before its first revision
    {"kind": "span", ...}                                               one a revision, and one for what changed outside of all
    {"kind": "fault", "text": ...}                                      what went wrong in here
    {"kind": "spent", "seconds": ...}                                   what observing itself took, in the end

The process that the engine itself started prints the file's content in its very end, after OSUPGRADE_OBSERVE_MARK.
With OSUPGRADE_OBSERVE_LATER nothing is written until osupgrade_several.py says where. OSUPGRADE_OBSERVE_FROM is the time
(seconds) at which the process starts, on the step's own clock. OSUPGRADE_OBSERVE_ACCOUNT (``user:password``, may be missing)
may read InnoDB's tables of information_schema.

Nothing in here may change what the tool does: no fault gets out, nothing else is printed, no session of the tool's is closed
or kept, and what is asked on one of them (SHOW STATUS, which leaves no trace in the counters) is asked between statements.
"""

import atexit
import os
import sys

from osupgrade_hooks import Hooks
from osupgrade_spans import MOST_TEXT, Guard, Session, Span, ask, autocommits, counters_of, now, text

FELT = 40  # a revision shorter than so many times what it takes to ask for tables' sizes is not asked: it would be felt
SLOW_TRANSACTION = 0.05  # seconds from which a transaction is asked for its locks before it ends

ASK_TABLES = (
    "SELECT SUBSTRING(name, %d), table_id, clust_index_size + other_index_size "
    "FROM information_schema.%s WHERE name LIKE '%s'"
)
ASK_VERSION = "SELECT VERSION()"
ASK_LOCKS = "SELECT trx_rows_locked FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = %d"


def stats_of(version):
    """What a server of this version calls InnoDB's table of tables' sizes: MySQL 8.0 renamed it, MariaDB did not."""
    renamed = "mariadb" not in version.lower() and int(version.split(".")[0]) >= 8
    return "innodb_tablestats" if renamed else "innodb_sys_tablestats"


class Observer(object):
    """What is known of this process, and the file to which it goes."""

    def __init__(self, path, mark, offset, account):
        self.path = path
        self.mark = mark
        self.parent = 0  # the process above the one that prints the record; the engine's own has none
        self.zero = now() - offset
        self.account = account
        self.guard = Guard()
        self.outside = Span(None, None, "", "")
        self.outside.started = None
        self.stretch = None  # what runs outside just now: its first statement's start, its last one's end, any change
        self.stretched = 0.0  # seconds of all stretches that changed something
        self.spans = [self.outside]
        self.sessions = {}
        self.running = {}  # id of a cursor -> its session, and when its statement began
        self.file = None
        self.watching = None
        self.stats = ""  # the server's name for InnoDB's table of tables' sizes
        self.asking = 0.0  # seconds that it took to ask for all tables
        self.sizes = {}  # database -> {table: (bytes, id)}
        self.patched = set()

    # What SQLAlchemy tells.

    def before(self, conn, cursor, statement, parameters, context, executemany):
        with self.guard:
            session = self.session(conn)
            self.running[id(cursor)] = (session, now())

    def after(self, conn, cursor, statement, parameters, context, executemany):
        at = now()
        with self.guard:
            self.ran(cursor, statement, at, cursor.rowcount)

    def failed(self, cursor, statement, fault):
        at = now()
        if cursor is not None and id(cursor) in self.running:
            self.spans[-1].error = text(str(fault))[:500]
            self.spans[-1].ended = at
            self.ran(cursor, statement, at, 0)

    def handle_error(self, context):
        with self.guard:
            cursor = getattr(context.execution_context, "cursor", None)
            self.failed(cursor, context.statement, context.original_exception)

    def dbapi_error(self, conn, cursor, statement, parameters, context, exception):
        with self.guard:
            self.failed(cursor, statement, exception)

    def commit(self, conn):
        with self.guard:
            self.transaction_ends(conn)

    def rollback(self, conn):
        with self.guard:
            self.transaction_ends(conn)

    def checkin(self, raw, record):
        with self.guard:
            # A pool that nobody closes takes its sessions with it, so what ran outside of revisions is read here.
            if raw is not None and len(self.spans) == 1:
                session = self.sessions.get(raw.thread_id())
                if session is not None and session.changed:
                    self.read(session, self.outside)

    def session(self, conn):
        fairy = conn.connection
        raw = getattr(fairy, "dbapi_connection", None) or fairy.connection
        number = raw.thread_id()
        session = self.sessions.get(number)
        if session is None or session.raw() is not raw:
            session = self.sessions[number] = Session(raw, counters_of(raw))
            self.before_close(type(raw))
            self.time_commits(conn.engine.dialect)
            if self.outside.engine is None:
                self.outside.engine = conn.engine
            self.know_tables(conn.engine)
        return session

    def ran(self, cursor, statement, at, rows):
        known = self.running.pop(id(cursor), None)
        if known is None:
            return
        session, began = known
        entry = self.spans[-1].entry(statement)
        took = at - began
        entry.count += 1
        entry.seconds += took
        if took > entry.slowest:
            entry.slowest = took
        if rows and rows > 0:
            entry.rows += rows
        session.asked = True
        if len(self.spans) == 1:
            first, _, changed = self.stretch or (began, at, False)
            self.stretch = (first, at, changed or entry.changes or entry.defines)
        if entry.defines:
            self.release(session, began)
            entry.held += took
            session.changed = True
        elif entry.changes:
            session.changed = True
            if autocommits(session.raw()):
                entry.held += took
            elif entry not in session.holding:
                session.holding[entry] = began

    def transaction_ends(self, conn):
        fairy = conn.connection
        session = self.sessions.get((getattr(fairy, "dbapi_connection", None) or fairy.connection).thread_id())
        if session is not None and session.holding:
            if now() - min(session.holding.values()) > SLOW_TRANSACTION:
                self.count_locks(session)
            self.release(session, now())

    def release(self, session, at):
        if session.holding:
            for entry, began in session.holding.items():
                entry.held += at - began
            session.holding.clear()

    def count_locks(self, session):
        watching = self.watch(self.spans[-1].engine or self.outside.engine)
        if watching:
            for row in ask(watching, ASK_LOCKS % session.number):
                self.spans[-1].rows_locked += int(row[0])

    def time_commits(self, dialect):
        """A commit is a statement too, and with a production server's durability no cheap one."""
        if getattr(dialect.do_commit, "observed", False):
            return
        commit = dialect.do_commit

        def do_commit(connection):
            began = now()
            try:
                return commit(connection)
            finally:
                with self.guard:
                    entry = self.spans[-1].entry("COMMIT")
                    took = now() - began
                    entry.count += 1
                    entry.seconds += took
                    entry.slowest = max(entry.slowest, took)

        do_commit.observed = True
        dialect.do_commit = do_commit

    def before_close(self, kind):
        """Have a session's counters read before the driver closes it."""
        if kind in self.patched:
            return
        self.patched.add(kind)
        close = kind.close

        def closing(raw, *args, **kwargs):
            with self.guard:
                session = self.sessions.pop(raw.thread_id(), None)
                if session is not None and session.asked:
                    self.read(session, self.spans[-1])
            return close(raw, *args, **kwargs)

        kind.close = closing

    # What the server tells.

    def read(self, session, span):
        raw = session.raw()
        if raw is None:
            return
        counters = counters_of(raw)
        for name, value in counters.items():
            more = value - session.counters.get(name, 0)
            if more > 0:
                span.counters[name] = span.counters.get(name, 0) + more
        session.counters = counters
        session.asked = session.changed = False

    def read_all(self, span):
        for number, session in list(self.sessions.items()):
            if session.raw() is None:
                del self.sessions[number]
            elif session.asked:
                with self.guard:
                    self.read(session, span)

    def watch(self, engine):
        """A session of the observer's own, beside the tool's pool; None where there is no account for it."""
        if self.watching is None and self.account and engine is not None:
            self.watching = False
            user, password = self.account.split(":", 1)
            args, options = engine.dialect.create_connect_args(engine.url)
            options = dict((key, value) for key, value in options.items() if key not in ("db", "database"))
            options["user"] = user
            options["password" if "password" in options else "passwd"] = password
            self.watching = engine.dialect.connect(*args, **options)
            self.watching.autocommit(True)
        return self.watching

    def tables(self, engine):
        watching = self.watch(engine)
        if not watching:
            return {}
        began = now()
        database = text(engine.url.database)
        if not self.stats:
            self.stats = stats_of(text(ask(watching, ASK_VERSION)[0][0]))
        rows = ask(watching, ASK_TABLES % (len(database) + 2, self.stats, database.replace("_", "\\_") + "/%"))
        known = dict((text(name), (int(pages or 0) * 16384, int(number))) for name, number, pages in rows)
        self.asking = now() - began
        return known

    def know_tables(self, engine):
        """What the tables of a database are like before anything is done to them."""
        database = text(engine.url.database)
        if database not in self.sizes:
            self.sizes[database] = {}
            self.sizes[database] = self.tables(engine)
            self.write({"kind": "sizes", "database": database, "tables": self.sizes[database]})

    # Spans.

    def leave_outside(self):
        """A stretch outside of revisions ends where one begins, or where the process does."""
        if self.stretch is not None and self.stretch[2]:
            first, last, _ = self.stretch
            if self.outside.started is None:
                self.outside.started = first
            self.stretched += last - first
        self.stretch = None

    def begin(self, library, engine, revision, label):
        span = Span(library, engine, revision, label)
        with self.guard:
            self.leave_outside()
            self.read_all(self.spans[-1])
            self.know_tables(engine)
            span.started = now()
        self.spans.append(span)
        return span

    def end(self, span, ok):
        at = now()
        with self.guard:
            while span in self.spans:
                self.finish(self.spans.pop(), at, ok)

    def finish(self, span, at, ok):
        for session in self.sessions.values():
            self.release(session, at)
        self.read_all(span)
        if ok:
            span.error = None  # one that the revision itself took care of
        changed = {}
        database = u""
        if span.engine is not None:
            database = text(span.engine.url.database)
            if database in self.sizes and at - span.started > FELT * self.asking:
                with self.guard:
                    before, after = self.sizes[database], self.tables(span.engine)
                    names = [n for n in set(before) | set(after) if before.get(n) != after.get(n)]
                    changed = dict((name, after.get(name)) for name in names)
                    self.sizes[database] = after
        self.write(
            {
                "kind": "span",
                "library": span.library,
                "database": database,
                "revision": text(span.revision),
                "label": text(span.label),
                "started": round(span.started - self.zero, 6),
                "seconds": round((at if ok or span.ended is None else span.ended) - span.started, 6),
                "ok": ok,
                "error": span.error,
                "statements": [
                    [text(e.text)[:MOST_TEXT], e.count, round(e.seconds, 6), round(e.slowest, 6), e.rows, round(e.held, 6)]
                    for e in span.entries.values()
                ],
                "counters": span.counters,
                "rows_locked": span.rows_locked,
                "tables": changed,
            }
        )

    def write(self, line):
        import json

        if self.file is None:
            self.file = open(self.path, "a")
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()

    def close(self):
        with self.guard:
            while len(self.spans) > 1:
                self.finish(self.spans.pop(), now(), False)
        with self.guard:
            self.leave_outside()
            if self.outside.started is not None:
                self.finish(self.outside, self.outside.started + self.stretched, True)
        with self.guard:
            if self.watching:
                self.watching.close()
        try:
            for words in self.guard.lines:
                self.write({"kind": "fault", "text": words})
            self.write({"kind": "spent", "seconds": round(self.guard.spent, 6)})
            # What another process in here started may have its output read by that.
            if self.mark and os.getppid() == self.parent:
                sys.stdout.flush()
                with open(self.path, "rb") as file:
                    told = self.mark.encode() + file.read()
                while told:
                    told = told[os.write(1, told) :]
        except Exception:
            pass

LATER = []  # the observer of a program that is imported before it is called


def start(environment):
    """Begin to observe, where the environment says so: at once, or when ``go_on`` names the file."""
    path = environment.get("OSUPGRADE_OBSERVE")
    if not path:
        return
    offset = float(environment.get("OSUPGRADE_OBSERVE_FROM") or 0)
    mark = environment.get("OSUPGRADE_OBSERVE_MARK")
    observer = Observer(path, mark, offset, environment.get("OSUPGRADE_OBSERVE_ACCOUNT"))
    Hooks(observer).install()
    if environment.get("OSUPGRADE_OBSERVE_LATER"):
        LATER.append(observer)
    else:
        atexit.register(observer.close)


def go_on(path, mark):
    """Observe this process, forked from one that has imported the program, into a file of its own."""
    for observer in LATER:
        observer.path, observer.mark, observer.parent = path, mark, os.getppid()
        atexit.register(observer.close)
        # What this process starts is observed as if it had been started alone.
        os.environ.pop("OSUPGRADE_OBSERVE_LATER", None)
        os.environ["OSUPGRADE_OBSERVE"] = str(path)
        os.environ["OSUPGRADE_OBSERVE_FROM"] = "%.6f" % (now() - observer.zero)

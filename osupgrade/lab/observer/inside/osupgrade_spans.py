"""What is known of a revision, a statement and a session while they last. Part of osupgrade_observer.py."""

import re
import time
import weakref

MOST_TEXTS = 300  # distinct statements a span; beyond that, literals are blotted out, and then it is all "others"
MOST_TEXT = 700  # characters of a statement that are kept
OTHERS = "(other statements)"

COUNTERS = (
    "Handler_read_first",
    "Handler_read_key",
    "Handler_read_last",
    "Handler_read_next",
    "Handler_read_prev",
    "Handler_read_rnd",
    "Handler_read_rnd_next",
    "Handler_update",
    "Handler_delete",
    "Created_tmp_disk_tables",
)
ASK_COUNTERS = "SHOW SESSION STATUS WHERE Variable_name IN ('%s')" % "', '".join(COUNTERS)

CHANGING = frozenset(("INSERT", "UPDATE", "DELETE", "REPLAC"))
DEFINING = frozenset(("ALTER", "CREATE", "DROP", "RENAME", "TRUNCA"))
LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|\b\d+\b")


def now():
    return time.time()


class Entry(object):
    """One statement's text and all its executions."""

    __slots__ = ("text", "changes", "defines", "count", "seconds", "slowest", "rows", "held")

    def __init__(self, text):
        word = text.lstrip()[:6].upper().split(None, 1)[:1]
        self.text = text
        self.changes = bool(word) and word[0] in CHANGING
        self.defines = bool(word) and word[0] in DEFINING
        self.count = 0
        self.seconds = self.slowest = self.held = 0.0
        self.rows = 0


class Span(object):
    """One revision, or all that ran outside of revisions."""

    def __init__(self, library, engine, revision, label):
        self.library = library
        self.engine = engine
        self.revision = revision
        self.label = label
        self.started = now()
        self.entries = {}
        self.counters = {}
        self.rows_locked = 0
        self.error = None
        self.ended = None

    def entry(self, text):
        entry = self.entries.get(text)
        if entry is None:
            if len(self.entries) >= MOST_TEXTS:
                text = LITERAL.sub("?", text)
                if text not in self.entries and len(self.entries) >= 2 * MOST_TEXTS:
                    text = OTHERS
                entry = self.entries.get(text)
                if entry is not None:
                    return entry
            entry = self.entries[text] = Entry(text)
        return entry


class Session(object):
    """One of the tool's sessions on the server, as long as it lasts."""

    __slots__ = ("raw", "number", "counters", "asked", "changed", "holding")

    def __init__(self, raw, counters):
        self.raw = weakref.ref(raw)
        self.number = raw.thread_id()
        self.counters = counters
        self.asked = False  # whether a statement ran since the counters were read
        self.changed = False
        self.holding = {}  # entry -> when the open transaction first ran it


def counters_of(raw):
    cursor = raw.cursor()
    try:
        cursor.execute(ASK_COUNTERS)
        return dict((text(name), int(value)) for name, value in cursor.fetchall())
    finally:
        cursor.close()


def text(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, type(u"")) else u"%s" % (value,)


class Guard(object):
    """Swallows what goes wrong in the observer, tells it once, and knows how long all of it took."""

    def __init__(self):
        self.told = set()
        self.lines = []
        self.depth = 0
        self.entered = 0.0
        self.spent = 0.0

    def __enter__(self):
        self.depth += 1
        if self.depth == 1:
            self.entered = now()
        return self

    def __exit__(self, kind, fault, trace):
        self.depth -= 1
        if self.depth == 0:
            self.spent += now() - self.entered
        if kind is None:
            return False
        if not issubclass(kind, Exception):
            return False
        try:
            words = u"%s: %s" % (kind.__name__, text(str(fault))[:300])
            if words not in self.told and len(self.told) < 20:
                self.told.add(words)
                self.lines.append(words)
        except Exception:
            pass
        return True


def autocommits(raw):
    return bool(raw is not None and raw.get_autocommit())


def ask(raw, sql):
    cursor = raw.cursor()
    try:
        cursor.execute(sql)
        return cursor.fetchall()
    finally:
        cursor.close()

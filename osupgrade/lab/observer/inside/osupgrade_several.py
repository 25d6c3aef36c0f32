"""Run several calls of one program of a release, one after the other, on Python 2.7 and on Python 3.

    osupgrade_several.py CALLS

CALLS is JSON: {"entry": "module:function", "gettext": domain or null, "mark": ..., "calls": [{"arguments": [...],
"accepts": [exit statuses], "record": [path, mark] or null}]}. The program is imported once, and every call runs in a
process that is forked then, because the import takes longer than most migrations. After each call MARK and a line follow
on both streams: its exit status and its seconds. The first call with a status that it does not accept is the last.
"""

from __future__ import print_function

import gettext
import json
import os
import sys
import time
import traceback

import launch
import osupgrade_observer

# As they are now: what a program imports may put its own in their place (eventlet).
fork, waitpid, write = os.fork, os.waitpid, os.write


def texts(value):
    """Text as the program's own command line would hold it: under Python 2 that is bytes."""
    return value if sys.version_info[0] > 2 else value.encode("utf-8")


def say(mark, status, seconds):
    """Say on both streams how a call ended."""
    line = "%s%s\n" % (mark, json.dumps([status, round(seconds, 6)]))
    for stream in (1, 2):
        write(stream, line.encode("ascii"))


def status_of(ended):
    """The exit status of a process as a shell tells it."""
    return 128 + os.WTERMSIG(ended) if os.WIFSIGNALED(ended) else os.WEXITSTATUS(ended)


def run(wanted):
    """Run the calls; return the one that this process has been forked for, or None in the first process."""
    began = time.time()
    if wanted["gettext"]:
        gettext.install(wanted["gettext"])
    launch.shim_openssl()
    module = wanted["entry"].partition(":")[0]
    sys.argv = [module] + [texts(word) for word in wanted["calls"][0]["arguments"]]
    try:
        __import__(module)
    except Exception:
        traceback.print_exc()
        say(wanted["mark"], 1, time.time() - began)
        return None
    for call in wanted["calls"]:
        sys.stdout.flush()
        sys.stderr.flush()
        child = fork()
        if not child:
            return call
        status = status_of(waitpid(child, 0)[1])
        say(wanted["mark"], status, time.time() - began)
        if status not in call["accepts"]:
            break
        began = time.time()
    return None


def ended(entry, call):
    """Make one call, in its own process; what it returns is the process's exit status."""
    if call["record"]:
        osupgrade_observer.go_on(*call["record"])
    try:
        return launch.call(entry, [texts(word) for word in call["arguments"]])
    except Exception:
        traceback.print_exc()
        return 1


if __name__ == "__main__":
    sys.path.pop(0)  # this file's directory: none of the program's imports shall look here
    given = json.loads(sys.argv[1])
    own = run(given)
    sys.exit(ended(str(given["entry"]), own) if own else 0)

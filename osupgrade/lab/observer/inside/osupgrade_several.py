"""Run several calls of a service's programs, one after the other, on Python 2.7 and on Python 3.

    osupgrade_several.py CALLS

CALLS is JSON: {"entry": "module:function", "gettext": domain or null, "mark": ..., "calls": [{"entry": the same or another
one, "arguments": [...], "accepts": [exit statuses], "record": [path, mark] or null}]}. The program is imported once, and
every call runs in a process that is forked then, because the import takes longer than most migrations; another program of
the service is imported there, which has most of it. After each call MARK and a line follow on both streams: its exit
status and its seconds. The first call with a status that it does not accept is the last.
"""

from __future__ import print_function

import atexit
import gettext
import json
import os
import sys
import threading
import time
import traceback

import launch
import osupgrade_observer

# As they are now: what a program imports may put its own in their place (eventlet).
fork, waitpid, write, leave = os.fork, os.waitpid, os.write, os._exit


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


def ended(call):
    """Make one call, in its own process; return its exit status."""
    if call["record"]:
        osupgrade_observer.go_on(*call["record"])
    try:
        asked = launch.call(str(call["entry"]), [texts(word) for word in call["arguments"]])
    except SystemExit as fault:
        asked = fault.code
    except Exception:
        traceback.print_exc()
        return 1
    if asked is None or isinstance(asked, int):
        return (asked or 0) & 255
    print(asked, file=sys.stderr)
    return 1


def end(status):
    """End this process as Python would, but without freeing what it imported, which takes up to a second."""
    threading._shutdown()  # waits for the threads that are left
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    leave(status)


if __name__ == "__main__":
    sys.path.pop(0)  # this file's directory: none of the program's imports shall look here
    own = run(json.loads(sys.argv[1]))
    end(ended(own) if own else 0)

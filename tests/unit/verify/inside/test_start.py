"""The script that starts a release's services inside its container."""

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from types import SimpleNamespace

from .._inside import INSIDE

SERVE = (
    "import http.server as h, socketserver as s, sys; "
    "s.TCPServer.allow_reuse_address = True; "
    "s.TCPServer(('127.0.0.1', int(sys.argv[1])), h.SimpleHTTPRequestHandler).serve_forever()"
)


def started(tmp_path, *processes):
    """What start.py tells of these processes; the ones that live on are ended."""
    common = {
        "env": {},
        "cwd": str(tmp_path),
        "state": str(tmp_path / "state"),
        "url": "",
        "queue": "",
        "after": [],
        "once": False,
    }
    spec = [{**common, "log": str(tmp_path / "log" / p["name"]), **p} for p in processes]
    (tmp_path / "spec.json").write_text(json.dumps({"broker": "", "processes": spec}))
    done = subprocess.run(
        [sys.executable, str(INSIDE / "start.py"), str(tmp_path / "spec.json")],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    for one in told.values():
        if one["ready"] and one["status"] is None:
            os.killpg(one["pid"], signal.SIGKILL)
    return told


def test_processes_start_in_order_and_one_that_fails_holds_up_only_those_that_need_it(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mark = tmp_path / "made"
    told = started(
        tmp_path,
        {
            "name": "api",
            "argv": [
                sys.executable,
                "-c",
                f"import os, sys; os.path.exists({str(mark)!r}) or sys.exit(9); {SERVE}",
                str(port),
            ],
            "url": f"http://127.0.0.1:{port}/",
            "after": ["account"],
        },
        {"name": "account", "argv": [sys.executable, "-c", f"open({str(mark)!r}, 'w')"], "once": True},
        {
            "name": "broken",
            "argv": [sys.executable, "-c", "print('boom'); raise SystemExit(3)"],
            "url": "http://127.0.0.1:9/",
        },
        {"name": "held up", "argv": ["true"], "after": ["broken"], "once": True},
    )
    assert told["account"]["ready"] and told["api"]["ready"]
    assert told["api"]["seconds"] >= told["account"]["seconds"]
    assert (told["broken"]["ready"], told["broken"]["status"]) == (False, 3)
    assert (tmp_path / "log" / "broken").read_text() == "boom\n"
    assert (told["held up"]["ready"], told["held up"]["lack"]) == (False, "broken did not start")


def test_patience_is_counted_in_work_and_not_in_time(monkeypatch):
    start = runpy.run_path(str(INSIDE / "start.py"))
    clock, worked = [0.0], [0.0]
    scope = start["Patience"].lost.__globals__
    monkeypatch.setitem(scope, "time", SimpleNamespace(time=lambda: clock[0]))
    monkeypatch.setitem(scope, "work", lambda _session: worked[0])
    patience = start["Patience"](SimpleNamespace(pid=1))
    for _ in range(50):  # a machine so busy that a second of work takes a minute
        clock[0] += 59
        worked[0] += 1
        assert patience.lost() is None
    clock[0] += 61
    assert patience.lost() == "it has hardly done anything for 61 s"
    worked[0] = start["WORK"] + 1
    clock[0] += 2
    assert patience.lost() == "not ready after 91 s of processor time"

"""What verification concludes from answers, logs and its description of a release; no Docker."""

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import osupgrade.verify
from osupgrade.catalog.content import api_scripts
from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.running import Explained, Listing, load_running
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Severity
from osupgrade.verify.census import differences, kept
from osupgrade.verify.tracebacks import tracebacks
from osupgrade.verify.verification import compare_listing

INSIDE = Path(osupgrade.verify.__file__).parent / "inside"
PORTS = Listing("ports", "neutron", "SELECT id FROM ports")

PREFIXED = """\
2026-11-22 18:05:43.978 25 ERROR nova.api.openstack [req-1 - -] Caught error: boom
2026-11-22 18:05:43.978 25 TRACE nova.api.openstack Traceback (most recent call last):
2026-11-22 18:05:43.978 25 TRACE nova.api.openstack   File "/src/nova/api.py", line 1, in call
2026-11-22 18:05:43.978 25 TRACE nova.api.openstack     return f()
2026-11-22 18:05:43.978 25 TRACE nova.api.openstack   File "/src/nova/db.py", line 7, in f
2026-11-22 18:05:43.978 25 TRACE nova.api.openstack     raise ValueError('boom')
2026-11-22 18:05:43.978 25 TRACE nova.api.openstack ValueError: boom
2026-11-22 18:05:43.978 25 TRACE nova.api.openstack
2026-11-22 18:05:44.000 25 INFO nova.api.openstack fine
"""


def test_a_traceback_in_a_log_is_found_with_its_place_under_the_prefix_of_oslo():
    (found,) = tracebacks(PREFIXED + PREFIXED)
    assert found.error == "ValueError: boom"
    assert found.place == 'File "/src/nova/db.py", line 7, in f'
    assert found.count == 2


def test_a_bare_traceback_is_found_and_an_expected_one_is_not():
    log = 'Traceback (most recent call last):\n  File "x", line 1, in y\nKeyError: 1\n'
    assert [t.error for t in tracebacks(log)] == ["KeyError: 1"]
    assert tracebacks(log, ["^KeyError"]) == ()
    assert tracebacks("an error, but no stack\n") == ()


def test_a_listing_must_show_what_was_there_and_nothing_that_is_not():
    assert compare_listing(PORTS, {"a", "b", "new"}, {"a", "b"}, {"a", "b", "new"}) is None
    missing = compare_listing(PORTS, {"a"}, {"a", "b"}, {"a", "b"})
    assert missing is not None
    assert missing.message == "1 ports of the database are not listed"
    assert missing.evidence.rows == (("not listed", "b"),)
    surplus = compare_listing(PORTS, {"a", "ghost"}, {"a"}, {"a"})
    assert surplus is not None
    assert surplus.evidence.rows == (("not in the database", "ghost"),)


def test_a_field_that_changed_is_a_finding_and_one_that_is_new_is_not():
    before = {"nova": {"servers": {"1": {"name": "a", "flavor": {"id": "7"}, "tags": ["x", "y"]}}}}
    after = {"nova": {"servers": {"1": {"name": "b", "flavor": {"id": "7"}, "tags": ["y", "x"], "more": 1}}}}
    (found,) = differences(before, after)
    assert found.severity is Severity.ERROR
    assert found.message.startswith("name of 1 servers changed")
    assert found.evidence.rows == (("1", '"a"', '"b"'),)


def test_things_that_are_gone_and_things_that_appeared_are_findings():
    found = list(differences({"nova": {"servers": {"1": {}}}}, {"nova": {"servers": {"2": {}}}}))
    assert sorted(f.message.split(" with ")[0] for f in found) == ["1 servers appeared", "1 servers are gone"]


def test_an_explained_difference_is_told_with_its_reason_and_is_no_error():
    explained = [Explained("servers", "na*", "names are longer now")]
    (found,) = differences({"n": {"servers": {"1": {"name": 1}}}}, {"n": {"servers": {"1": {}}}}, explained)
    assert found.severity is Severity.INFO
    assert found.consequence == "names are longer now"


def test_an_explanation_holds_for_its_own_service_only():
    explained = [Explained("quotas", "*", "classes", "nova")]
    before, after = {"quotas": {"t": {"limit": 1}}}, {"quotas": {"t": {"limit": 2}}}
    for service, severity in (("nova", Severity.INFO), ("neutron", Severity.ERROR)):
        (found,) = differences({service: before}, {service: after}, explained)
        assert found.severity is severity


def test_what_was_not_asked_on_both_sides_is_not_compared():
    assert not list(differences({"nova": {"servers": {"1": {}}}}, {"glance": {}}))


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ([{"a": 1}, {"a": 2}], [{"a": 2, "b": 0}, {"a": 1}], True),
        ([{"a": 1}], [{"a": 1}, {"a": 1}], False),
        ([1, 1], [1, 2], False),
        ({"a": None}, {}, False),
        ("x", "x", True),
    ],
)
def test_an_answer_holds_all_that_it_held_before(before, after, same):
    assert kept(before, after) is same


def test_every_release_that_says_how_it_runs_says_it_in_full():
    described = [running for name in load_releases() if (running := load_running(name))]
    assert {"grizzly", "icehouse", "epoxy", "gazpacho"} <= {running.release for running in described}
    for running in described:
        services = load_releases()[running.release].services
        for process in running.processes:
            assert process.service in services
            assert set(process.config) <= running.templates.keys()
            assert process.program or process.entry
        for process in running.processes:
            assert process.url or process.queue or process.once, f"{process.name} cannot say that it is ready"
            assert set(process.after) <= {other.name for other in running.processes}
        for entry in running.rounds:
            shared = {path.name for path in (*INSIDE.glob("*.py"), *api_scripts())}
            assert entry.file in running.scripts or entry.file in shared


def test_only_what_is_concerned_is_started():
    running = load_running("icehouse")
    assert running is not None
    assert {p.service for p in running.wanted(("neutron",), "full")} == {"keystone", "neutron"}
    assert "nova-compute" not in {p.name for p in running.wanted(("nova",), "smoke")}
    assert "nova-compute" in {p.name for p in running.wanted(("nova",), "full")}
    assert not [p.name for p in running.wanted(("nova", "cinder"), "full", fast=True) if p.worker]


def test_rounds_that_do_not_disturb_each_other_are_asked_side_by_side():
    running = load_running("icehouse")
    assert running is not None

    def names(ready: set[str], level: str = "smoke", *, compared: bool = False) -> list[list[str]]:
        return [[e.name for e in group] for group in running.asked(frozenset(ready), level, compared=compared)]

    assert names({"keystone", "neutron"}) == [["smoke", "agents"], ["wiring"]]
    assert names({"keystone", "neutron"}, "full", compared=True) == [
        ["census"],
        ["smoke", "agents"],
        ["wiring"],
        ["tour"],
    ]
    assert names({"neutron"}) == [["agents"]]
    assert names(set()) == []


def test_a_release_that_says_nothing_is_not_verified(tmp_path):
    (tmp_path / "antelope").mkdir()
    assert load_running("antelope", tmp_path) is None


def test_a_description_that_lacks_a_key_names_file_and_key(tmp_path):
    (tmp_path / "antelope" / "serve").mkdir(parents=True)
    (tmp_path / "antelope" / "serve.toml").write_text('host = "h"\n[[process]]\nname = "api"\n')
    with pytest.raises(UsageFault, match=r"antelope/serve\.toml: process\[0\]\.service: is missing"):
        load_running("antelope", tmp_path)


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


def test_a_round_goes_on_after_a_call_that_fails(tmp_path, monkeypatch):
    given, result = tmp_path / "given.json", tmp_path / "result.json"
    given.write_text(json.dumps({"account": {}, "services": ["nova"]}))
    monkeypatch.setattr(sys, "argv", ["round", str(given), str(result)])
    rounds = runpy.run_path(str(INSIDE / "rounds.py"))
    turn = rounds["Round"]()
    assert turn.call("nova", "boot", lambda: 1 / 0) is None
    assert turn.call("nova", "list", lambda: [1]) == [1]
    assert turn.until("nova", "active", lambda: rounds["BROKEN"]) is None
    turn.finding("nova", "boot", "it is gone", rows=[((1, "a"), None)], columns=("what", "where"))
    turn.finish()
    told = json.loads(result.read_text())
    assert [(c["name"], c["ok"]) for c in told["calls"]] == [("boot", False), ("list", True), ("active", False)]
    assert told["calls"][0]["detail"].startswith("ZeroDivisionError")
    assert told["calls"][2]["detail"] == "it went to error"
    assert told["findings"][0]["rows"] == [["(1, 'a')", None]]

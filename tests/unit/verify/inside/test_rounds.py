"""The script that asks the APIs inside a release's container."""

import json
import runpy
import sys

from .._inside import INSIDE


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

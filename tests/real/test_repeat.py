"""The same cloud upgraded twice: a difference between the two runs is named, and nothing else is."""

import json

from osupgrade.cli import run as command
from osupgrade.model.errors import Exit

OWN_CLOCK = """
title = "A trigger writes another value at every migration"
services = ["keystone"]

[silent]
at = "after:havana/keystone"

[inject]
sql = [
  "CREATE TABLE own_log (at CHAR(36) NOT NULL) ENGINE=InnoDB",
  "CREATE TRIGGER own_clock AFTER UPDATE ON migrate_version FOR EACH ROW INSERT INTO own_log VALUES (UUID())",
]

[[find]]
table = ["own_log"]
sql = "SELECT at FROM own_log WHERE at = ''"
message = "an empty entry"
effect = "it says nothing"

[check]
sql = "SELECT at FROM own_log WHERE at = ''"
rows = 0
"""


def test_a_run_that_ends_with_other_data_than_the_first_is_named(sources, client, tmp_path, capsys):
    trap = tmp_path / "scenarios" / "own-clock"
    trap.mkdir(parents=True)
    (trap / "scenario.toml").write_text(OWN_CLOCK)
    (trap / "README.md").write_text("# A clock\n")
    given = ["--services", "keystone", "--times", "2", "--verify", "none", "--no-rollback"]
    own = ["--scenarios", str(trap.parent), "--scenario", "own-clock"]
    assert command(["rehearse", *given, *own, "--out", str(tmp_path / "runs")]) == Exit.DID_NOT
    assert "run 2 of 2 on the same cloud: 1 difference" in capsys.readouterr().out
    report = json.loads((tmp_path / "runs" / "latest" / "report.json").read_text())
    (found,) = [f["finding"] for f in report["result"]["findings"] if f["finding"]["source"] == "again"]
    assert found["message"] == "run 2 of the same input produced different data from run 1"
    assert [row[0] for row in found["evidence"]["rows"]] == ["own_log"]

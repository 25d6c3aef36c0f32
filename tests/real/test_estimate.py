"""An estimate from measured runs of a multiplied cloud, and the APIs on it: copies log in and have their own wires."""

import json

import pytest

from osupgrade.cli import run as command
from osupgrade.model.errors import Exit

HOST = {"format": 1, "host": "ctl1", "cores": 8, "memory_bytes": 64 << 30, "free_bytes": 1 << 40}
SLOW = {"cpu_mb_s": 0.01, "fsync_ms": 1000.0, "write_mb_s": 0.01, "read_mb_s": 0.01}


@pytest.fixture(scope="module")
def report(client, sources, tmp_path_factory):
    place = tmp_path_factory.mktemp("estimate")
    (place / "host.json").write_text(json.dumps(HOST | SLOW))
    arguments = ["--services", "keystone,neutron", "--scale", "3", "--no-rollback", "--no-history"]
    done = command(
        ["rehearse", *arguments, "--estimate", "--factor-file", str(place / "host.json"), "--out", str(place / "runs")]
    )
    assert done == Exit.CAME_THROUGH
    return json.loads((place / "runs" / "latest" / "report.json").read_text())


def test_every_migration_was_measured_at_every_scale(report):
    rows = {m["name"]: m["rows"] for m in report["estimate"]["migrations"]}
    assert set(rows["neutron migrate_to_ml2"]) == {"1", "3"}
    assert rows["neutron migrate_to_ml2"]["3"] > 2 * rows["neutron migrate_to_ml2"]["1"] > 0
    assert {hop["step"] for hop in report["estimate"]["hops"]} == {s["step"] for s in report["result"]["steps"]}


def test_a_slow_controller_takes_as_many_times_longer(report):
    measured = sum(step["seconds"] for step in report["result"]["steps"])
    estimate = report["estimate"]
    assert estimate["host"]["host"] == "ctl1"
    # The lab's host does a megabyte in well under a second; the controller that was described needs 100 of them.
    assert estimate["total"]["low"] <= estimate["total"]["expected"] <= estimate["total"]["high"]
    assert estimate["total"]["expected"] > 20 * measured
    assert estimate["down"] == estimate["total"]


def test_the_multiplied_cloud_answers_with_every_copys_users_and_networks(report):
    wrong = [call for call in report["api"] if not call["ok"]]
    assert wrong == []
    asked = {call["name"] for call in report["api"]}
    assert "log in as commerce-user1-2 in commerce-2" in asked

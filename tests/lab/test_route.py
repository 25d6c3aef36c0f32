"""A route of several releases and two Python runtimes, from the seed of the first: all services, real tools."""

import json
import os
import subprocess
import sys

import pytest

from osupgrade.catalog.content import root
from osupgrade.model.errors import Exit

pytestmark = pytest.mark.lab


def rehearsed(tmp_path, *arguments):
    words = [*arguments, "--json", "--no-history", "--no-rollback", "--verify", "none", "--out", str(tmp_path / "runs")]
    done = subprocess.run(
        [sys.executable, "-m", "osupgrade", "rehearse", *words],
        cwd=root(),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == Exit.CAME_THROUGH, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(done.stdout)


def test_a_cloud_of_the_first_seed_goes_through_every_release_and_keeps_what_it_holds(tmp_path):
    report = rehearsed(tmp_path, "--from", "rocky", "--to", "2020.1", "--route", "every")
    steps = {step["step"]: step for step in report["result"]["steps"]}
    services = ("keystone", "glance", "cinder", "placement", "nova", "neutron")
    assert set(steps) == {f"{release}/{s}" for release in ("stein", "train", "ussuri") for s in services}
    assert {step["outcome"] for step in steps.values()} == {"passed"}
    arrived = steps["stein/placement"]
    assert "db stamp b4ed3a175331" in arrived["calls"]
    # Each invariant held after every hop of its service, and at the end.
    assert report["result"]["checked"] == {
        "identities": 4,
        "stored_images": 4,
        "stored_volumes": 4,
        "servers": 4,
        "addresses": 4,
        "placements": 4,
    }
    assert steps["ussuri/cinder"]["versions_after"] == {"cinder": ["136"]}
    assert steps["ussuri/keystone"]["versions_after"] == {"keystone": ["109", "78", "78", "78"]}

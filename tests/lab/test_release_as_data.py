"""A release that nobody knew is rehearsed after files were added under ``images/``, and no Python was touched."""

import json
import os
import shutil
import subprocess
import sys

from osupgrade.engine.lab import connect
from osupgrade.images import ImageStore
from osupgrade.images.recipe import load_recipes, tag_of
from osupgrade.releases import root

LIKE = "gazpacho"
NEW = "hibiscus"
VERSION = "2027.1"
COMMAND = f"rehearse --path 2024.1-{VERSION} --services keystone --json --no-history --no-rollback".split()
PATH = f"""
[caracal-{NEW}]
releases = ["caracal", "epoxy", "{NEW}"]
databases = ["mariadb1011"]
checks = ["kept"]
"""


def with_a_new_release(checkout):
    """A checkout with another release, which is as a known one but for its name."""
    for part in ("osupgrade", "images", "scenarios"):
        shutil.copytree(root() / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(checkout / "images" / LIKE, checkout / "images" / NEW)
    file = checkout / "images" / NEW / "release.toml"
    text = file.read_text("utf-8").replace(f'name = "{LIKE}"', f'name = "{NEW}"')
    file.write_text(text.replace('version = "2026.1"', f'version = "{VERSION}"'), "utf-8")
    paths = checkout / "images" / "paths.toml"
    paths.write_text(paths.read_text("utf-8") + PATH, "utf-8")


def test_a_new_release_is_rehearsed_with_apis_and_all(client, tmp_path):
    checkout = tmp_path / "checkout"
    with_a_new_release(checkout)
    known = ImageStore(client).ensure([LIKE], print)[LIKE]
    name, tag = tag_of(load_recipes(checkout / "images"), NEW).split(":")
    connect().images.get(known).tag(name, tag)  # made of the same files, so the same image
    try:
        done = subprocess.run(
            [sys.executable, "-m", "osupgrade", *COMMAND, "--out", str(tmp_path / "runs")],
            cwd=checkout,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        client.images.remove(f"{name}:{tag}")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert {step["step"]: step["outcome"] for step in report["result"]["steps"]} == {
        "epoxy/keystone": "passed",
        f"{NEW}/keystone": "passed",
    }
    assert {(call["service"], call["ok"]) for call in report["api"]} == {("keystone", True)}
    assert f"{VERSION}" in json.dumps(report["manifest"]["commits"])

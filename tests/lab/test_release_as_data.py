"""A release that nobody knew is rehearsed after files were added under ``images/``, and no Python was touched."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from osupgrade.catalog.content import root
from osupgrade.lab.images import ImageStore
from osupgrade.lab.images.recipe import load_recipes, tag_of
from osupgrade.model.errors import Exit

LIKE = "gazpacho"
NEW = "iris"
VERSION = "2027.1"
PATH = f"""
[caracal-{NEW}]
releases = ["caracal", "epoxy", "{NEW}"]
databases = ["mariadb1011"]
checks = ["kept"]

[in-one-go]
releases = ["yoga", "{NEW}"]
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


def rehearsed(checkout, out, *arguments):
    """The checkout's own `osupgrade rehearse`."""
    return subprocess.run(
        [sys.executable, "-m", "osupgrade", "rehearse", *arguments, "--no-history", "--out", str(out)],
        cwd=checkout,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    directory = tmp_path_factory.mktemp("new") / "checkout"
    with_a_new_release(directory)
    return directory


def test_a_new_release_is_rehearsed_with_apis_and_all(client, checkout, tmp_path):
    known = ImageStore(client).ensure([LIKE], print)[LIKE]
    name, tag = tag_of(load_recipes(checkout / "images"), NEW).split(":")
    client.images.get(known).tag(name, tag)  # made of the same files, so the same image
    try:
        words = f"--path 2024.1-{VERSION} --services keystone --json --no-rollback".split()
        done = rehearsed(checkout, tmp_path / "runs", *words)
    finally:
        client.images.remove(f"{name}:{tag}")
    assert done.returncode == Exit.CAME_THROUGH, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert {step["step"]: step["outcome"] for step in report["result"]["steps"]} == {
        "epoxy/keystone": "passed",
        f"{NEW}/keystone": "passed",
    }
    assert {(call["service"], call["ok"]) for call in report["api"]} == {("keystone", True)}
    assert report["manifest"]["commits"][f"{NEW}/keystone"].startswith("keystone 29.")


def test_a_path_that_skips_a_release_is_refused_before_anything_starts(checkout, tmp_path):
    done = rehearsed(checkout, tmp_path / "runs", "--path", "in-one-go")
    assert done.returncode == Exit.USAGE
    assert f"{NEW} cannot be reached from yoga in one hop: keystone" in done.stderr
    assert "stop at antelope or zed first" in done.stderr
    assert not (tmp_path / "runs").exists()

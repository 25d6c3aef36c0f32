"""A release is a directory: the newest one is taken out of a checkout whole, and rehearsed once its directory is back."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from osupgrade.catalog.content import root
from osupgrade.lab.images import ImageStore
from osupgrade.model.errors import Exit

NEW = "hibiscus"
PATHS = f"""
[caracal-{NEW}]
releases = ["caracal", "epoxy", "gazpacho", "{NEW}"]
databases = ["mariadb1011"]
checks = ["kept"]

[in-one-go]
releases = ["yoga", "{NEW}"]
databases = ["mariadb1011"]
checks = ["kept"]
"""
"""What docs/adding-a-release.md asks for besides the directory, where a route is to have a name."""
PARTS = ("osupgrade", "images", "scenarios")


def without_the_release(checkout):
    """A checkout of the time before this release: no code, and nothing that was read from its code, names it."""
    for part in PARTS:
        shutil.copytree(root() / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__", NEW, f"*-{NEW}"))
    for file in (checkout / "osupgrade" / "openstack").rglob("revisions.toml"):
        text = file.read_text("utf-8")
        file.write_text(re.sub(rf"(?ms)^\[\w+\.{NEW}\]\n.*?(?=^\[|\Z)", "", text), "utf-8")


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
def before(tmp_path_factory):
    """The checkout without the release."""
    directory = tmp_path_factory.mktemp("before") / "checkout"
    without_the_release(directory)
    return directory


@pytest.fixture(scope="module")
def after(before, tmp_path_factory):
    """The same checkout with the release's directory, and two paths."""
    directory = tmp_path_factory.mktemp("after") / "checkout"
    shutil.copytree(before, directory)
    shutil.copytree(root() / "images" / NEW, directory / "images" / NEW)
    with (directory / "images" / "paths.toml").open("a") as file:
        file.write(PATHS)
    return directory


def test_nothing_but_its_directory_names_the_release(before):
    """The machinery cannot know it; traps may name hops of it, which no route has then."""
    texts = [
        file for part in PARTS[:2] for file in (before / part).rglob("*") if file.suffix in (".py", ".toml", ".json")
    ]
    assert len(texts) > 300
    assert [str(file.relative_to(before)) for file in texts if NEW in file.read_text("utf-8")] == []


def test_without_its_directory_it_is_unknown(before, tmp_path):
    done = rehearsed(before, tmp_path / "runs", "--from", "gazpacho", "--to", NEW)
    assert done.returncode == Exit.USAGE, done.stdout + done.stderr
    assert NEW in done.stderr and "Traceback" not in done.stderr


def test_with_its_directory_it_is_rehearsed_with_apis_and_all(client, after, tmp_path):
    ImageStore(client).ensure([NEW], print)  # of the same files, so under the same tag
    done = rehearsed(
        after, tmp_path / "runs", *f"--path caracal-{NEW} --services keystone --json --no-rollback".split()
    )
    assert done.returncode == Exit.CAME_THROUGH, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert {step["step"]: step["outcome"] for step in report["result"]["steps"]} == {
        f"{release}/keystone": "passed" for release in ("epoxy", "gazpacho", NEW)
    }
    assert {(call["service"], call["ok"]) for call in report["api"]} == {("keystone", True)}
    pinned = re.search(r"(?m)^keystone==(\S+)", (after / "images" / NEW / "requirements.txt").read_text("utf-8"))
    assert report["manifest"]["commits"][f"{NEW}/keystone"] == f"keystone {pinned[1]}"


def test_a_path_that_skips_a_release_is_refused_before_anything_starts(after, tmp_path):
    done = rehearsed(after, tmp_path / "runs", "--path", "in-one-go")
    assert done.returncode == Exit.USAGE
    assert f"{NEW} cannot be reached from yoga in one hop: keystone" in done.stderr
    assert re.search(r"stop at [a-z]+(,| or) ", done.stderr)
    assert not (tmp_path / "runs").exists()

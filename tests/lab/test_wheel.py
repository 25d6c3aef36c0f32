"""The wheel, installed as a user installs it: everything works from any directory, and nothing needs the checkout."""

import json
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from osupgrade import __version__
from osupgrade.catalog.content import root

pytestmark = pytest.mark.lab

BUILD = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The directory of an empty environment's programs, after the wheel was installed into it."""
    place = tmp_path_factory.mktemp("wheel")
    subprocess.run([*BUILD, "--wheel-dir", place, root()], check=True)
    venv.create(place / "env", with_pip=True)
    (wheel,) = place.glob("*.whl")
    pip = [place / "env/bin/python", "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", wheel], check=True)
    return place / "env" / "bin"


@pytest.fixture
def osupgrade(installed, tmp_path):
    def run(*arguments: str, status: int = 0) -> str:
        ended = subprocess.run(
            [installed / "osupgrade", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=1200
        )
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended.stdout

    return run


def test_it_holds_every_file_that_the_repository_has(installed):
    (package,) = installed.parent.glob("lib/python*/site-packages/osupgrade")
    listed = subprocess.run(
        ["git", "ls-files", "osupgrade", "images", "scenarios"], cwd=root(), capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert listed
    for name in listed:
        below, rest = name.split("/", 1)
        copy = package / rest if below == "osupgrade" else package / "_content" / name
        assert copy.read_bytes() == (root() / name).read_bytes(), name
        assert copy.stat().st_mode & 0o100 == (root() / name).stat().st_mode & 0o100, name


def test_the_version(osupgrade):
    assert osupgrade("--version") == f"osupgrade {__version__}\n"


def test_the_scenarios_are_those_of_the_repository(osupgrade):
    listed = {each["name"] for each in json.loads(osupgrade("scenarios", "list", "--json"))}
    assert listed == {file.parent.name for file in (root() / "scenarios").glob("*/scenario.*")}


def test_its_images_are_those_of_the_repository(osupgrade, installed):
    """The same tags: a copy that differs in one byte or mode would build every image again."""
    here = subprocess.run(
        [sys.executable, "-m", "osupgrade", "images", "list", "--json"],
        cwd=root(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(osupgrade("images", "list", "--json")) == json.loads(here.stdout)


def test_doctor_finds_what_the_lab_needs(installed, tmp_path):
    ended = subprocess.run([installed / "osupgrade", "doctor"], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode in (0, 3), ended.stderr  # 3: an image or a source is missing, and it says which
    assert re.search(r"^ok\s+Docker engine", ended.stdout, re.MULTILINE)
    assert ended.stderr == ""


def test_a_rehearsal(osupgrade, tmp_path, sources):
    osupgrade("rehearse", "--path", "grizzly-havana", "--services", "keystone", "--no-rollback", "--no-history")
    report = json.loads(Path(tmp_path, "runs", "latest", "report.json").read_text())
    assert report["exit_status"] == 0
    assert report["schemas"] == [{"service": "keystone", "reached": "36", "exact": True, "customisations": []}]

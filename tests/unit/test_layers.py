"""import-linter is able to fail: a copy of the package with one import that runs upwards, or in a circle, is refused."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from osupgrade.catalog.content import root


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    place = tmp_path_factory.mktemp("layers")
    shutil.copytree(root() / "osupgrade", place / "osupgrade", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root() / "pyproject.toml", place)
    return place


def lint(place):
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=place, env={"PYTHONPATH": str(place)}, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("file", "line", "says"),
    [
        ("model/plan.py", "import osupgrade.report.json", "osupgrade.model.plan -> osupgrade.report.json"),
        ("schema/diff.py", "import osupgrade.openstack.neutron.sql", "osupgrade.schema.diff -> osupgrade.openstack"),
        ("model/text.py", "import docker", "osupgrade.model.text -> docker"),
        ("schema/tables.py", "import osupgrade.schema.diff", "No cycles are allowed in osupgrade.schema."),
    ],
)
def test_a_violation_is_caught(copy, file, line, says):
    module = copy / "osupgrade" / file
    kept = module.read_text("utf-8")
    module.write_text(kept + f"\n{line}\n", "utf-8")
    try:
        ended = lint(copy)
    finally:
        module.write_text(kept, "utf-8")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert says in ended.stdout


def test_the_package_as_it_is_keeps_every_contract(copy):
    ended = lint(copy)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 broken" in ended.stdout

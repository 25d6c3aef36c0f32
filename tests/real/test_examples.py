"""The examples as their README has them, with the real tools; and what becomes of a version under another name."""

import json
import re
import subprocess
import sys

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.services import repository
from osupgrade.model.errors import Exit

EXAMPLES = root() / "examples"


def osupgrade(*arguments):
    command = [sys.executable, "-m", "osupgrade", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


def rehearsed(out, *arguments):
    done = osupgrade("rehearse", "--verify", "none", "--no-history", "--out", out, *arguments)
    return done, json.loads((out / "latest" / "report.json").read_text("utf-8"))


def commands():
    """The lines of the README that are commands, their files taken from the directory of examples."""
    lines = (EXAMPLES / "README.md").read_text("utf-8").splitlines()
    return [line.split()[1:] for line in lines if line.startswith("    osupgrade ")]


@pytest.mark.usefixtures("sources", "client")
@pytest.mark.parametrize("words", [c for c in commands() if "examples/keystone.sql" in c], ids=lambda words: words[0])
def test_the_example_dumps_do_what_their_readme_says(words, tmp_path):
    words = [str(root() / word) if word.startswith("examples/") else word for word in words]
    if words[0] == "inspect":
        done = osupgrade(*words)
        assert done.returncode == Exit.DID_NOT, done.stdout + done.stderr
        assert "Not ready for the upgrade: 1 error" in done.stdout
        return
    done, report = rehearsed(tmp_path, *words[1:])
    assert done.returncode == Exit.CAME_THROUGH, done.stdout + done.stderr
    assert [f["state"] for f in report["result"]["findings"] if f["finding"]["severity"] == "error"] == ["cured"]


@pytest.mark.usefixtures("sources", "client")
def test_a_version_under_another_name_is_found_and_its_cure_helps(tmp_path):
    wrong = tmp_path / "glance.sql"
    wrong.write_text((EXAMPLES / "glance.sql").read_text("utf-8").replace("'Glance Migrations'", "'glance'"))
    done, report = rehearsed(tmp_path / "wrong", wrong, "--path", "grizzly-icehouse")
    assert done.returncode == Exit.DID_NOT
    (step,) = [step for step in report["result"]["steps"] if step["outcome"] == "failed"]
    assert "1050" in step["diagnosis"]["error"] and step["step"] == "havana/glance"
    inspected = json.loads(osupgrade("inspect", "--json", wrong).stdout)
    (found,) = [f for f in inspected["findings"] if f["place"] == "migrate_version.repository_id"]
    (cure,) = found["cure"]["steps"]
    wrong.write_text(wrong.read_text("utf-8") + f"USE `glance`;\n{cure['statement']};\n")
    done, _ = rehearsed(tmp_path / "right", wrong, "--path", "grizzly-icehouse")
    assert done.returncode == Exit.CAME_THROUGH, done.stdout + done.stderr


def test_the_tools_look_for_the_names_that_the_catalogue_has(sources):
    seen = set()
    for release in load_releases().values():
        for part in release.services.values():
            if not part.pin:
                continue
            for file in sources.tree(part).rglob("migrate_repo/migrate.cfg"):
                (name,) = re.findall(r"^repository_id\s*=\s*(.+?)\s*$", file.read_text("utf-8"), re.MULTILINE)
                databases = {one.name for one in part.databases}
                if "baremetal" not in file.parts and not (set(file.parts) & {"contrib"}):
                    assert name in {repository(database) for database in databases}, file
                    seen.add(name)
    assert seen >= {"keystone", "Glance Migrations", "cinder", "nova"}

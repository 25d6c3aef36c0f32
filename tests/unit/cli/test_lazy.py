"""Commands are imported when they are run, so that asking for help does not load the engine's client and the rest."""

import json
import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from osupgrade.cli import Commands, app
from osupgrade.cli.lazy import whole

# Not pydantic: Typer itself imports it to complete a word.
HEAVY = {"docker", "sqlalchemy", "pymysql", "jinja2", "requests", "testcontainers", "sqlglot", "yaml"}
COUNTED = "import json, sys; from osupgrade.__main__ import main\ntry:\n    main()\nfinally:\n    print(json.dumps(sorted(sys.modules)), file=sys.stderr)"


def imported(words, **environment):
    argv = [sys.executable, "-c", COUNTED, *words]
    done = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    ("words", "environment", "shown"),
    [
        (["--help"], {}, "sanitize"),
        (["--version"], {}, "osupgrade"),
        ([], {"_OSUPGRADE_COMPLETE": "complete_bash", "COMP_WORDS": "osupgrade rou", "COMP_CWORD": "1"}, "routes"),
    ],
    ids=["help", "version", "completion"],
)
def test_what_needs_no_command_imports_none(words, environment, shown):
    printed, modules = imported(words, **environment)
    assert shown in printed
    assert not HEAVY & modules
    assert {name for name in modules if name.startswith("osupgrade.cli.")} <= {
        "osupgrade.cli.lazy",
        "osupgrade.cli.streams",
    }
    # Python itself, rich and Typer are 340, and pydantic, for a completion, 60.
    assert len(modules) < 450


@pytest.mark.parametrize("name", Commands.entries)
def test_the_list_says_what_the_command_says_of_itself(name):
    said = whole(app).commands[name].help
    assert Commands.entries[name].help == " ".join(said.split("\n\n")[0].split())


def test_every_command_of_the_list_shows_its_own_help():
    for name in Commands.entries:
        shown = CliRunner().invoke(app, [name, "--help"])
        assert shown.exit_code == 0, name
        assert f"osupgrade {name}" in shown.output.replace("root", "osupgrade"), shown.output


def test_only_what_is_declared_so_can_be_loaded_whole():
    other = typer.Typer()
    other.command()(lambda: None)
    with pytest.raises(TypeError):
        whole(other)

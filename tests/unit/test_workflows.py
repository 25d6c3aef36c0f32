"""The CI workflows: what GitHub and GitLab accept, and no command in them that osupgrade does not have."""

import re
import shlex
import subprocess
import sys

import pytest
import typer
import typer.main
from ruamel.yaml import YAML

from osupgrade.catalog.content import root
from osupgrade.cli import app
from osupgrade.cli.lazy import whole
from osupgrade.lab.sources import Sources, cache_directory
from osupgrade.nightly.split import Shard

GITHUB = root() / ".github" / "workflows" / "nightly.yml"
GITLAB = root() / ".gitlab-ci.yml"
# What a CI server puts in before the shell sees the line.
_GITHUB_VALUES = {"matrix.shard": "2", "runner.arch": "X64", "github.run_id": "1"}
_SHELL_VALUES = {"SHARD": "2"}


def yaml(file):
    return YAML(typ="safe").load(file.read_text("utf-8"))


def scripts(file):
    """Every shell text of a workflow."""
    data = yaml(file)
    if file == GITHUB:
        texts = [step["run"] for job in data["jobs"].values() for step in job["steps"] if "run" in step]
    else:
        jobs = [job for job in data.values() if isinstance(job, dict)]
        texts = [
            line for job in jobs for part in ("before_script", "script", "after_script") for line in job.get(part, ())
        ]
    return [filled(text) for text in texts]


def filled(text):
    text = re.sub(r"\$\{\{ *([\w.]+) *\}\}", lambda match: _GITHUB_VALUES[match[1]], text)
    return re.sub(r"\$(\w+)", lambda match: _SHELL_VALUES.get(match[1], match[0]), text)


def commands(file):
    """Every call of osupgrade, those through make included, as words."""
    return [words for text in scripts(file) for words in calls(text)]


def calls(text):
    """The calls of osupgrade in one shell text."""
    found = []
    for line in text.splitlines():
        words = list(shlex.shlex(line, posix=True, punctuation_chars=True))
        for start, word in enumerate(words):
            rest = words[start + 1 :]
            end = next((n for n, w in enumerate(rest) if set(w) <= set("|&;<>()")), len(rest))
            if word == ".venv/bin/osupgrade":
                found.append(rest[:end])
            elif word == "make":
                found += through_make(rest[:end])
    return found


def through_make(words):
    makefile = (root() / "Makefile").read_text()
    targets = [word for word in words if "=" not in word]
    more = dict(word.split("=", 1) for word in words if "=" in word)
    for target in targets:
        assert re.search(rf"^{target}:.*##", makefile, re.MULTILINE), f"there is no `make {target}`"
        if target == "nightly":
            assert "osupgrade nightly $(ARGS)" in makefile
            yield ["nightly", *shlex.split(more.get("ARGS", ""))]


def understood(words):
    """Whether the command line has this command with these options; fails naming what it does not have."""
    command = whole(app)
    words = list(words)
    while hasattr(command, "commands"):
        name = words.pop(0)
        assert name in command.commands, f"osupgrade has no command {name!r}"
        command = command.commands[name]
    # Parsing raises for an option that is unknown, a value that is missing and an argument too many.
    return command.make_context(name, words)


@pytest.mark.parametrize(
    ("file", "schema"),
    [(GITHUB, ["vendor.github-workflows"]), (GITLAB, ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"])],
    ids=["github", "gitlab"],
)
def test_the_servers_schemas_accept_them(file, schema):
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *schema, str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_every_command_in_them_exists_with_its_options(file):
    found = commands(file)
    assert {"nightly", "report", "images", "sources"} <= {words[0] for words in found}
    for words in found:
        understood(words)


@pytest.mark.parametrize(
    "words", [["nightly", "--shards", "1/4"], ["images", "carry"], ["images", "load"], ["report", "--join", "--x"]]
)
def test_what_does_not_exist_is_found(words):
    with pytest.raises((AssertionError, typer.TyperException)):
        understood(words)


def test_all_shards_of_a_night_are_run():
    job = yaml(GITHUB)["jobs"]["shard"]["strategy"]["matrix"]["shard"]
    assert job == list(range(1, len(job) + 1))
    (words,) = [words for words in commands(GITHUB) if words[0] == "nightly"]
    assert Shard.parse(words[words.index("--shard") + 1]) == Shard(2, len(job))
    (matrix,) = yaml(GITLAB)["nightly"]["parallel"]["matrix"]
    assert [int(number) for number in matrix["SHARD"]] == list(range(1, len(matrix["SHARD"]) + 1))
    (words,) = [words for words in commands(GITLAB) if words[0] == "nightly"]
    assert Shard.parse(words[words.index("--shard") + 1]) == Shard(2, len(matrix["SHARD"]))


def test_images_are_shared_sources_cached_and_artifacts_kept_whatever_happens():
    text = GITHUB.read_text()
    assert "actions/cache" in text and "mirrors" in text and "OSUPGRADE_REGISTRY" in text
    for name, job in yaml(GITHUB)["jobs"].items():
        called = {words[0] for step in job["steps"] for words in calls(filled(step.get("run", "")))}
        keeping = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
        assert bool(keeping) == bool(called & {"nightly", "report"}), (
            f"{name}: a job keeps what a run left, if it runs one"
        )
        assert all(step["if"] == "always()" for step in keeping)
    jobs = yaml(GITLAB)
    assert all(jobs[name]["artifacts"]["when"] == "always" for name in ("nightly", "join"))
    assert {name for name in jobs if "cache" in (jobs[name] if isinstance(jobs[name], dict) else {})} == {
        "prepare",
        "nightly",
        "join",
    }


def test_cached_directories_are_those_that_are_used():
    assert "~/.cache/osupgrade/mirrors" in GITHUB.read_text()
    assert yaml(GITLAB)["variables"]["XDG_CACHE_HOME"] == "$CI_PROJECT_DIR/.cache"
    assert str(Sources({}).mirror("nova").relative_to(cache_directory())) == "mirrors/nova.git"

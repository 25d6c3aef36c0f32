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
from osupgrade.lab.sources import Sources
from osupgrade.model.places import cache_directory
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


def called(text):
    """The commands of osupgrade in one shell text, by their first word."""
    return {words[0] for words in calls(filled(text))}


def jobs_with_caches(file):
    """By job: the commands that it calls, and the paths that it caches or restores from a cache."""
    data = yaml(file)
    if file == GITHUB:
        for name, job in data["jobs"].items():
            steps = job["steps"]
            paths = {step["with"]["path"] for step in steps if step.get("uses", "").startswith("actions/cache")}
            yield name, {word for step in steps for word in called(step.get("run", ""))}, paths
    else:
        for name, job in data.items():
            if isinstance(job, dict) and "script" in job and "stage" in job:
                paths = {path for cache in job["cache"] for path in cache["paths"]}
                yield name, {word for line in job["script"] for word in called(line)}, paths


@pytest.mark.parametrize("file", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_what_a_job_reads_is_in_its_caches(file):
    """The mirrors where code of the services is needed, at the place where osupgrade looks; the history with each use."""
    mirrors = str(Sources({}).mirror("nova").parent.relative_to(cache_directory().parent))
    found = {name: (words, paths) for name, words, paths in jobs_with_caches(file)}
    assert set().union(*(words for words, _ in found.values())) >= {"sources", "nightly", "report"}
    for name, (words, paths) in found.items():
        assert any(path.endswith(mirrors) for path in paths) == bool(words & {"sources", "nightly"}), name
        assert ("history.sqlite" in paths) == bool(words & {"nightly", "report"}), name


def test_images_are_shared_through_a_registry():
    assert yaml(GITHUB)["env"]["OSUPGRADE_REGISTRY"] and yaml(GITLAB)[".engine"]["variables"]["OSUPGRADE_REGISTRY"]
    for job in (
        job for job in yaml(GITHUB)["jobs"].values() if any("nightly" in called(s.get("run", "")) for s in job["steps"])
    ):
        assert any("docker login" in step.get("run", "") for step in job["steps"])
    assert yaml(GITLAB)["prepare"]["extends"] == yaml(GITLAB)["nightly"]["extends"] == ".engine"


def test_what_a_run_leaves_is_kept_whatever_happens():
    for name, job in yaml(GITHUB)["jobs"].items():
        words = {word for step in job["steps"] for word in called(step.get("run", ""))}
        keeping = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
        assert bool(keeping) == bool(words & {"nightly", "report"}), (
            f"{name}: a job keeps what a run left, if it runs one"
        )
        assert all(step["if"] == "always()" for step in keeping)
    jobs = yaml(GITLAB)
    assert all(jobs[name]["artifacts"]["when"] == "always" for name in ("nightly", "join"))


def test_cached_directories_are_those_that_are_used():
    assert yaml(GITLAB)["variables"]["XDG_CACHE_HOME"] == "$CI_PROJECT_DIR/.cache"
    assert str(Sources({}).mirror("nova").relative_to(cache_directory())) == "mirrors/nova.git"

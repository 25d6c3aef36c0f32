"""What the package imports is what it declares, and a developer's tools stay out of it."""

import ast
import functools
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest

from osupgrade.catalog.content import root

PROJECT = tomllib.loads((root() / "pyproject.toml").read_text("utf-8"))["project"]
ELSEWHERE = ("osupgrade/lab/observer/inside/", "osupgrade/verify/inside/", "osupgrade/openstack/common/apis/")
"""Sent into containers and other machines, where other packages are."""


@functools.cache
def names_in(text):
    """The modules that a file imports, wherever in it."""
    names = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.append(node.module)
    return names


def imported(files):
    """The top-level packages that files import, each with the first file that does."""
    found = {}
    for file in files:
        for name in names_in(file.read_text("utf-8")):
            found.setdefault(name.partition(".")[0], str(file.relative_to(root())))
    return {name: file for name, file in found.items() if name not in sys.stdlib_module_names and name != "osupgrade"}


def shipped():
    files = [*root().glob("osupgrade/**/*.py"), *root().glob("scenarios/*/*.py")]
    return [f for f in files if not str(f.relative_to(root())).startswith(ELSEWHERE)]


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements):
    return {normal(re.match(r"[\w.-]+", requirement)[0]) for requirement in requirements}


@pytest.fixture(scope="module")
def needs():
    return imported(shipped())


@pytest.fixture(scope="module")
def distributions():
    """Which distributions bring a package that is imported."""
    brought = importlib.metadata.packages_distributions()
    return lambda package: {normal(name) for name in brought.get(package, ())}


def test_every_import_is_declared(needs, distributions):
    """Not only there because another distribution happens to bring it."""
    assert "pydantic" in needs and "docker" in needs
    undeclared = {n: f for n, f in needs.items() if not distributions(n) & declared(PROJECT["dependencies"])}
    assert undeclared == {}


def test_everything_declared_is_imported(needs, distributions):
    used = set().union(*(distributions(name) for name in needs))
    assert declared(PROJECT["dependencies"]) - used == set()


def test_the_developers_tools_are_not_needed_by_users(needs):
    only_developers = declared(PROJECT["optional-dependencies"]["dev"]) - declared(PROJECT["dependencies"])
    assert "hypothesis" in only_developers
    assert {normal(name) for name in needs} & only_developers == set()


def test_an_undeclared_import_is_seen(tmp_path, monkeypatch):
    file = root() / "osupgrade" / "cli" / "options.py"
    text = file.read_text("utf-8") + "\n\ndef late():\n    import hypothesis.strategies\n"
    monkeypatch.setattr(Path, "read_text", lambda _path, *_: text)
    assert imported([file])["hypothesis"] == "osupgrade/cli/options.py"

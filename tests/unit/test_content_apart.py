"""The machinery knows no release and no service by name: what is true of one is content, and loaded."""

import ast
import re
from pathlib import Path

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.services import services

RELEASES = """
austin bexar cactus diablo essex folsom grizzly havana icehouse juno kilo liberty mitaka newton ocata pike queens rocky
stein train ussuri victoria wallaby xena yoga zed antelope bobcat caracal dalmatian epoxy flamingo gazpacho hibiscus
"""
PARTS = "quantum swift heat horizon ml2 linuxbridge openvswitch lbaas"
NAMES = {*RELEASES.split(), *PARTS.split(), *services(), *load_releases()}
NAME = re.compile(rf"(?<![a-z])({'|'.join(sorted(NAMES))})(?![a-z])")
STILL_THERE: dict[str, set[str]] = {}
"""File below osupgrade/ -> the names that have yet to move. It only ever gets shorter."""


def words(tree):
    """Every text and every name in a module, with its line; docstrings are for people and are left out."""
    docs = {
        statement.value
        for node in ast.walk(tree)
        for statement in (node.body if isinstance(getattr(node, "body", None), list) else ())
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(word)) if node not in docs:
                yield word, node.lineno
            case (
                ast.Name(id=word)
                | ast.Attribute(attr=word)
                | ast.FunctionDef(name=word)
                | ast.ClassDef(name=word)
                | ast.arg(arg=word)
            ):
                yield word, node.lineno


def named(text):
    """The services and releases that a module names, each with the lines where it does."""
    found = {}
    for word, line in words(ast.parse(text)):
        for name in NAME.findall(word.lower()):
            found.setdefault(name, []).append(line)
    return found


def machinery():
    package = root() / "osupgrade"
    return [
        f for f in sorted(package.rglob("*.py")) if f.relative_to(package).parts[0] not in ("openstack", "_content")
    ]


@pytest.mark.parametrize("file", machinery(), ids=lambda file: str(file.relative_to(root() / "osupgrade")))
def test_no_service_and_no_release_is_named(file):
    known = STILL_THERE.get(str(file.relative_to(root() / "osupgrade")), set())
    found = named(Path(file).read_text("utf-8"))
    assert {name: lines for name, lines in found.items() if name not in known} == {}
    assert known <= found.keys(), "it has moved: shorten STILL_THERE"


@pytest.mark.parametrize(
    "text",
    [
        'x = "nova"',
        "if service == 'ml2': pass",
        "quantum = 1",
        "def seed_nova(): ...",
        "a.neutron",
        "f(f'{x} grizzly')",
    ],
)
def test_a_name_is_seen(text):
    assert named(text)


@pytest.mark.parametrize("text", ['"""What nova does."""', "terrain = 'innovation'", "# nova", "def f():\n    'nova'"])
def test_what_is_no_name_is_not(text):
    assert not named(text)

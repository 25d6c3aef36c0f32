"""What runs in containers is no subject of ruff and mypy, so that every name in it has a meaning is tried here."""

import ast
import builtins

import pytest

from osupgrade.catalog.content import root

INSIDE = sorted((root() / "osupgrade" / "lab" / "observer" / "inside").glob("*.py"))


def unknown(text):
    known, used = {*dir(builtins), "__file__"}, set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                known.add(node.name)
            case ast.arg():
                known.add(node.arg)
            case ast.Name(ctx=ast.Load()):
                used.add(node.id)
            case ast.Name():
                known.add(node.id)
            case ast.alias():
                known.add((node.asname or node.name).partition(".")[0])
            case ast.ExceptHandler(name=str()):
                known.add(node.name)
    return used - known


@pytest.mark.parametrize("file", INSIDE, ids=lambda file: file.name)
def test_every_name_is_imported_or_defined(file):
    assert unknown(file.read_text("utf-8")) == set()


def test_a_name_without_meaning_is_seen():
    assert unknown("from a import B\ndef f(x):\n    return x[:B] + MOST\n") == {"MOST"}

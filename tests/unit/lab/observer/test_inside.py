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


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("5.6.24-log", "innodb_sys_tablestats"),
        ("5.7.44", "innodb_sys_tablestats"),
        ("10.5.23-MariaDB-0+deb11u1", "innodb_sys_tablestats"),
        ("11.8.2-MariaDB", "innodb_sys_tablestats"),
        ("8.0.36", "innodb_tablestats"),
        ("9.7.4", "innodb_tablestats"),
    ],
)
def test_the_table_of_sizes_is_asked_by_the_servers_own_name_for_it(version, name):
    (file,) = (file for file in INSIDE if file.name == "osupgrade_observer.py")
    wanted = [n for n in ast.parse(file.read_text("utf-8")).body if getattr(n, "name", "") == "stats_of"]
    known = {}
    exec(compile(ast.Module(wanted, []), str(file), "exec"), known)
    assert known["stats_of"](version) == name

"""No module over 400 lines, no function over 60: what is longer does more than one thing."""

import ast

import pytest

from osupgrade.catalog.content import root

LONGEST_MODULE, LONGEST_FUNCTION = 400, 60


def modules():
    for top in ("osupgrade", "tools", "scenarios", "images", "tests"):
        yield from (path for path in sorted((root() / top).rglob("*.py")) if "_content" not in path.parts)


def name(path):
    return str(path.relative_to(root()))


def definitions(node):
    """The functions in a module, wherever a statement may be; expressions, which are most of a tree, have none."""
    for part in ("body", "orelse", "handlers", "finalbody", "cases"):
        for statement in getattr(node, part, ()):
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                yield statement
            yield from definitions(statement)


def long_functions(text):
    for node in definitions(ast.parse(text)):
        lines = (node.end_lineno or 0) - node.lineno + 1
        if lines > LONGEST_FUNCTION:
            yield node.name, lines


def test_no_module_is_too_long():
    """Tests are lists of cases, which may be long; what they try may not."""
    lengths = {name(path): len(path.read_bytes().splitlines()) for path in modules() if "tests" not in path.parts}
    assert {file: lines for file, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_no_function_is_too_long():
    long = {}
    for path in modules():
        try:
            long |= {f"{name(path)}:{function}": n for function, n in long_functions(path.read_text("utf-8"))}
        except SyntaxError:  # Python 2's
            continue
    assert long == {}


@pytest.mark.parametrize(
    "place",
    [
        "{}",
        "class A:\n{}",
        "def outer():\n{}",
        "if a:\n    pass\nelse:\n{}",
        "try:\n    pass\nexcept A:\n{}\nfinally:\n    pass",
        "try:\n    pass\nfinally:\n{}",
        "match a:\n case 1:\n{}",
        "with a:\n for b in c:\n  while d:\n{}",
    ],
)
@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize(("lines", "seen"), [(LONGEST_FUNCTION, 0), (LONGEST_FUNCTION + 1, 1)])
def test_a_long_function_is_seen_wherever_it_is(place, kind, lines, seen):
    indent = "" if place == "{}" else "    "
    one = f"{indent}{kind} one():\n" + "\n".join(f"{indent}    pass" for _ in range(lines - 1))
    found = [name for name, _ in long_functions(place.format(one) + "\n") if name == "one"]
    assert len(found) == seen

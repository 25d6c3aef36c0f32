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


def long_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
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


@pytest.mark.parametrize(("lines", "seen"), [(LONGEST_FUNCTION, 0), (LONGEST_FUNCTION + 1, 1)])
def test_a_long_function_is_seen(lines, seen):
    body = "\n".join("    pass" for _ in range(lines - 1))
    assert len(list(long_functions(f"def one():\n{body}\n"))) == seen

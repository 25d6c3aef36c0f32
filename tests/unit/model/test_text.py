"""Durations and counts in words."""

import ast
import functools
import re
import tomllib

import pytest

from osupgrade.catalog.content import root
from osupgrade.model.text import counted, duration

MESSAGES = ("message", "effect", "summary")
SEVERAL = re.compile(r"^ (?!of\b|in\b)(?:[\w'-]+ ){0,2}?(?!is\b|was\b|has\b|this\b|its\b|less\b)[a-z-]+s\b")
"""What follows a number in a text that is right for several only: ``tables``, ``load balancer pools``."""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (99.9, "99.9 s"), (99.96, "1 min 40 s"), (3599.7, "1 h 00 min"), (7510, "2 h 05 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 tables of nova are not utf8, so they stay"),
        (1, "1 table of nova is not utf8, so it stays"),
        (2, "2 tables of nova are not utf8, so they stay"),
    ],
)
def test_a_sentence_has_the_form_of_its_number(number, text):
    template = "{n} table[s] of {service} [is|are] not utf8, so [it stays|they stay]"
    assert counted(number, template, service="nova") == text


def test_values_are_put_in_as_they_are():
    assert counted(1, "{n} row[s] of {text}, {number}", text="a[s] {n} [x|y]", number=7) == "1 row of a[s] {n} [x|y], 7"
    assert counted(2, "{other} of [DEFAULT] and []") == "{other} of [DEFAULT] and []"


def templates():
    """Every text of a scenario.toml, and of counted() in the code, that has the number of what it is about."""
    for file in sorted((root() / "scenarios").glob("*/scenario.toml")):
        declaration = tomllib.loads(file.read_text("utf-8"))
        for find in declaration.get("find", ()):
            yield from ((f"{file.parent.name}: {key}", find[key]) for key in MESSAGES if "{n}" in find.get(key, ""))
    for file in code():
        for node in nodes(file):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"\{n\} \S", node.value):
                yield f"{file.relative_to(root())}:{node.lineno}", node.value


@functools.cache
def nodes(file):
    """All of a module's syntax; both tests that read it do so in the same process."""
    return tuple(ast.walk(ast.parse(file.read_text("utf-8"))))


def code():
    return [*sorted((root() / "osupgrade").rglob("*.py")), *sorted((root() / "scenarios").glob("*/scenario.py"))]


def mistakes(where, template):
    """What is wrong with a text for one or for two."""
    one, two = counted(1, template), counted(2, template)
    if "{all}" not in template and one.replace("1", "2") == two:
        yield f"{where} is the same for one and for many"
    if any(
        re.match(r" (?:(?!and)[\w'-]+ ){1,3}(are|were|have|do)\b", said) for said in re.findall(r"\b1(?= )(.*)", one)
    ):
        yield f"{where}: {one}"
    if any(
        re.match(r" (?:(?!and)[\w'-]+ ){1,3}(is|was|has|does)\b", said) for said in re.findall(r"\b2(?= )(.*)", two)
    ):
        yield f"{where}: {two}"


@pytest.mark.parametrize("template", ["{n} tables", "{n} table[s] is gone", "{n} table[s] are gone"])
def test_a_mistake_is_seen(template):
    assert list(mistakes("here", template))


def test_what_counts_is_right_for_one_and_for_many():
    found = list(templates())
    assert len(found) > 50
    assert [mistake for where, template in found for mistake in mistakes(where, template)] == []


def counting(file):
    """The numbers of things that a text names in the form for several, without ``counted``."""
    for node in nodes(file):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, after in zip(node.values, node.values[1:], strict=False):
            if not isinstance(value, ast.FormattedValue) or not isinstance(after, ast.Constant):
                continue
            number = ast.unparse(value.value)
            if re.search(r"^len\(|^sum\(|(\.|^)total$|(?<!ac)count$", number) and SEVERAL.match(after.value):
                yield f"{file.relative_to(root())}:{node.lineno}: {{{number}}}{after.value}"


def test_nothing_counts_without_a_form_for_one():
    assert not [place for file in code() for place in counting(file)]

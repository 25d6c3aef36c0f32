"""What a fault says and offers: one sentence, and commands that exist with the options that are given to them."""

import ast
import functools
import re
import shlex

from osupgrade.catalog.content import root
from osupgrade.cli import app
from osupgrade.cli.lazy import whole

COMMAND = re.compile(r"(?:^|`|: )osupgrade (?P<words>[a-z][^`;,()\n]*)")
FAULTS = {"UsageFault", "MissingFault", "LabFault"}
ROOT = whole(app)


def text_of(node):
    """A string with each value that is put into it as the word X; None for what is no string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
    return None


@functools.cache
def faults():
    return tuple(_faults())


def _faults():
    """Every fault that the package raises, with where, its sentence and its hint as far as they are written there."""
    for path in sorted((root() / "osupgrade").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FAULTS and node.args:
                hints = [text_of(word.value) for word in node.keywords if word.arg == "hint"]
                yield f"{path.name}:{node.lineno}", text_of(node.args[0]), next(iter(hints), None)


@functools.cache
def offered():
    return tuple(_offered())


def _offered():
    for where, message, hint in faults():
        for text in filter(None, (message, hint)):
            yield from ((where, found["words"].strip()) for found in COMMAND.finditer(text))


def unknown(words):
    """What the command line does not have of this command."""
    command = ROOT
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in command.commands:
            return f"no command {name}"
        command = command.commands[name]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return sorted({w.partition("=")[0] for w in words if re.match(r"--?[a-z]", w)} - options - {"--help"})


def test_faults_are_found():
    assert len(faults()) > 200
    assert len(offered()) > 30


def test_a_sentence_neither_ends_like_one_nor_begins_with_the_program():
    """It is printed after `osupgrade: `, and `next: ` is printed before what to do."""
    for where, message, hint in faults():
        for text in filter(None, (message, hint)):
            assert not re.search(r"(?<!\.)[.!]$", text), f"{where}: {text}"
        assert not re.match(r"(?i)osupgrade: |error|next: ", message or ""), f"{where}: {message}"
        assert "\n" not in (message or ""), where


def test_every_command_that_is_offered_exists():
    for where, words in sorted(set(offered())):
        # What follows the command in a sentence is not a part of it.
        given = shlex.split(re.split(r" (?:says|shows|lists|brings|makes|takes|gives|asks|and|on|of|in) ", words)[0])
        assert not unknown(given), where


def test_an_unknown_command_and_an_unknown_option_are_seen():
    assert unknown(["rehears"]) == "no command rehears"
    assert unknown(["rehearse", "--dumps", "X"]) == ["--dumps"]
    assert not unknown(["rehearse", "--cure", "X"])

"""Which call printed what, however a stream comes in pieces; and the calls of a real program, imported once."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osupgrade.catalog.content import root
from osupgrade.lab.several import Ends

MARK = b"mark-0123:"
SCRIPT = root() / "osupgrade" / "lab" / "observer" / "inside" / "osupgrade_several.py"
PROGRAM = """
import os, signal, sys
print("imported")
def main():
    print("called with", sys.argv[1:])
    print("to the error stream", file=sys.stderr)
    if sys.argv[1] == "fail":
        return 3
    if sys.argv[1] == "text":
        sys.exit("a reason")
    if sys.argv[1] == "raise":
        raise ValueError("broken")
    if sys.argv[1] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
"""
ANOTHER = """
import atexit, sys, threading, time
print("imported after tool" if "tool" in sys.modules else "imported alone")
def main():
    print("called with", sys.argv)
    atexit.register(print, "the last word")
    threading.Timer(0.2, print, ["from a thread"]).start()
    sys.exit(int(sys.argv[2]) if sys.argv[2:] else None)
"""
TEXT = st.binary(max_size=30).filter(lambda text: MARK not in text)


@given(st.lists(st.tuples(TEXT, st.integers(0, 255)), max_size=4), TEXT, st.data())
def test_texts_and_ends_are_the_same_however_the_stream_comes(calls, rest, data):
    stream = b"".join(text + MARK + json.dumps([status, 0.5]).encode() + b"\n" for text, status in calls) + rest
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    ends, texts = Ends(MARK), [b""] * (len(calls) + 1)
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        first = len(ends.said)
        for number, text in enumerate(ends.feed(stream[start:end]), first):
            texts[number] += text
    assert ends.said == [(status, 0.5) for _, status in calls]
    assert texts[:-1] == [text for text, _ in calls]
    assert rest.startswith(texts[-1]) and MARK.startswith(rest[len(texts[-1]) :])


def ran(tmp_path, *calls, program=PROGRAM):
    """What the calls of a program print, and the statuses with which they end."""
    (tmp_path / "tool.py").write_text(program)
    (tmp_path / "another.py").write_text(ANOTHER)
    wanted = {
        "entry": "tool:main",
        "gettext": None,
        "mark": MARK.decode(),
        "calls": [
            {"entry": "another:main" if arguments[:1] == ["another"] else "tool:main", "arguments": arguments}
            | {"accepts": [0, 3], "record": None}
            for arguments in calls
        ],
    }
    environment = {**os.environ, "PYTHONPATH": f"{root() / 'images' / 'lab'}:{tmp_path}"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), json.dumps(wanted)], env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    out, complained = Ends(MARK), Ends(MARK)
    texts = [text.decode() for text in out.feed(done.stdout)]
    errors = [text.decode() for text in complained.feed(done.stderr)]
    assert [status for status, _ in out.said] == [status for status, _ in complained.said]
    return texts[:-1], errors[:-1], [status for status, _ in out.said]


def test_a_program_is_imported_once_and_called_often(tmp_path):
    texts, errors, statuses = ran(tmp_path, ["one"], ["fail"], ["two", "words"])
    assert texts == ["imported\ncalled with ['one']\n", "called with ['fail']\n", "called with ['two', 'words']\n"]
    assert errors == ["to the error stream\n"] * 3
    assert statuses == [0, 3, 0]


@pytest.mark.parametrize(
    ("how", "status", "says"), [("text", 1, "a reason"), ("raise", 1, "broken"), ("killed", 137, "")]
)
def test_the_first_that_fails_is_the_last(tmp_path, how, status, says):
    _, errors, statuses = ran(tmp_path, ["one"], [how], ["two"])
    assert statuses == [0, status]
    assert says in errors[1]


def test_a_program_that_cannot_be_imported_fails_at_its_first_call(tmp_path):
    _, errors, statuses = ran(tmp_path, ["one"], ["two"], program="import no_such_library\n")
    assert statuses == [1]
    assert "No module named 'no_such_library'" in errors[0]


def test_another_program_of_the_service_is_imported_where_it_is_called(tmp_path):
    texts, _, statuses = ran(tmp_path, ["one"], ["another"], ["two"])
    assert statuses == [0, 0, 0]
    assert texts[1].startswith("imported after tool\ncalled with ['another', 'another']\n")
    assert "called with ['two']\n" in texts[2] and "the last word" not in texts[2]


def test_a_call_ends_as_python_would_end_it(tmp_path):
    """Its threads have ended, then its exit handlers have run, and all that was printed is out."""
    texts, _, statuses = ran(tmp_path, ["another", "3"])
    assert statuses == [3]
    assert texts == [
        "imported\nimported after tool\ncalled with ['another', 'another', '3']\nfrom a thread\nthe last word\n"
    ]

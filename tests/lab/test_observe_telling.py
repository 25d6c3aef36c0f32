"""A record comes out of the container in the tool's own output, after a mark, and is no part of its log."""

import json

import pytest

from osupgrade.catalog.releases import load_releases
from osupgrade.lab.engine import Lab
from osupgrade.lab.exec import KILLED
from osupgrade.lab.images import ImageStore
from osupgrade.lab.observer.recorder import Recorder
from osupgrade.lab.release_container import LAUNCH, PYTHON, Workshop
from osupgrade.lab.several import Call, run_several
from osupgrade.lab.sources import Sources
from osupgrade.model.errors import MissingFault

RELEASE = "caracal"
CHILD = "import subprocess, sys; print(len(subprocess.check_output([sys.executable, '-c', 'print(1)'])), flush=True)"


@pytest.fixture(scope="module")
def container(client):
    releases = load_releases()
    tags = ImageStore(client).ensure([RELEASE], print)
    with Lab(client) as lab:
        yield Workshop(lab, releases, Sources(releases), tags).release(RELEASE)


def told(container, tmp_path, script):
    recorder = Recorder(tmp_path / "step.jsonl", "")
    argv, environment = [PYTHON, "-c", script], {"PYTHONPATH": "/opt/lab"}
    run = container.run(argv, environment, log=tmp_path / "log", recorder=recorder, name="db_sync")
    assert run.output == (tmp_path / "log").read_text()
    return run, [json.loads(line) for line in recorder.path.read_text().splitlines()]


def test_the_tool_s_output_status_and_record_come_apart(container, tmp_path):
    run, lines = told(container, tmp_path, "print('done'); raise SystemExit(3)")
    assert (run.exit_status, run.output) == (3, "done\n")
    assert [line["kind"] for line in lines] == ["call", "spent"]
    assert lines[0]["command"] == "db_sync"


def test_what_a_process_of_the_tool_s_prints_is_only_its_own(container, tmp_path):
    run, lines = told(container, tmp_path, CHILD)
    assert run.output == "2\n"
    assert [line["kind"] for line in lines] == ["call", "spent", "spent"]


WRITES = "import os; open(os.environ['OSUPGRADE_OBSERVE'], 'w').write('{\"kind\": \"spent\", \"seconds\": 1}\\n'); "
KILLS = "import os; os.kill(os.getpid(), 9)"


def killed(container, tmp_path, script):
    """The record of a tool that was killed: it ran out of memory as far as the lab can know, which is no verdict."""
    with pytest.raises(MissingFault, match="most likely because memory ran out"):
        told(container, tmp_path, script)
    return [json.loads(line) for line in (tmp_path / "step.jsonl").read_text().splitlines()]


def test_what_a_tool_wrote_down_before_it_ended_without_its_handlers_is_fetched(container, tmp_path):
    run, lines = told(container, tmp_path, f"{WRITES}os._exit(3)")
    assert run.exit_status == 3
    assert lines == [{"kind": "call", "command": "db_sync"}, {"kind": "spent", "seconds": 1}]


def test_what_a_tool_wrote_down_before_it_was_killed_is_fetched(container, tmp_path):
    lines = killed(container, tmp_path, WRITES + KILLS)
    assert lines == [{"kind": "call", "command": "db_sync"}, {"kind": "spent", "seconds": 1}]


def test_a_tool_that_was_killed_before_it_wrote_anything_left_no_record(container, tmp_path):
    lines = killed(container, tmp_path, KILLS)
    assert lines[1] == {"kind": "fault", "text": "`db_sync` left no record of its migrations"}


SEVERAL = f"""
import os, subprocess, sys
def main():
    print(sys.argv[1], flush=True)
    if sys.argv[1] == "child":
        {CHILD.removeprefix("import subprocess, sys; ")}
    if sys.argv[1] == "abrupt":
        print("no", end="", flush=True)
        os._exit(0)
    if sys.argv[1] == "killed":
        os.kill(os.getpid(), 9)
    return int(sys.argv[1] == "bad")
"""


def told_apart(container, tmp_path, *words):
    """What each of several calls printed, and the kinds of lines that it recorded."""
    recorder = Recorder(tmp_path / "step.jsonl", "")
    container.put("/tmp/tool.py", SEVERAL.encode())
    places = [recorder.place() for _ in words]
    environment = recorder.environment(*places[0], {"PYTHONPATH": "/tmp:/opt/lab"}, later=True)
    calls = [Call("tool:main", (word,), record=place) for word, place in zip(words, places, strict=True)]
    given = {"environment": environment, "log": tmp_path / "log"}
    runs = run_several(container.container, [PYTHON, LAUNCH], calls, **given)
    assert "".join(run.output for run in runs) == (tmp_path / "log").read_text()
    kinds = [[json.loads(line)["kind"] for line in (run.rest or b"").splitlines()] for run in runs]
    return [(run.exit_status, run.output) for run in runs], kinds


def test_calls_of_one_process_are_told_apart(container, tmp_path):
    runs, kinds = told_apart(container, tmp_path, "one", "child", "bad", "never")
    assert runs == [(0, "one\n"), (0, "child\n2\n"), (1, "bad\n")]
    assert kinds == [["spent"], ["spent", "spent"], ["spent"]]


def test_a_killed_call_among_several_is_the_last(container, tmp_path):
    runs, kinds = told_apart(container, tmp_path, "one", "killed", "never")
    assert runs == [(0, "one\n"), (KILLED, "killed\n")]
    assert kinds == [["spent"], []]


def test_a_text_that_ends_like_the_beginning_of_a_record_is_whole(container, tmp_path):
    """The call ends without its handlers, so that no record follows."""
    runs, _ = told_apart(container, tmp_path, "abrupt", "one")
    assert runs == [(0, "abrupt\nno"), (0, "one\n")]

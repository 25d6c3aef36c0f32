"""What the system raises is a sentence and a status; what only a mistake of our own raises is status 4."""

import errno
import os
import resource
import subprocess
import sys

import docker.errors
import pytest
import sqlalchemy.exc

from osupgrade.cli import guarded
from osupgrade.cli.faults import known_fault
from osupgrade.model.errors import Exit, MissingFault


def raising(fault):
    def work():
        raise fault

    return work


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EMFILE, errno.ENOENT])
def test_a_system_without_room_or_rights_is_something_missing(number, capsys):
    assert guarded(raising(OSError(number, os.strerror(number), "/some/file"))) == Exit.MISSING
    said = capsys.readouterr().err
    assert "/some/file: " in said and "next:" in said and "traceback" not in said


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("The table 'ports' is full", Exit.MISSING),
        ("Got error 28 from storage engine", Exit.MISSING),
        ("Error writing file '/tmp/x' (Errcode: 28)", Exit.MISSING),
        ("Lost connection to MySQL server during query", Exit.LAB_FAULT),
    ],
)
def test_a_server_that_is_full_or_gone(text, status):
    raised = sqlalchemy.exc.OperationalError("SELECT 1", None, Exception(text))
    assert guarded(raising(raised)) == status


def test_an_engine_that_is_full():
    assert guarded(raising(docker.errors.APIError("no space left on device"))) == Exit.MISSING


def test_a_mistake_of_our_own_stays_one(capsys):
    assert guarded(raising(KeyError("x"))) == Exit.LAB_FAULT
    assert "a fault of the lab itself" in capsys.readouterr().err
    assert known_fault(KeyError("x")) is None


def test_a_fault_is_found_behind_what_it_led_to():
    try:
        try:
            raise MissingFault("no room")
        except MissingFault as fault:
            raise RuntimeError("could not write") from fault
    except RuntimeError as raised:
        found = known_fault(raised)
    assert found is not None and found.message == "no room"


def command(*words, stdout, environment=None):
    program = "import sys; sys.argv = ['osupgrade', *sys.argv[1:]]; from osupgrade.__main__ import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
        check=False,
    )


def test_a_reader_that_goes_away_ends_nothing():
    reader, writer = os.pipe()
    os.close(reader)
    done = command("scenarios", "list", stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("encoding", ["ascii"])
def test_a_locale_without_the_characters_gets_plain_text(encoding):
    done = command("scenarios", "list", stdout=subprocess.PIPE, environment={"PYTHONIOENCODING": encoding})
    assert done.returncode == 0 and done.stdout.isascii()


@pytest.mark.parametrize(
    "words",
    [
        ("inspect", "{dump}", "--survey"),
        ("inspect", "{dump}", "--site"),
        ("inspect", "{dump}"),
        ("inspect", "--packages"),
        ("rehearse", "--cloud"),
        ("rehearse", "--estimate", "--factor-file"),
        ("sanitize", "{dump}", "-o", "{out}", "--key-file"),
        ("sanitize", "{dump}", "-o", "{out}", "--key-file", "{key}", "--policy"),
        ("reproduce",),
        ("report",),
    ],
    ids=" ".join,
)
def test_a_file_that_never_ends_is_refused_and_takes_no_memory(words, tmp_path):
    for name in ("dump", "key"):
        (tmp_path / name).write_text("-- MySQL dump\n0123456789abcdefghijklmnopqrstuvwxyz")
    places = {name: tmp_path / name for name in ("dump", "out", "key")}
    most = (1 << 30, 1 << 30)
    done = subprocess.run(
        [sys.executable, "-m", "osupgrade", *(word.format(**places) for word in words), "/dev/zero"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, most),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2, done.stderr
    assert "/dev/zero" in done.stderr

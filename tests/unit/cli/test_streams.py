"""Output whose reader goes away, whose disk is full, or whose locale has not the characters."""

import os
import subprocess
import sys

import pytest

from osupgrade.model.errors import Exit

# Commands that import next to nothing: what is tried here is the same for all of them.
CHEAP = ["--help"]
CHARACTERS = "from osupgrade.cli.streams import forgiving; forgiving(); print('a \\u2192 b\\u2026 \\u2713\\xa0\\xe9')"


@pytest.mark.parametrize(
    ("arguments", "closed", "status"),
    [
        (["inspect", "/no/such/dump.sql"], "2>", Exit.USAGE),
        (CHEAP, ">", Exit.MISSING),
        (["--version"], ">", Exit.MISSING),
        (CHEAP, "> /dev/full 2>", Exit.MISSING),
    ],
)
def test_a_stream_without_room_does_not_hide_the_status(arguments, closed, status):
    shell = ["bash", "-c", f'"$@" {closed} /dev/full', "-", sys.executable, "-m", "osupgrade", *arguments]
    assert subprocess.run(shell, capture_output=True, check=False).returncode == status


def test_a_reader_that_goes_away_ends_nothing():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "osupgrade", *CHEAP]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("encoding", "printed"), [("ascii", "a -> b... + \\xe9\n"), ("utf-8", "a \u2192 b\u2026 \u2713\xa0\xe9\n")]
)
def test_a_locale_without_the_characters_gets_plain_text(encoding, printed):
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-c", CHARACTERS]
    done = subprocess.run(command, capture_output=True, encoding=encoding, env=environment, check=True)
    assert done.stdout == printed

"""Dumps that come through a pipe, and what never ends."""

import gzip
import io
import os
import sys
import threading
from pathlib import Path

import pytest

from osupgrade.dump.choose import read_dumps
from osupgrade.dump.limits import VARIABLE
from osupgrade.dump.stream import Reader
from osupgrade.model.errors import UsageFault

TEXT = b"CREATE TABLE `images` (\n  `id` int\n);\nINSERT INTO `images` VALUES (1);\n"


@pytest.fixture
def piped():
    """A path under /dev/fd behind which another thread writes, as a shell's <( ) gives it."""
    ends = []

    def pipe(data: bytes) -> Path:
        out, into = os.pipe()
        ends.append(out)

        def write() -> None:
            with os.fdopen(into, "wb") as file:
                file.write(data)

        threading.Thread(target=write, daemon=True).start()
        return Path(f"/dev/fd/{out}")

    yield pipe
    for end in ends:
        os.close(end)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_pipe_is_read_and_read_again(piped, pack):
    (dump,) = read_dumps([piped(pack(TEXT))])
    assert dump.sections[0].tables == ("images",)
    for _ in range(2):
        assert b"".join(Reader(dump.parts).blocks()) == TEXT


def test_standard_input(monkeypatch, piped):
    with Path(piped(TEXT)).open("rb") as raw:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw))
        (dump,) = read_dumps([Path("-")])
    assert dump.name == "standard input"


def test_a_fifo(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    threading.Thread(target=(tmp_path / "fifo").write_bytes, args=(TEXT,), daemon=True).start()
    (dump,) = read_dumps([tmp_path / "fifo"])
    assert dump.sections[0].tables == ("images",)


def test_what_is_no_dump_is_refused_at_once(piped):
    with pytest.raises(UsageFault, match="/dev/zero is not a dump"):
        read_dumps([Path("/dev/zero")])
    with pytest.raises(UsageFault, match="is empty"):
        read_dumps([piped(b"")])


def test_a_pipe_beyond_the_limit_is_refused(piped, monkeypatch):
    monkeypatch.setenv(VARIABLE, "pipe=0.000001")
    with pytest.raises(UsageFault, match="does not end") as caught:
        read_dumps([piped(TEXT * 100)])
    assert f"{VARIABLE}=pipe=" in caught.value.hint


@pytest.mark.exhaustive
def test_a_file_that_becomes_a_thousand_times_as_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("osupgrade.dump.stream.FREE", 1 << 20)
    bomb = tmp_path / "bomb.sql.gz"
    bomb.write_bytes(gzip.compress(TEXT + b"INSERT INTO images VALUES (1);\n" * 2_000_000, 9))
    with pytest.raises(UsageFault, match="when decompressed") as caught:
        monkeypatch.setenv(VARIABLE, "ratio=50")
        read_dumps([bomb])
    assert f"{VARIABLE}=ratio=500" in caught.value.hint
    monkeypatch.setenv(VARIABLE, "ratio=5000")
    read_dumps([bomb])

"""What was found in a dump, remembered by the hash of its files: when the same files come again, only that is computed.

Taking apart the statements of a gigabyte takes seconds, its hash a fraction of one. What is remembered is what
:func:`~osupgrade.dump.read.read_dump` found in the very same bytes under the same names, by the same code.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ValidationError

from osupgrade.dump.limits import limits
from osupgrade.dump.read import Dump, Reading, read_dump
from osupgrade.dump.stream import BLOCK, Part
from osupgrade.model.places import cache_directory
from osupgrade.model.version import code_hash

WORTH = 16 << 20
"""Bytes of a dump from which on it is remembered; less is read in no time."""
MOST = 100
"""How many are remembered, the newest."""


class _Memory(BaseModel):
    """The hash of a dump's files, and what was found in them, without where they are."""

    files: str
    dump: Dump


def read_remembered(path: Path, parts: Sequence[Part], progress: Reading | None = None) -> Dump:
    """Read a dump as :func:`~osupgrade.dump.read.read_dump` does with ``insist``, or remember what that found."""
    size = sum(part.size for part in parts)
    if size < WORTH or any(part.kept for part in parts):
        return read_dump(path, parts, progress, insist=True)
    directory = cache_directory() / "readings"
    file = directory / f"{_called(path, parts)}.json"
    memory = _memory(file)
    if memory and memory.files == _hash(path, parts, size, progress):
        return replace(memory.dump, path=path, parts=tuple(parts))
    dump = read_dump(path, parts, progress, insist=True)
    # The hash was taken while the dump was read. Where that left out something behind its end, it is read every time.
    with contextlib.suppress(OSError, ValueError):
        _write(file, _Memory(files=dump.sha256, dump=replace(dump, path=Path(), parts=())))
        for old in sorted(directory.glob("*.json"), key=lambda each: each.stat().st_mtime)[:-MOST]:
            old.unlink()
    return dump


def _called(path: Path, parts: Sequence[Part]) -> str:
    """What is known of a dump before its files are opened, and all else that decides what is found by reading it."""
    of = [[p.path.name, p.size, p.database, p.before.decode("latin1"), p.code, repr(p.rows)] for p in parts]
    known = json.dumps([code_hash(), repr(limits()), path.name, of])
    return hashlib.sha256(known.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _memory(file: Path) -> _Memory | None:
    try:
        return _Memory.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def _hash(path: Path, parts: Sequence[Part], size: int, progress: Reading | None) -> str:
    digest = hashlib.sha256()
    done = 0
    for part in parts:
        with part.opened() as opened:
            while block := opened.read(BLOCK):
                digest.update(block)
                done += len(block)
                if progress:
                    progress(path.name, min(done, size), size)
    return digest.hexdigest()


def _write(file: Path, memory: _Memory) -> None:
    text = memory.model_dump_json()
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=".reading-", delete=False) as scratch:
        try:
            scratch.write(text)
            scratch.flush()
            Path(scratch.name).rename(file)
        except BaseException:
            Path(scratch.name).unlink(missing_ok=True)
            raise

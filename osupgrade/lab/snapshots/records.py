"""The books of the snapshots: one small file each. What has no record is no snapshot, so a record is written last."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter


@dataclass(frozen=True)
class Record:
    """One snapshot.

    ``key`` is the hash of what made it, ``volume`` where its data directory is on the engine with the id ``engine``,
    ``bytes`` what it takes there, ``about`` one line for people, ``made`` a UTC time (ISO 8601). ``kept`` is what its
    maker wants to know when it is used; the books do not read it. ``used`` is when it was used last, in seconds.
    """

    key: str
    volume: str
    engine: str
    bytes: int
    about: str
    made: str
    kept: str = ""
    used: float = field(default=0.0, compare=False)


_RECORD = TypeAdapter(Record)


class Records:
    """The records below one directory, which need not be there yet."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __iter__(self) -> Iterator[Record]:
        """All records, the least recently used first; a damaged file is no record."""
        found = [self.find(path.stem) for path in sorted(self.directory.glob("*.json"))]
        yield from sorted((record for record in found if record), key=lambda record: record.used)

    def find(self, key: str) -> Record | None:
        """The record of a key."""
        path = self._path(key)
        try:
            found = _RECORD.validate_json(path.read_bytes())
            return replace(found, used=path.stat().st_mtime) if found.key == key else None
        except (OSError, ValueError):
            return None

    def put(self, record: Record) -> None:
        """Write a record; it is there whole or not at all, after a power failure too."""
        self.directory.mkdir(parents=True, exist_ok=True)
        data = {name: value for name, value in asdict(record).items() if name != "used"}
        with tempfile.NamedTemporaryFile("w", dir=self.directory, prefix=".record-", delete=False) as file:
            try:
                json.dump(data, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).rename(self._path(record.key))
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        entry = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(entry)
        finally:
            os.close(entry)

    def touch(self, key: str) -> None:
        """Note that a snapshot is used now."""
        with contextlib.suppress(OSError):
            os.utime(self._path(key))

    def remove(self, key: str) -> None:
        """Forget a snapshot; unknown already is fine."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.directory / f"{key}.json"


def surplus(records: Sequence[Record], limit: int, *, spared: str = "") -> tuple[Record, ...]:
    """Which snapshots must go for all to take at most ``limit`` bytes: the least recently used first.

    The one with the key ``spared`` stays, whatever it takes.
    """
    total = sum(record.bytes for record in records)
    gone = []
    for record in sorted(records, key=lambda record: record.used):
        if total <= limit:
            break
        if record.key != spared:
            gone.append(record)
            total -= record.bytes
    return tuple(gone)

"""What dumps cost beside the bare tools: restoring, sanitizing, and starting from the snapshot of one."""

from __future__ import annotations

import statistics
import tarfile
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from osupgrade.cli.dumps import server_for
from osupgrade.cli.options import DEFAULT_PATH, plan_from
from osupgrade.cloud.laboratory import choose_database, open_laboratory, prepare_seeded, restore_lane
from osupgrade.cloud.restored import start_restored
from osupgrade.dump.choose import read_dumps
from osupgrade.dump.policy import load_policy
from osupgrade.dump.read import read_dump
from osupgrade.dump.restore import restore
from osupgrade.dump.sanitize import sanitize
from osupgrade.dump.write import write_dump
from osupgrade.lab.connect import connect
from osupgrade.lab.database import DatabaseServer, start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.lab.snapshots.store import SnapshotStore
from osupgrade.model.errors import LabFault
from osupgrade.seed.description import load_description
from osupgrade.seed.scale import scale

LIMIT_RESTORE = 1.3
LIMIT_SANITIZE = 3.0
LIMIT_AGAIN = 5.0
"""Seconds, and one more for each gigabyte."""


@dataclass(frozen=True)
class DumpTimes:
    """One dump, handled by the bare tools and by the lab on the same server; seconds."""

    bare_restore: float
    bare_dump: float
    reading: float
    restore: float
    sanitize: float
    first: float
    """Until a server with the dump in it is up, the first time: check, restore, shutdown, copy, start."""
    again: float
    """The same, from the snapshot."""


def make_dump(scratch: Path, factor: int) -> Path:
    """A dump of the seeded cloud, multiplied by ``factor``."""
    file = scratch / "cloud.sql"
    with open_laboratory(plan_from(DEFAULT_PATH), _quiet, memory=False) as laboratory:
        _, shelved = prepare_seeded(laboratory, load_description(None), scratch, _quiet)
        databases = restore_lane(laboratory, shelved, "")
        if factor > 1:
            scale(laboratory.server.engine, laboratory.plan.first.seed, databases, factor, _quiet)
        write_dump(laboratory.server, list(databases.values()), file)
    return file


def dumps_beside_bare(file: Path, scratch: Path, rounds: int) -> list[DumpTimes]:
    """``mysql < file`` and ``mysqldump`` beside the lab's restore and its sanitizing of the same file.

    The server is as ``osupgrade sanitize`` starts it. Which of both restores is first takes turns.
    """
    client = connect()
    database = choose_database(client, plan_from(DEFAULT_PATH), "auto", _quiet)
    tag = ImageStore(client).ensure([database], lambda _progress: None)[database]
    memory, options = server_for(client, read_dumps([file]))
    done = []
    with Lab(client) as lab, start_database(lab, tag, memory=memory, options=options) as server:
        with tempfile.TemporaryFile() as packed:
            with tarfile.open(fileobj=packed, mode="w") as tar:
                tar.add(file, "bench.sql")
            packed.seek(0)
            server.container.put_archive("/var/tmp", packed)

        def emptied() -> None:
            for name in server.databases():
                server.drop(name)

        def bare() -> tuple[float, float]:
            started = time.monotonic()
            _done(server, "$CLIENT < /var/tmp/bench.sql")
            restored = time.monotonic()
            _done(server, f"$DUMP --databases {' '.join(server.databases())} > /var/tmp/again.sql")
            dumped = time.monotonic()
            emptied()
            return restored - started, dumped - restored

        def labs() -> tuple[float, float]:
            started = time.monotonic()
            dumps = (read_dump(file),)
            seen = time.monotonic()
            restore(server, dumps)
            restored = time.monotonic()
            emptied()
            return seen - started, restored - seen

        for number in range(rounds):
            first, second = (labs(), bare()) if number % 2 else (bare(), labs())
            (tool_restore, tool_dump), (reading, restored) = (second, first) if number % 2 else (first, second)
            started = time.monotonic()
            out = scratch / f"clean{number}.sql"
            sanitize(server, read_dumps([file]), out, b"k" * 32, load_policy(), lambda *_: None)
            sanitized = time.monotonic() - started
            emptied()
            started_first, started_again = started_twice(file, tag)
            done.append(DumpTimes(tool_restore, tool_dump, reading, restored, sanitized, started_first, started_again))
            out.unlink()
    return done


def started_twice(file: Path, tag: str) -> tuple[float, float]:
    """Seconds until a server that holds a dump is up: without a snapshot of it, and with the one just made."""
    client = connect()
    store = SnapshotStore(client)
    before = {record.key for record in store}
    took = []
    for _ in range(2):
        started = time.monotonic()
        with Lab(client) as lab:
            server, restored = start_restored(lab, tag, read_dumps([file]), _quiet)
            took.append(time.monotonic() - started)
            server.close()
            if restored is None:
                raise LabFault("there is no room for a snapshot of the dump")
    for record in list(store):
        if record.key not in before:
            store.remove(record.key)
    return took[0], took[1]


def _done(server: DatabaseServer, script: str) -> None:
    run = server.shell(script)
    if not run.ok:
        raise LabFault("a bare tool failed", evidence=run.output)


def report_dumps(megabytes: float, rounds: Sequence[DumpTimes]) -> bool:
    """Print what restoring and sanitizing cost beside the bare tools; whether both limits are held."""
    for number, took in enumerate(rounds, 1):
        print(
            f"round {number}, {megabytes:.0f} MB: mysql < file {took.bare_restore:.1f} s, mysqldump "
            f"{took.bare_dump:.1f} s; the lab's check {took.reading:.1f} s, restore {took.restore:.1f} s, "
            f"sanitizing with both {took.sanitize:.1f} s; a server "
            f"that holds it is up in {took.first:.1f} s, and again in {took.again:.1f} s",
            flush=True,
        )
    restored = statistics.median(took.restore / took.bare_restore for took in rounds)
    checked = statistics.median((took.reading + took.restore) / took.bare_restore for took in rounds)
    masked = statistics.median(took.sanitize / (took.bare_restore + took.bare_dump) for took in rounds)
    print(f"restore / mysql < file: {restored:.2f} (limit {LIMIT_RESTORE}); with the check before it {checked:.2f}")
    again = statistics.median(took.again / took.bare_restore for took in rounds)
    seconds = statistics.median(took.again for took in rounds)
    limit = LIMIT_AGAIN + megabytes / 1000
    print(f"a server that holds it, again / mysql < file: {again:.2f}; {seconds:.1f} s (limit {limit:.1f} s)")
    print(f"sanitizing / (mysql < file and mysqldump): {masked:.2f} (limit {LIMIT_SANITIZE})")
    return restored <= LIMIT_RESTORE and masked <= LIMIT_SANITIZE and seconds <= limit


def _quiet(_text: str) -> None:
    """Benchmarks print figures alone."""

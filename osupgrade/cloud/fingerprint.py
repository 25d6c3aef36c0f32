"""What a cloud is at one moment: how much it holds, and hashes that two runs of the same input must end in alike."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from osupgrade.cloud.cloud import Cloud
from osupgrade.lab.parallel import threads
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.release import Release
from osupgrade.schema.reading import read_schema
from osupgrade.seed.datahash import hash_of_tables, table_hashes

MOST_BYTES = 500_000_000
"""Beyond this the contents are not hashed on their own: every cell is read once, about a second for 50 MB."""
_SHORT = 16


@dataclass(frozen=True)
class Volume:
    """How much a cloud holds at one moment by ``database.table``: exact rows, and bytes as the server estimates."""

    rows: Mapping[str, int]
    bytes: Mapping[str, int]


@dataclass(frozen=True)
class Fingerprint:
    """``hashes`` by database: ``schema``, and ``data`` where it was read. ``contents`` by ``database.table``."""

    hashes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)


def fingerprint(
    cloud: Cloud, size: int, releases: Iterable[Release] = (), since: datetime.datetime | None = None
) -> Fingerprint:
    """The hashes of all of a cloud's databases; ``size`` is what they hold, in bytes.

    ``releases`` are those that it went through: random values that their tools write are left out. ``since`` is when
    their upgrade began: times that were written after that count as the same.
    """
    volatile = {column for release in releases for part in release.services.values() for column in part.volatile}
    names = list(cloud.databases)
    with threads(len(names)) as pool:
        schemas = dict(zip(names, pool.map(lambda name: _schema(cloud, name), names), strict=True))
        tables = {}
        if size <= MOST_BYTES:
            tables = dict(zip(names, pool.map(lambda name: _tables(cloud, name, volatile, since), names), strict=True))
    hashes = {
        name: {"schema": schema, **({"data": hash_of_tables(tables[name])} if name in tables else {})}
        for name, schema in schemas.items()
    }
    contents = {
        f"{name}.{table}": hashlib.sha256(value.encode()).hexdigest()[:_SHORT]
        for name, found in tables.items()
        for table, value in found.items()
    }
    return Fingerprint(hashes, contents)


def _schema(cloud: Cloud, database: str) -> str:
    # Counters depend on what was inserted and deleted meanwhile; they are no part of what a database means.
    schema = replace(read_schema(cloud.server, cloud.databases[database]), counters=())
    return hashlib.sha256(schema.to_json().encode()).hexdigest()


def _tables(cloud: Cloud, database: str, volatile: Iterable[str], since: datetime.datetime | None) -> Mapping[str, str]:
    without: dict[str, list[str]] = {}
    for name in volatile:
        of, table, column = name.split(".")
        if of == database:
            without.setdefault(table, []).append(column)
    with cloud.server.engine.connect() as connection:
        return table_hashes(connection, cloud.databases[database], without, since)


def differences(then: Fingerprint, now: Fingerprint, source: str, says: str) -> tuple[Finding, ...]:
    """What differs between two moments, an error a database; ``says`` has ``{}`` for ``schema`` and ``data``."""
    found = []
    for database in sorted(then.hashes.keys() | now.hashes.keys()):
        before, after = then.hashes.get(database, {}), now.hashes.get(database, {})
        if before == after:
            continue
        what = " and ".join(kind for kind in ("schema", "data") if before.get(kind) != after.get(kind))
        tables: list[tuple[object, ...]] = [
            (name.partition(".")[2],)
            for name in sorted(then.contents.keys() | now.contents.keys())
            if name.startswith(f"{database}.") and then.contents.get(name) != now.contents.get(name)
        ]
        evidence = Evidence.of(("table",), tables)
        found.append(Finding(source, Severity.ERROR, database, "hashes", says.format(what), evidence=evidence))
    return tuple(found)


def volume(cloud: Cloud) -> Volume:
    """How much the cloud holds now."""
    return Volume(cloud.row_counts(), table_sizes(cloud))


def table_sizes(cloud: Cloud) -> Mapping[str, int]:
    """Bytes of every table and its indexes by ``database.table``, as the server estimates them."""
    sql = (
        "SELECT table_name, data_length + index_length FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
    )
    return {
        f"{database}.{table}": int(size or 0)
        for database in cloud.databases
        for table, size in cloud.rows(database, sql)
    }

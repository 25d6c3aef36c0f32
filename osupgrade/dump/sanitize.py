"""Taking out of a dump what must not leave the house, and proving that its shape and nothing else is left.

The dump is restored into a throw-away server; every column is masked there by its policy through a table of old and new
values and one UPDATE; shape and relations are compared before and after; then the databases are dumped again while a
scan looks for anything that was masked. Nothing is parsed as SQL.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pymysql.cursors

from osupgrade.dump.leaks import LeakScan
from osupgrade.dump.mask import Masker
from osupgrade.dump.policy import Policy, Treatment, known_columns
from osupgrade.dump.restore import Progress, restore
from osupgrade.dump.source import Dump, holdings
from osupgrade.dump.write import Written, check_output, write_dump
from osupgrade.engine.database import DatabaseServer
from osupgrade.errors import Exit, Fault, UsageFault

KEY_BYTES = 32
SCRATCH = "osupgrade_masks"
BATCH = 1000
BATCH_BYTES = 4 << 20
TEXT = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
BINARY = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
DATES = frozenset({"date", "datetime", "timestamp"})
LEFT = frozenset({"enum", "set", "bit", "time", "year"})
"""Types whose values say nothing, or that the schema itself spells out."""
NETS = frozenset({"cidr", "cidr_v6", "destination", "remote_ip_prefix"})


ALIKE = "different under its collation"


class Leak(Fault):
    """Something that was masked stands in the output, or the shape did not survive; the output is gone."""

    status = Exit.DID_NOT


@dataclass(frozen=True)
class Column:
    """A column as it is treated. ``known`` is whether any revision of the service has it."""

    service: str
    database: str
    table: str
    name: str
    type: str
    charset: str
    longest: int
    keyed: bool
    known: bool
    treatment: Treatment

    def __str__(self) -> str:
        return f"{self.service}.{self.table}.{self.name}"


@dataclass(frozen=True)
class Shape:
    """One fact of a database's shape, before and after."""

    what: str
    before: str
    after: str

    @property
    def told_only(self) -> bool:
        """Whether a difference is no reason to fail: accents are not followed as case is."""
        return self.what.endswith(ALIKE)

    @property
    def same(self) -> bool:
        """Whether it survived."""
        return self.before == self.after


@dataclass(frozen=True)
class SanitizeReport:
    """What was done. ``unknown`` are columns that no revision of a service has: masked, or kept where they are keys."""

    written: Written
    databases: Mapping[str, str]
    treated: Mapping[str, int]
    """Columns by treatment."""
    unknown: tuple[str, ...]
    left: tuple[str, ...]
    """What was taken out besides: triggers, routines, events, views that a mask could not follow into."""
    shapes: tuple[Shape, ...]
    masked_values: int
    scanned_bytes: int
    seconds: float


Told = Callable[[str], None]


def read_key(path: Path) -> bytes:
    """The key in a file; raises UsageFault for one that is missing, empty or too short to be worth its name."""
    hint = f"make one with `head -c {KEY_BYTES} /dev/urandom | base64 > {path}` and keep it: same key, same masks"
    try:
        key = path.read_bytes().strip()
    except OSError as fault:
        raise UsageFault(f"cannot read the key file {path}: {fault.strerror}", hint=hint) from fault
    if not key:
        raise UsageFault(f"the key file {path} is empty", hint=hint)
    if len(key) < KEY_BYTES or len(set(key)) < 8:
        raise UsageFault(f"the key in {path} is too short: {len(key)} bytes, {KEY_BYTES} are needed", hint=hint)
    return hashlib.sha256(key).digest()


def sanitize(
    server: DatabaseServer,
    dumps: Sequence[Dump],
    out: Path,
    key: bytes,
    policy: Policy,
    progress: Told,
    *,
    restoring: Callable[[Progress], None] | None = None,
) -> SanitizeReport:
    """Restore ``dumps`` into ``server``, mask them under ``key`` and write them to ``out``.

    The server is used up: its databases are masked and stay until it goes. Raises UsageFault for dumps or an output
    that cannot be used, Leak when the scan finds a masked value or the shape changed; then there is no output.
    """
    started = time.monotonic()
    check_output(out)
    names = {h.service: h.section.name if h.section.named else h.service for h in holdings(dumps)}
    progress(f"restoring {', '.join(dump.name for dump in dumps)}")
    restored = restore(server, dumps, restoring, into=names)
    databases = restored.databases
    columns = [column for service, name in databases.items() for column in columns_of(server, service, name, policy)]
    left = [line for name in databases.values() for line in take_out_code(server, name)]
    progress("taking its shape")
    before = shape(server, columns, databases, policy)
    schema = (name for column in columns for name in (column.table, column.name))
    scan = LeakScan([*policy.words, *policy.json_keys, *schema, *databases.values()])
    masker = Masker(key, policy.words, wide_nets=wide_nets(server, columns))
    masker.learn_hosts(hosts(server, columns))
    server.create(SCRATCH)
    server.execute(SCRATCH, "CREATE TABLE m (h BINARY(20) PRIMARY KEY, v LONGBLOB NOT NULL) ENGINE=InnoDB")
    try:
        for number, column in enumerate(columns, 1):
            if column.treatment is not Treatment.KEEP and before[rows_of(column)] != "0":
                progress(f"masking {column} ({number} of {len(columns)})")
                mask_column(server, column, masker, policy, scan)
    finally:
        server.drop(SCRATCH)
    progress("comparing its shape")
    after = shape(server, columns, databases, policy)
    shapes = tuple(Shape(what, before[what], after.get(what, "gone")) for what in before)
    changed = [s for s in shapes if not s.same and not s.told_only]
    if changed:
        lines = "\n".join(f"{s.what}: {s.before} before, {s.after} after" for s in changed[:20])
        raise Leak(f"the shape did not survive: {changed[0].what}", evidence=lines, hint="no output was written")
    progress(f"writing {out}, looking for {len(scan)} masked values")
    written = write_dump(server, list(databases.values()), out, watch=_watch(scan))
    scan.finish()
    if scan.found:
        out.unlink()
        raise _leak(scan)
    counts = {t.value: sum(column.treatment is t for column in columns) for t in Treatment}
    return SanitizeReport(
        written=written,
        databases=databases,
        treated=counts,
        unknown=tuple(str(column) for column in columns if not column.known),
        left=tuple(left),
        shapes=shapes,
        masked_values=len(scan),
        scanned_bytes=scan.scanned,
        seconds=time.monotonic() - started,
    )


def _watch(scan: LeakScan) -> Callable[[bytes], None]:
    def watch(block: bytes) -> None:
        scan.feed(block)
        if scan.found:
            raise _leak(scan)

    return watch


def _leak(scan: LeakScan) -> Leak:
    # The value itself stays out of the message: messages end up in logs.
    hashes = ", ".join(hashlib.sha256(found.encode()).hexdigest()[:12] for found in sorted(scan.found)[:5])
    return Leak(
        f"{len(scan.found)} masked value(s) stand in the output, which was removed",
        hint="a column that the policy keeps holds a value that is masked elsewhere: mask it with --policy",
        evidence=f"SHA-256 of the values begins with {hashes}",
    )


def columns_of(server: DatabaseServer, service: str, database: str, policy: Policy) -> Iterator[Column]:
    """Every column of a database's tables and what becomes of it."""
    known = known_columns(service)
    keyed = {
        (table, name)
        for table, name in server.rows(
            "", "SELECT table_name, column_name FROM information_schema.statistics WHERE table_schema = %s", (database,)
        )
    }
    sql = """SELECT c.table_name, c.column_name, c.data_type, COALESCE(c.character_set_name, ''),
                    COALESCE(c.character_maximum_length, 0)
             FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
             WHERE c.table_schema = %s AND t.table_type = 'BASE TABLE' AND c.extra NOT LIKE '%%GENERATED%%'
             ORDER BY c.table_name, c.ordinal_position"""
    for table, name, kind, charset, longest in server.rows("", sql, (database,)):
        is_known = (table, name) in known
        is_keyed = (table, name) in keyed
        said = policy.treatment(table, name)
        if kind in LEFT:
            treatment = Treatment.KEEP
        elif kind in TEXT:
            treatment = said or Treatment.MASK
        elif kind in BINARY:
            treatment = said or Treatment.DROP
        else:
            treatment = Treatment.KEEP if is_known or is_keyed else said or Treatment.MASK
        if treatment is Treatment.DROP and is_keyed:
            treatment = Treatment.MASK
        yield Column(service, database, table, name, kind, charset, longest, is_keyed, is_known, treatment)


def take_out_code(server: DatabaseServer, database: str) -> Iterator[str]:
    """Drop triggers, views, routines and events: they are the operator's own text, and triggers would fire here."""
    routines = "SELECT routine_name FROM information_schema.routines WHERE routine_schema = %s AND routine_type ="
    kinds = (
        ("TRIGGER", "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = %s"),
        ("VIEW", "SELECT table_name FROM information_schema.views WHERE table_schema = %s"),
        ("EVENT", "SELECT event_name FROM information_schema.events WHERE event_schema = %s"),
        ("PROCEDURE", f"{routines} 'PROCEDURE'"),
        ("FUNCTION", f"{routines} 'FUNCTION'"),
    )
    for kind, sql in kinds:
        for (name,) in server.rows("", sql, (database,)):
            server.execute(database, f"DROP {kind} {_quoted(name)}")
            yield f"{kind.lower()} {database}.{name}"


def wide_nets(server: DatabaseServer, columns: Sequence[Column]) -> frozenset[int]:
    """First octets of nets wider than /16: the second octet is part of the host's address there."""
    found = set()
    for column in columns:
        if column.name in NETS and column.type in TEXT:
            for value in _texts(server, column):
                address, slash, length = value.partition("/")
                if slash and length.isdigit() and int(length) < 16 and address.partition(".")[0].isdigit():
                    found.add(int(address.partition(".")[0]))
    return frozenset(found)


def hosts(server: DatabaseServer, columns: Sequence[Column]) -> frozenset[str]:
    """The names of all hosts of the cloud."""
    named = [column for column in columns if column.name in ("host", "hypervisor_hostname", "launched_on")]
    return frozenset(value for column in named if column.type in TEXT for value in _texts(server, column))


def mask_column(server: DatabaseServer, column: Column, masker: Masker, policy: Policy, scan: LeakScan) -> None:
    """Mask one column in place: the distinct values go through a table of old and new, one UPDATE brings them in."""
    table, name = _quoted(column.table), _quoted(column.name)
    if column.type in DATES:
        days = int.from_bytes(hashlib.sha256(masker.mask(str(column)).encode()).digest()[:2], "big") % 700 + 30
        server.execute(column.database, f"UPDATE {table} SET {name} = {name} + INTERVAL {days} DAY")
        return
    if column.treatment is Treatment.DROP:
        for old in _distinct(server, column):
            scan.masked(old, b"")
        length = "LENGTH" if column.type in BINARY else "CHAR_LENGTH"
        server.execute(column.database, f"UPDATE {table} SET {name} = REPEAT('x', {length}({name}))")
        return
    function = _function(column, masker, policy)
    scratch = f"`{SCRATCH}`.`m`"
    with contextlib.closing(_connected(server, column.database)) as writer, writer.cursor() as cursor:

        def bring(batch: list[tuple[bytes, bytes]]) -> None:
            cursor.executemany(f"INSERT INTO {scratch} VALUES (_binary %s, _binary %s)", batch)
            batch.clear()

        cursor.execute(f"DELETE FROM {scratch}")
        batch: list[tuple[bytes, bytes]] = []
        size = masked = 0
        for old in _distinct(server, column):
            new = function(old)
            if new == old:
                continue
            scan.masked(old, new)
            batch.append((hashlib.sha1(old, usedforsecurity=False).digest(), new))
            size, masked = size + len(new), masked + 1
            if len(batch) >= BATCH or size > BATCH_BYTES:
                bring(batch)
                size = 0
        if batch:
            bring(batch)
        if masked:
            cursor.execute("SET SESSION foreign_key_checks = 0, unique_checks = 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
            where = f"m.h = UNHEX(SHA1(BINARY t.{name}))"
            cursor.execute(f"UPDATE {table} t JOIN {scratch} m ON {where} SET t.{name} = m.v")


def _function(column: Column, masker: Masker, policy: Policy) -> Callable[[bytes], bytes]:
    codec = {"latin1": "cp1252", "ucs2": "utf-16-be", "utf16": "utf-16-be"}.get(column.charset, "utf-8")

    def mask(old: bytes) -> bytes:
        text = old.decode(codec, "surrogateescape")
        if column.type not in TEXT:
            new = masker.digits(text)
        elif column.treatment is Treatment.JSON:
            new = masker.json(text, policy.json_keys)
        elif column.treatment is Treatment.PARTS:
            new = masker.parts(text)
        else:
            new = masker.mask(text)
        if column.type == "varchar" and len(new) > column.longest:
            new = masker.mask(text)
        return new.encode(codec, "surrogateescape")

    return mask


def _connected(server: DatabaseServer, database: str, **more: Any) -> pymysql.Connection[Any]:
    login = server.admin
    return pymysql.connect(
        host=login.host,
        port=login.port,
        user=login.user,
        password=login.password,
        database=database,
        charset="utf8mb4",
        autocommit=True,
        ssl_disabled=True,  # else each connection reads the machine's certificates first: 50 ms
        **more,
    )


def _distinct(server: DatabaseServer, column: Column) -> Iterator[bytes]:
    """The distinct values of a column as bytes, one after the other without holding them."""
    name = _quoted(column.name)
    streamed = _connected(server, column.database, cursorclass=pymysql.cursors.SSCursor)
    with contextlib.closing(streamed) as reader, reader.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT BINARY {name} FROM {_quoted(column.table)} WHERE {name} IS NOT NULL AND {name} <> ''"
        )
        for (value,) in cursor:
            yield value


def _texts(server: DatabaseServer, column: Column) -> Iterator[str]:
    for value in _distinct(server, column):
        yield value.decode("utf-8", "replace")


def shape(
    server: DatabaseServer, columns: Sequence[Column], databases: Mapping[str, str], policy: Policy
) -> dict[str, str]:
    """Row counts, NULLs, cardinalities under bytes and under collation, lengths, keys and relations, as text."""
    found: dict[str, str] = {}
    tables: dict[tuple[str, str, str], list[Column]] = {}
    for column in columns:
        tables.setdefault((column.service, column.database, column.table), []).append(column)
    for (_, database, table), own in tables.items():
        wanted = [column for column in own if column.treatment is not Treatment.KEEP and column.type in TEXT]
        parts = ["COUNT(*)"]
        for column in wanted:
            name = _quoted(column.name)
            parts += [f"COUNT({name})", f"COUNT(DISTINCT BINARY {name})", f"COUNT(DISTINCT {name})"]
        row = server.rows(database, f"SELECT {', '.join(parts)} FROM {_quoted(table)}")[0]
        found[rows_of(own[0])] = str(row[0])
        for number, column in enumerate(wanted):
            filled, exact, alike = row[1 + number * 3 : 4 + number * 3]
            found[f"{column}: NULL"] = str(row[0] - filled)
            if column.treatment in (Treatment.MASK, Treatment.PARTS):
                found[f"{column}: different values"] = str(exact)
                found[f"{column}: {ALIKE}"] = str(alike)
    present = {(column.service, column.table, column.name) for column in columns}
    for one, other in policy.relations.items():
        sides = [tuple(side.split(".")) for side in (one, other)]
        if all(side in present for side in sides):
            (s1, t1, c1), (s2, t2, c2) = sides
            sql = (
                f"SELECT COUNT(*), COUNT(DISTINCT BINARY a.`{c1}`) FROM `{databases[s1]}`.`{t1}` a "
                f"WHERE EXISTS (SELECT 1 FROM `{databases[s2]}`.`{t2}` b WHERE b.`{c2}` = a.`{c1}`)"
            )
            rows, different = server.rows("", sql)[0]
            found[f"{one}: found in {other}"] = f"{rows} rows, {different} values"
    return found


def rows_of(column: Column) -> str:
    """What a shape calls the rows of a column's table."""
    return f"{column.service}.{column.table}: rows"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"

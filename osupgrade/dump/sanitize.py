"""Taking out of a dump what must not leave the house, and proving that its shape and nothing else is left.

The dump is restored into a throw-away server; a masked copy of each database is written there beside it; shape and
relations of both are compared; then the copy is dumped while a scan looks for anything that was masked. Nothing is
parsed as SQL.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pymysql
import sqlalchemy.exc

from osupgrade.dump.code import code_of, put_code
from osupgrade.dump.columns import (
    BINARY,
    TEXT,
    Column,
    access_keys,
    check_named,
    columns_of,
    connected,
    distinct,
    filled,
    hosts,
    listed_words,
    names_of,
    wide_nets,
)
from osupgrade.dump.holdings import holdings
from osupgrade.dump.leaks import Candidates, LeakScan, tokens
from osupgrade.dump.mask import Masker
from osupgrade.dump.masking import Form, Masking, mask_function
from osupgrade.dump.policy import Policy, Treatment
from osupgrade.dump.read import Dump
from osupgrade.dump.restore import Progress, restore
from osupgrade.dump.shape import Shape, compare
from osupgrade.dump.stream import Part, Reader
from osupgrade.dump.write import Written, check_output, write_dump
from osupgrade.lab.database import DatabaseServer, no_room
from osupgrade.model.errors import Exit, Fault, UsageFault
from osupgrade.model.finding import Finding

KEY_BYTES = 32
PARALLEL_BYTES = 16 << 20
"""Dumps above it are worth the start of processes that scan."""
BATCH_BYTES = 1 << 20

BOILERPLATE = """
allow_invalid_dates auto_increment auto_value_on_zero character_set_client character_set_connection
character_set_results collation_connection collation_database completed constraint current_timestamp default_generated
dump foreign_key_checks highlights information_schema latin1_swedish_ci mariadb no_auto_value_on_zero
old_character_set_client old_character_set_connection old_character_set_results old_collation_connection
old_foreign_key_checks old_sql_mode old_sql_notes old_time_zone old_unique_checks references row_format saved_cs_client
sql_mode sql_notes unique_checks utf8_general_ci utf8_unicode_ci utf8mb4_general_ci character mediumtext mediumblob
"""
"""Words of mysqldump and of table definitions."""


class Leak(Fault):
    """Something that was masked stands in the output, or the shape did not survive; the output is gone."""

    status = Exit.DID_NOT


@dataclass(frozen=True)
class SanitizeReport:
    """What was done. ``unknown`` are columns that no revision of a service has, with what became of each."""

    written: Written
    databases: Mapping[str, str]
    treated: Mapping[str, int]
    """Columns by treatment."""
    unknown: Mapping[str, Treatment]
    spared: Mapping[str, str]
    """Columns that can only be kept, with what the operator's policy calls them, which hides others of their name."""
    findings: tuple[Finding, ...]
    """What is to be known of the dumps themselves."""
    left: tuple[str, ...]
    """What was taken out besides: routines, events, and what of triggers and views has a text of its own in it."""
    shapes: tuple[Shape, ...]
    masked_values: int
    """How many different values were masked one by one; ids and dropped content come on top."""
    scanned_bytes: int
    seconds: float


Told = Callable[[str, str], None]
"""Told what is going on now, and how far it is."""


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
    server: DatabaseServer, dumps: Sequence[Dump], out: Path, key: bytes, policy: Policy, progress: Told
) -> SanitizeReport:
    """Restore ``dumps`` into ``server``, mask them under ``key`` and write them to ``out``.

    The server is used up: what was restored and its masked copy stay until it goes. Raises UsageFault for dumps or an
    output that cannot be used, MissingFault for a full disk, Leak when the scan finds a masked value or the shape
    changed; then there is no output.
    """
    started = time.monotonic()
    check_output(out)
    names = {h.service: h.section.name if h.section.named else h.service for h in holdings(dumps)}
    raw_bytes = sum(dump.sql_bytes for dump in dumps)

    def restoring(so_far: Progress) -> None:
        progress("restoring", str(so_far))

    with contextlib.ExitStack() as stack:
        stack.enter_context(_room(f"the dumps and their masked copy ({raw_bytes >> 20} MB of SQL)"))
        scan = stack.enter_context(LeakScan(parallel=raw_bytes > PARALLEL_BYTES))
        restored = restore(server, dumps, restoring, into=_raw_names(names), watch=scan.raw)
        raw = restored.databases
        copies = {raw[service]: names[service] for service in raw}
        progress("learning hosts and nets", "")
        columns = [column for service, name in raw.items() for column in columns_of(server, service, name, policy)]
        check_named(columns, policy)
        used = filled(server, columns)
        listed = listed_words(server, used, policy)
        masker = Masker(
            key,
            {*policy.words, *listed},
            json_keys=policy.json_keys,
            secret_keys=policy.secret_keys,
            own_prefix=policy.own_prefix,
            wide_nets=wide_nets(server, used),
        )
        masker.learn_hosts(hosts(server, used))
        masker.learn_access(access_keys(server, used))
        masking = stack.enter_context(Masking(server, masker))
        masking.learn(used, lambda done, of: progress("masking values", f"{done} of {of} columns"))
        masking.copy(columns, copies, lambda done, of: progress("writing masked tables", f"{done} of {of}"))
        left = [
            f"{c} of {copy}" for name, copy in copies.items() for c in put_code(server, copy, code_of(server, name))
        ]
        progress("comparing the shape of both", "")
        shapes = compare(server, columns, copies, policy, masking.looked_up)
        _refuse_changed(shapes)

        def look(written: Path) -> None:
            progress("looking for what was masked", "")
            harmless = (*_harmless(policy, dumps), *listed, *names_of(server, raw.values()))
            candidates = scan.candidates(Reader([Part(written)]).blocks(), harmless)
            found = leaks(server, used, candidates, masker)
            if found:
                raise _leak(found)

        written = write_dump(
            server,
            list(copies.values()),
            out,
            lambda done: progress(f"writing {out.name}", f"{done / 1e6:.0f} MB"),
            watch=scan.masked,
            approve=look,
        )
    counts = {t.value: sum(column.treatment is t for column in columns) for t in Treatment}
    return SanitizeReport(
        written=written,
        databases=names,
        treated=counts,
        unknown={str(column): column.treatment for column in columns if not column.known},
        spared={str(column): column.spared for column in columns if column.spared},
        findings=restored.findings,
        left=tuple(left),
        shapes=shapes,
        masked_values=masking.values,
        scanned_bytes=scan.scanned,
        seconds=time.monotonic() - started,
    )


@contextlib.contextmanager
def _room(what: str) -> Iterator[None]:
    """Raise MissingFault instead of the server's own error when its disk is full."""
    try:
        yield
    except (pymysql.Error, sqlalchemy.exc.DBAPIError) as fault:
        raise no_room(what, str(fault)) or fault from fault


def _raw_names(names: Mapping[str, str]) -> dict[str, str]:
    return {service: f"osupgrade_raw_{service}" for service in names}


def _harmless(policy: Policy, dumps: Sequence[Dump]) -> Iterator[str]:
    """What stands in every dump: the services' words, versions, mysqldump's own words."""
    yield from policy.words
    yield from policy.json_keys
    yield BOILERPLATE
    for dump in dumps:
        yield from (dump.tool, dump.server_version)
        for section in dump.sections:
            yield from (section.name, *section.versions)


def _refuse_changed(shapes: Sequence[Shape]) -> None:
    changed = [shape for shape in shapes if not shape.same]
    if changed:
        lines = [f"{s.fact.place}, {s.fact.what}: {s.before} before, {s.after} after" for s in changed[:20]]
        raise Leak(
            f"the shape did not survive: {lines[0]}", evidence="\n".join(lines[1:]), hint="no output was written"
        )


def leaks(
    server: DatabaseServer, columns: Sequence[Column], candidates: Candidates, masker: Masker
) -> dict[str, set[str]]:
    """Which of the tokens that stand on both sides were masked somewhere, and in which columns.

    What a mask leaves as it is anyway is no secret; an address may be the mask of another one.
    """
    words = {word for word in candidates.words if not _stays(masker, word.decode())}
    made = (
        {masker.mask(address.decode()).encode() for address in candidates.raw_addresses}
        if candidates.addresses
        else set()
    )
    wanted = frozenset(words | (candidates.addresses - made))
    found: dict[str, set[str]] = {}
    if not wanted:
        return found
    with connected(server) as connection:
        for column in columns:
            if column.treatment is not Treatment.KEEP and column.type in TEXT | BINARY:
                function = _nothing if column.treatment is Treatment.DROP else mask_function(Form.of(column), masker)
                for token in _masked_tokens(distinct(connection, column), wanted, function):
                    found.setdefault(token.decode(), set()).add(str(column))
    return found


def _nothing(_value: bytes) -> bytes:
    return b""


def _stays(masker: Masker, word: str) -> bool:
    return masker.mask(word) == word or masker.parts(word) == word


def _masked_tokens(
    values: Iterator[bytes], wanted: frozenset[bytes], function: Callable[[bytes], bytes]
) -> Iterator[bytes]:
    """The wanted tokens that a column's values have and their masks have not."""
    for batch in _batches(values):
        if _tokens(b"\n".join(batch)) & wanted:
            for value in batch:
                if hit := _tokens(value) & wanted:
                    yield from hit - _tokens(function(value))


def _tokens(text: bytes) -> frozenset[bytes]:
    found = tokens(text)
    return found.words | found.addresses


def _batches(values: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for value in values:
        batch.append(value)
        size += len(value)
        if size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _leak(found: Mapping[str, Collection[str]]) -> Leak:
    # The value itself stays out of the message: messages end up in logs.
    lines = [
        f"masked in {', '.join(sorted(places)[:3])} (SHA-256 of the value begins with "
        f"{hashlib.sha256(token.encode()).hexdigest()[:12]})"
        for token, places in sorted(found.items())[:5]
    ]
    return Leak(
        f"{len(found)} masked value(s) stand in the output, which was removed",
        hint="a column that the policy keeps holds a value that is masked elsewhere: mask it with --policy",
        evidence="\n".join(lines),
    )

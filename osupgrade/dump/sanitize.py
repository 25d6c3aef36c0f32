"""Taking out of a dump what must not leave the site, and proving that its shape and nothing else is left.

The dump is restored into a throw-away server; a masked copy of each database is written there beside it; shape and
relations of both are compared; then the copy is dumped while a scan looks for anything that was masked. Only what the
server itself says of its tables, views and triggers is parsed as SQL, never the dump.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import docker.errors
import pymysql
import requests
import sqlalchemy.exc

from osupgrade.catalog.identity import usual_names
from osupgrade.catalog.loading import read_bounded
from osupgrade.catalog.survey import Survey
from osupgrade.dump.audit import left_over
from osupgrade.dump.code import Code, code_of, put_code
from osupgrade.dump.columns import check_named, columns_of, filled, listed_words, sources, wide_nets
from osupgrade.dump.holdings import Holding, holdings
from osupgrade.dump.leaked import leaks_of
from osupgrade.dump.leaks import LeakScan
from osupgrade.dump.mask.columns import Column
from osupgrade.dump.mask.names import Names
from osupgrade.dump.mask.values import Masker
from osupgrade.dump.mask.words import WORDS
from osupgrade.dump.masking import Copied, Masking
from osupgrade.dump.policy import Policy, Treatment, upstream_names
from osupgrade.dump.read import Dump
from osupgrade.dump.restore import Progress, Restored, restore
from osupgrade.dump.shape import Shape, compare
from osupgrade.dump.stream import Part, Reader
from osupgrade.dump.write import Written, check_output, write_dump
from osupgrade.lab.database import DatabaseServer, no_room
from osupgrade.model.errors import Exit, Fault, LabFault, UsageFault
from osupgrade.model.finding import Finding
from osupgrade.model.text import counted

KEY_BYTES = 32
PARALLEL_BYTES = 16 << 20
"""Dumps above it are worth the start of processes that scan."""

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
    """Something that was masked is in the output, or the shape did not survive; there is no output."""

    status = Exit.DID_NOT


@dataclass(frozen=True)
class SanitizeReport:
    """What was done. ``unknown`` are columns that no revision of a service has, with what became of each."""

    written: Written
    databases: Mapping[str, str]
    """What each service's database is called in the output."""
    renamed: Mapping[str, str]
    """Databases that had a name of the site's own, and what they are called in the output."""
    treated: Mapping[str, int]
    """Columns by treatment."""
    unknown: Mapping[str, Treatment]
    spared: Mapping[str, str]
    """Columns that can only be kept, and the name by which the operator's policy hides them with others."""
    findings: tuple[Finding, ...]
    """What there is to say about the dumps themselves."""
    left: tuple[str, ...]
    """What was left out: code with a text of its own in it, comments, and what of definitions cannot be masked."""
    names: int
    """How many names of tables, columns, keys and the like are the site's own, and were masked."""
    shapes: tuple[Shape, ...]
    masked_values: int
    """How many different values were masked one by one; ids and dropped content come on top."""
    scanned_bytes: int
    seconds: float


class OnProgress(Protocol):
    """Hears of what is going on."""

    def __call__(self, what: str, how_far: str, share: float | None = None, /) -> None:
        """``what`` is going on now; ``how_far`` says in words how far it is, ``share`` from 0 to 1 where known."""


def read_key(path: Path) -> bytes:
    """The key in a file; raises UsageFault for one that is missing, empty or too short to be worth its name."""
    hint = f"make one with `head -c {KEY_BYTES} /dev/urandom | base64 > {path}` and keep it: same key, same masks"
    try:
        key = read_bounded(path).strip()
    except UsageFault as fault:
        raise UsageFault(f"no key: {fault.message}", hint=hint) from fault
    if not key:
        raise UsageFault(f"the key file {path} is empty", hint=hint)
    if len(key) >= KEY_BYTES and len(set(key)) < 8:
        raise UsageFault(
            counted(
                len(set(key)), "the key in {path} has only {n} different character[s] and is easy to guess", path=path
            ),
            hint=hint,
        )
    if len(key) < KEY_BYTES:
        raise UsageFault(
            counted(
                len(key),
                "the key in {path} is too short: {n} byte[s] of the {least} needed",
                path=path,
                least=KEY_BYTES,
            ),
            hint=hint,
        )
    return hashlib.sha256(key).digest()


def sanitize(
    server: DatabaseServer,
    dumps: Sequence[Dump],
    out: Path,
    key: bytes,
    policy: Policy,
    progress: OnProgress,
    *,
    keep_names: bool = False,
    survey: Survey | None = None,
) -> SanitizeReport:
    """Restore ``dumps`` into ``server``, mask them under ``key`` and write them to ``out``.

    ``survey`` says which defaults the databases have where their dumps do not, so that the output says it.
    A database whose name is the site's own gets its service's, but with ``keep_names``: the lab's own are no secret.
    The server is used up: what was restored and its masked copy stay until it goes. Raises UsageFault for dumps or an
    output that cannot be used, MissingFault for a full disk, Leak when the scan finds a masked value or the shape
    changed; then there is no output.
    """
    started = time.monotonic()
    check_output(out)
    found = holdings(dumps)
    names = {each.service: _name_in_copy(each, keep_names) for each in found}
    raw_bytes = sum(dump.sql_bytes for dump in dumps)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_room(server, f"the dumps and their masked copy ({raw_bytes >> 20} MB of SQL)"))
        scan = stack.enter_context(LeakScan(parallel=raw_bytes > PARALLEL_BYTES))
        work = _Work(server, dumps, policy, progress, scan, names, survey)
        work.restore()
        server.add_hashes()
        work.learn(key)
        masking = stack.enter_context(Masking(server, work.masker, work.names, work.upstream))
        work.copy(masking)
        shapes = work.compare(masking)
        written = work.write(out)
    return work.report(written, shapes, masking, time.monotonic() - started, found)


def _name_in_copy(holding: Holding, keep: bool) -> str:
    """What a database is called in the output: its own name if that is a usual one, else its service's."""
    name = holding.section.name
    usual = keep or usual_names().get(name.lower()) == holding.service
    return name if holding.section.named and usual else holding.service


@dataclass
class _Work:
    """What is known so far while dumps are sanitized; each step adds to it."""

    server: DatabaseServer
    dumps: Sequence[Dump]
    policy: Policy
    progress: OnProgress
    scan: LeakScan
    databases: Mapping[str, str]
    """What services' databases are called in the output."""
    survey: Survey | None = None
    upstream: frozenset[str] = field(default_factory=lambda: frozenset(n.lower() for n in upstream_names()))
    restored: Restored = field(init=False)
    columns: list[Column] = field(init=False)
    used: list[Column] = field(init=False)
    """Columns of tables that have rows."""
    listed: frozenset[str] = field(init=False)
    masker: Masker = field(init=False)
    names: Names = field(init=False)
    copies: dict[str, str] = field(init=False)
    """Restored databases and their masked copies."""
    code: tuple[Code, ...] = ()
    left_code: list[str] = field(default_factory=list)
    tables: Mapping[tuple[str, str], Copied] = field(default_factory=dict)

    def restore(self) -> None:
        """Restore the dumps under names of the lab's own."""

        def restoring(so_far: Progress) -> None:
            self.progress("restoring", str(so_far), so_far.share)

        into = {service: f"osupgrade_raw_{service}" for service in self.databases}
        known = self.survey.default_of if self.survey else None
        self.restored = restore(self.server, self.dumps, restoring, into=into, watch=self.scan.raw, default_of=known)
        raw = self.restored.databases
        self.copies = {raw[service]: self.databases[service] for service in raw}

    def learn(self, key: bytes) -> None:
        """Find the columns, and what a masker has to know before its first mask."""
        self.progress("reading host names and networks", "")
        policy, server = self.policy, self.server
        raw = self.restored.databases
        self.columns = [c for service, name in raw.items() for c in columns_of(server, service, name, policy)]
        check_named(self.columns, policy)
        self.used = filled(server, self.columns)
        self.listed = listed_words(server, self.used, policy)
        self.masker = Masker(
            key,
            {*policy.words, *self.listed},
            json_keys=policy.json_keys,
            secret_keys=policy.secret_keys,
            own_prefix=policy.own_prefix,
            wide_nets=wide_nets(server, self.used, policy),
            composed=policy.composed,
            kept=policy.kept,
        )
        for derived in policy.derived:
            self.masker.learn_derived(derived.by, sources(server, self.used, derived.columns))
        self.names = Names(self.masker, self.upstream | WORDS)

    def copy(self, masking: Masking) -> None:
        """Make the masked copies."""
        progress = self.progress

        def so_far(what: str, things: str) -> Callable[[int, int], None]:
            return lambda done, of: progress(what, f"{done} of {of} {things}", done / of if of else 1.0)

        masking.learn(self.used, so_far("masking values", "columns"))
        masking.copy(self.columns, self.copies, so_far("writing masked tables", "tables"))
        self.tables = masking.tables
        for name, copy in self.copies.items():
            code = tuple(code_of(self.server, name, self.names, self.copies))
            self.code += code
            self.left_code += [f"{each} of {copy}" for each in put_code(self.server, copy, code)]
        for copy in self.copies.values():
            for what in left_over(self.server, copy, self.names):
                raise Leak(f"{what} is neither known nor a mask; no output was written", hint="please report this")

    def secrets(self) -> Iterator[str]:
        """All texts of definitions and code that must not be in the output."""
        for copied in self.tables.values():
            yield from copied.definition.secrets
        yield from self.names.made
        for code in self.code:
            yield code.name
            yield code.text

    def compare(self, masking: Masking) -> tuple[Shape, ...]:
        """Compare the shape of both sides; raises Leak where it differs."""
        self.progress("comparing the shape of both", "")
        without = {place for place, copied in self.tables.items() if copied.missing or copied.empty}
        columns = [column for column in self.columns if (column.database, column.table) not in without]
        shapes = compare(self.server, columns, self.copies, self.policy, masking.looked_up, self.names.mask)
        _refuse_changed(shapes)
        return shapes

    def write(self, out: Path) -> Written:
        """Write the copies to a file, which gets its name when nothing that was masked is in it."""
        return write_dump(
            self.server,
            list(self.copies.values()),
            out,
            lambda done: self.progress(f"writing {out.name}", f"{done / 1e6:.0f} MB"),
            watch=self.scan.masked,
            approve=self._look,
        )

    def _look(self, written: Path) -> None:
        self.progress("scanning the output for masked values", "")
        harmless = (*self._harmless(), *self.listed, *self.upstream, *WORDS)
        with contextlib.closing(Reader([Part(written)]).blocks()) as blocks:
            candidates = self.scan.candidates(blocks, harmless)
        found = leaks_of(self.server, self.used, self.secrets(), candidates, self.masker)
        if found:
            raise _leak(found)

    def _harmless(self) -> Iterator[str]:
        """What is in every dump: the services' words, versions, mysqldump's own words."""
        yield from self.policy.words
        yield from self.policy.json_keys
        yield BOILERPLATE
        yield from self.databases.values()
        for dump in self.dumps:
            yield from (dump.tool, dump.server_version)
            for section in dump.sections:
                yield from section.versions

    def report(
        self, written: Written, shapes: tuple[Shape, ...], masking: Masking, seconds: float, found: Sequence[Holding]
    ) -> SanitizeReport:
        """What was done."""
        return SanitizeReport(
            written=written,
            databases=self.databases,
            renamed={
                each.section.name: self.databases[each.service]
                for each in found
                if each.section.named and each.section.name != self.databases[each.service]
            },
            treated={t.value: sum(column.treatment is t for column in self.columns) for t in Treatment},
            unknown={str(column): column.treatment for column in self.columns if not column.known},
            spared={str(column): column.spared for column in self.columns if column.spared},
            findings=self.restored.findings,
            left=(*self.left_code, *self._left_out()),
            names=len(self.names.made),
            shapes=shapes,
            masked_values=masking.values,
            scanned_bytes=self.scan.scanned,
            seconds=seconds,
        )

    def _left_out(self) -> Iterator[str]:
        for (_, table), copied in sorted(self.tables.items()):
            if copied.missing:
                yield f"table {table}, whose definition cannot be masked"
            elif copied.empty:
                yield f"the rows of table {table}, of a type that cannot be masked"
            yield from copied.definition.dropped


@contextlib.contextmanager
def _room(server: DatabaseServer, what: str) -> Iterator[None]:
    """Raise MissingFault instead of the server's own error when its disk is full; some servers die of it."""
    try:
        yield
    except (pymysql.Error, sqlalchemy.exc.DBAPIError) as fault:
        said = [str(fault)]
        if not server.alive():
            with contextlib.suppress(docker.errors.APIError, requests.RequestException):
                said.append(server.container.logs(tail=50).decode("utf-8", "replace"))
        gone = LabFault("the database server stopped", evidence="\n".join(said)) if said[1:] else fault
        raise next(filter(None, (no_room(what, text) for text in said)), gone) from fault


def _refuse_changed(shapes: Sequence[Shape]) -> None:
    changed = [shape for shape in shapes if not shape.same]
    if changed:
        lines = [f"{s.fact.place}, {s.fact.what}: {s.before} before, {s.after} after" for s in changed[:20]]
        raise Leak(f"the shape changed: {lines[0]}", evidence="\n".join(lines[1:]), hint="no output was written")


def _leak(found: Mapping[str, Collection[str]]) -> Leak:
    # The value itself stays out of the message: messages end up in logs.
    lines = [
        f"masked in {', '.join(sorted(places)[:3])} (SHA-256 of the value begins with "
        f"{hashlib.sha256(token.encode()).hexdigest()[:12]})"
        for token, places in sorted(found.items())[:5]
    ]
    return Leak(
        counted(len(found), "{n} masked value[s] [was|were] found in the output, which was removed"),
        hint="a column that the policy keeps holds a value that is masked elsewhere: mask it with --policy",
        evidence="\n".join(lines),
    )

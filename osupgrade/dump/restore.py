"""Restoring dumps through the ``mysql`` client that lies beside the server, as an account without rights beyond them.

The dump goes into the client's standard input over the engine's API, so a remote engine works too and nothing is
mounted. A dump is hostile input. What holds it:

* the account ``lab`` has rights on the target databases only: no FILE (INTO OUTFILE, LOAD DATA), no SUPER (SET GLOBAL,
  foreign DEFINERs), no GRANT OPTION; the server has local_infile off;
* the client runs as ``nobody`` with ``--binary-mode``, which in a pipe knows no client command but ``delimiter`` and
  ``charset``: tried with 10.5.23, where ``\\!`` and ``system`` ran without it and were refused with it;
* what an honest dump says that such an account may not is reworded, see :mod:`osupgrade.dump.reword`;
* what would run forever or fill the disk is ended, see :mod:`osupgrade.dump.watchdog`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import sqlalchemy

from osupgrade.catalog.identity import service_of
from osupgrade.catalog.survey import Default
from osupgrade.dump import collations
from osupgrade.dump.dispatch import Dispatch
from osupgrade.dump.feed import FRAME, feed
from osupgrade.dump.holdings import Holding, holdings, is_system
from osupgrade.dump.limits import limits
from osupgrade.dump.problems import refusal
from osupgrade.dump.read import Dump
from osupgrade.dump.remarks import other_engines, views_left_out
from osupgrade.dump.reword import Rewording
from osupgrade.dump.server_errors import failure, place_of
from osupgrade.dump.sessions import Refused, Sessions
from osupgrade.dump.stream import Reader
from osupgrade.dump.watchdog import Watchdog, fault_of
from osupgrade.lab.database import DatabaseServer
from osupgrade.lab.time_zones import load_time_zones
from osupgrade.model.errors import LabFault, UsageFault
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.quoting import quoted
from osupgrade.model.text import size

OUTPUT = 1 << 16
SEVERAL = 4 << 20
"""Bytes of SQL from which on several sessions are worth it."""
ROWS = 2
"""Sessions that insert rows, beside the one that runs all else."""

_CLIENT = (
    '"$(command -v mysql || command -v mariadb)" --no-defaults --user=lab --protocol=socket '
    "--socket=/run/mysqld/mysqld.sock --batch --binary-mode --local-infile=0 --skip-reconnect "
    "--max-allowed-packet=1G --default-character-set=utf8"
)
_FEED = (
    'set -o pipefail; while read -r n && [ "$n" -gt 0 ]; do head -c "$n" | { cat 2>/dev/null; cat >/dev/null; }; done '
    f'| {_CLIENT} -- "$TARGET" 2>&1 >/dev/null | tail -c {OUTPUT}; exit "${{PIPESTATUS[1]}}"'
)
"""Takes every frame to its end, also when the client has ended: while something is left in the engine's buffers, the
engine does not say for up to a minute that the command is over. Prints nothing before the client has ended."""


@dataclass(frozen=True)
class Progress:
    """How far a restore is. ``read`` of ``total`` bytes of the file, ``sent`` bytes of SQL to the server."""

    dump: str
    read: int
    total: int
    sent: int
    seconds: float

    @property
    def rate(self) -> float:
        """Bytes of the file a second."""
        return self.read / self.seconds if self.seconds else 0.0

    @property
    def left(self) -> float | None:
        """Seconds left, by the rate so far; None before there is one."""
        return self.seconds * (self.total - self.read) / self.read if self.read else None

    @property
    def share(self) -> float:
        """How much of the file was read, from 0 to 1."""
        return self.read / self.total if self.total else 1.0

    def __str__(self) -> str:
        left = f", {self.left:.0f} s left" if self.left is not None else ""
        done = f"{size(self.read)} of {size(self.total)}"
        return f"restoring {self.dump}, {self.share:.0%}: {done}, {size(self.rate)}/s{left}"


@dataclass(frozen=True)
class Restored:
    """What a restore made. Sizes are bytes of data and indexes on the server, by service."""

    databases: Mapping[str, str]
    sizes: Mapping[str, int]
    sql_bytes: int
    seconds: float
    sha256: Mapping[str, str]
    """Of each dump file, by its path."""
    findings: tuple[Finding, ...]
    """The dumps' own, and then those of restoring them."""
    remarks: tuple[Finding, ...] = ()
    """Those of restoring them alone."""

    @property
    def rate(self) -> float:
        """Bytes of SQL a second."""
        return self.sql_bytes / self.seconds if self.seconds else 0.0


def restore(
    server: DatabaseServer,
    dumps: Sequence[Dump],
    progress: Callable[[Progress], None] | None = None,
    *,
    into: Mapping[str, str] | None = None,
    choose: Mapping[str, str] | None = None,
    only: Collection[str] = (),
    insist: bool = False,
    watch: Callable[[bytes], None] | None = None,
    default_of: Callable[[str], Default | None] | None = None,
) -> Restored:
    """Restore what the dumps hold of OpenStack, each service into the database of its name.

    ``into`` (service -> database) gives other names, ``choose`` is :func:`~osupgrade.dump.holdings.holdings`'. A dump
    that carries errors (read with ``insist``) is refused unless ``insist`` is given here too; then the server says what
    it thinks. ``only`` names the services wanted; ``watch`` gets all that is sent to the server; ``default_of`` knows
    the default of a database by its name in the dump, for where the dump does not say it. Raises UsageFault with the
    client's error and drops all it made when a dump does not restore, LabFault when the container goes away.
    """
    found = [holding for holding in holdings(dumps, choose) if not only or holding.service in only]
    if not found:
        raise UsageFault(f"the dumps contain nothing of {', '.join(only)}", hint="osupgrade inspect shows the content")
    refused = [finding for dump in dumps for finding in dump.findings if finding.severity is Severity.ERROR]
    if refused and not insist:
        raise refusal(refused[0])
    targets = {holding.service: (into or {}).get(holding.service, holding.service) for holding in found}
    started = time.monotonic()
    sent, said = 0, list[Finding]()
    make = partial(_make, server, targets, default_of)
    try:
        make(found)
        if server.rows("", "SELECT @@log_bin")[0][0]:
            server.execute("", "SET GLOBAL log_bin_trust_function_creators = 1")
        for dump in _each_once(found):
            mine = [holding for holding in found if holding.dump is dump]
            replaced = collations.replacements(server, dump.collations)
            said += collations.remarks(dump.name, replaced, server.version)
            said += other_engines(server, dump)
            one, views = _restore_one(server, dump, mine, targets, replaced, progress, watch, partial(make, mine))
            sent, said = sent + one, said + views_left_out(dump, views)
            _check_whole(server, dump, mine, targets)
        for holding in found:
            if not (holding.section.charset or (default_of and default_of(holding.section.name))):
                _default_as_tables(server, targets[holding.service])
    except BaseException:
        _undo(server, targets.values())
        raise
    # A hostile dump may have set a password of its own for the account that restored it.
    server.renew_password(server.tool)
    remarks = (*said, *_left_out(dumps, found))
    return Restored(
        databases=targets,
        sizes=_sizes(server, targets),
        sql_bytes=sent,
        seconds=time.monotonic() - started,
        sha256={str(dump.path): dump.sha256 for dump in dumps},
        findings=(*(f for dump in dumps for f in dump.findings), *remarks),
        remarks=remarks,
    )


def _make(
    server: DatabaseServer,
    targets: Mapping[str, str],
    default_of: Callable[[str], Default | None] | None,
    held: Iterable[Holding],
) -> None:
    """Make the databases of these services, empty, over what may be there."""
    for holding in held:
        known = default_of(holding.section.name) if default_of else None
        charset, collation = (known.charset, known.collation) if known else ("utf8", "")
        server.create(targets[holding.service], charset=charset, collation=collation)


def _restore_one(
    server: DatabaseServer,
    dump: Dump,
    mine: Sequence[Holding],
    targets: Mapping[str, str],
    replaced: Mapping[str, str],
    progress: Callable[[Progress], None] | None,
    watch: Callable[[bytes], None] | None,
    empty: Callable[[], None],
) -> tuple[int, Sequence[str]]:
    """Restore one dump over several sessions where that is worth it; ``empty`` makes its databases anew.

    What they refuse, a single session is given as well: it says what it thinks, and of which line. Returns the bytes
    sent and the views that were left out.
    """
    load_time_zones(server, dump.time_zones)
    names = {holding.section.name: targets[holding.service] for holding in mine if holding.section.name}
    unnamed = [targets[holding.service] for holding in mine if not holding.section.named]

    def work(way: Callable[[_Work], int]) -> tuple[int, Sequence[str]]:
        reword = Rewording(
            names,
            keep=bool(unnamed) or all(section.named for section in dump.sections),
            known={section.name for section in dump.sections if section.named},
            collations=replaced,
        )
        watchdog = Watchdog(server, targets.values(), dump.sql_bytes, limits())
        work = _Work(server, dump, Reader(dump.parts), reword, "".join(unnamed), watchdog, progress, watch)
        with watchdog.watching(lambda: work.done):
            try:
                sent = way(work)
            except Refused:
                if not watchdog.stopped:
                    raise
        if watchdog.stopped:
            raise fault_of(dump.name, watchdog.stopped, partial(place_of, dump))
        return sent, reword.views_left_out

    if dump.ordinary and dump.whole and dump.sql_bytes >= SEVERAL:
        try:
            return work(_by_several)
        except Refused as refused:
            if not server.alive():
                words = f"the database server stopped while {dump.name} was restored"
                raise LabFault(words, evidence=str(refused)) from refused
            server.renew_password(server.tool)
            empty()
    return work(_by_one)


@dataclass
class _Work:
    """One attempt to restore a dump."""

    server: DatabaseServer
    dump: Dump
    reader: Reader
    reword: Rewording
    database: str
    """The database in use at the beginning; empty for none."""
    watchdog: Watchdog
    progress: Callable[[Progress], None] | None
    watch: Callable[[bytes], None] | None
    done: int = 0
    """Bytes sent so far."""
    started: float = field(default_factory=time.monotonic)

    def tell(self, sent: int) -> None:
        """Say how far it is."""
        self.done = sent
        if self.progress:
            passed = time.monotonic() - self.started
            self.progress(Progress(self.dump.name, self.reader.position, self.reader.total, sent, passed))


def _by_one(work: _Work) -> int:
    """Restore a dump through the client."""
    with contextlib.closing(work.reader.pieces()) as pieces:
        stream = work.reword(pieces)
        sent, status, output = feed(
            work.server.container,
            _FEED,
            _watched(stream, work.watch) if work.watch else stream,
            {"MYSQL_PWD": work.server.tool.password, "TARGET": work.database},
            work.tell,
        )
    if status and not work.watchdog.stopped:
        raise failure(work.server, work.dump, output)
    return sent


def _by_several(work: _Work) -> int:
    """Restore a dump over several sessions; raises Refused."""
    dispatch, sent, reported = Dispatch(), 0, 0
    given = work.server, work.database, ROWS
    with contextlib.closing(work.reader.pieces()) as pieces, Sessions(*given) as sessions:
        work.watchdog.numbers = sessions.numbers
        for statement, size in work.reword.statements(pieces):
            if statement:
                if work.watch:
                    work.watch(statement + b"\n")
                for sending in dispatch.send(statement):
                    sessions.send(sending)
            sent += size
            if sent - reported >= FRAME:
                work.tell(reported := sent)
        sessions.finish()
    work.tell(sent)
    return sent


def _watched(stream: Iterable[bytes], watch: Callable[[bytes], None]) -> Iterator[bytes]:
    for data in stream:
        watch(data)
        yield data


def _check_whole(server: DatabaseServer, dump: Dump, mine: Sequence[Holding], targets: Mapping[str, str]) -> None:
    """Raise UsageFault when a dump drops what it created."""
    sql = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
    for holding in mine:
        there = {str(row[0]).lower() for row in server.rows("", sql, (targets[holding.service],))}
        gone = [table for table in holding.section.tables if table.lower() not in there]
        if not gone:
            continue
        name = holding.section.name or holding.service
        shown = ", ".join(gone[:5]) + (f" and {len(gone) - 5} more" if len(gone) > 5 else "")
        raise UsageFault(
            f"{dump.name} drops what it creates: after it was restored, {shown} of {name} is missing",
            hint="it contains a statement that drops tables or databases after creating them, which no dump does",
        )


def _default_as_tables(server: DatabaseServer, database: str) -> None:
    """Give a database whose default nobody knows the collation that all its tables have, where it is of utf8.

    Services ask for utf8 and leave the collation to the server, and that of this one may be another than it was.
    """
    sql = "SELECT DISTINCT TABLE_COLLATION FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = %s"
    used = [str(row[0]) for row in server.rows("", sql, (database, "BASE TABLE"))]
    if len(used) == 1 and used[0].startswith(("utf8_", "utf8mb3_")):
        server.execute("", f"ALTER DATABASE {quoted(database)} COLLATE {quoted(used[0])}")


def _undo(server: DatabaseServer, targets: Iterable[str]) -> None:
    """Drop what was made, ending the sessions that would hold it; a server that is gone needs no cleaning."""
    if not server.alive():
        return
    who = server.tool.user
    mine = set(targets)  # other lanes work on the same server with the same account
    sessions = server.rows("", "SELECT id, db FROM information_schema.processlist WHERE user = %s", (who,))
    for session in (number for number, database in sessions if not database or database in mine):
        with contextlib.suppress(sqlalchemy.exc.SQLAlchemyError):  # it may have ended by itself meanwhile
            server.execute("", f"KILL {session}")
    for name in mine:
        server.drop(name)
    server.renew_password(server.tool)


def _sizes(server: DatabaseServer, targets: Mapping[str, str]) -> dict[str, int]:
    sql = "SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema = %s"
    return {service: int(server.rows("", sql, (name,))[0][0]) for service, name in targets.items()}


def _each_once(found: Sequence[Holding]) -> list[Dump]:
    return list({id(holding.dump): holding.dump for holding in found}.values())


def _left_out(dumps: Sequence[Dump], found: Sequence[Holding]) -> Iterator[Finding]:
    taken = {(id(holding.dump), holding.section.name) for holding in found}
    for dump in dumps:
        for section in dump.sections:
            if (id(dump), section.name) not in taken:
                service = service_of(section)
                instead = next((held.section.name for held in found if held.service == service), "")
                other = f"a second database of {service}, and {instead} is restored" if instead else "not selected"
                why = "a system database" if is_system(section) else other if service else "not an OpenStack database"
                name = section.name or "(unnamed)"
                yield Finding(
                    "dump", Severity.INFO, "", dump.name, f"the database {name} was not restored: it is {why}"
                )

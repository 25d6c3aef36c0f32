"""Restoring dumps through the ``mysql`` client that lies beside the server, as an account without rights beyond them.

The dump goes into the client's standard input over the engine's API, so a remote engine works too and nothing is
mounted. A dump is hostile input. What holds it:

* the account ``lab`` has rights on the target databases only: no FILE (INTO OUTFILE, LOAD DATA), no SUPER (SET GLOBAL,
  foreign DEFINERs), no GRANT OPTION; the server has local_infile off;
* the client runs as ``nobody`` with ``--binary-mode``, which in a pipe knows no client command but ``delimiter`` and
  ``charset``: tried with 10.5.23, where ``\\!`` and ``system`` ran without it and were refused with it;
* what an honest dump says that such an account may not is reworded by :func:`reworded`, line by line.
"""

from __future__ import annotations

import contextlib
import re
import struct
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker.errors
import requests
import sqlalchemy
from docker.models.containers import Container

from osupgrade.dump.source import (
    ACCOUNTS,
    DATABASE,
    USE,
    Dump,
    Holding,
    holdings,
    is_system,
    matched_name,
    refusal,
    service_of,
)
from osupgrade.dump.stream import Piece, Reader, pieces
from osupgrade.lab.database import DatabaseServer, no_room
from osupgrade.model.errors import Fault, LabFault, UsageFault
from osupgrade.model.finding import Finding, Severity

FRAME = 4 << 20
"""Bytes sent at a time, each with its length before it: the end of a dump is then told from a lost connection, and a
TLS connection, which cannot be closed in one direction only, can say it."""
OUTPUT = 1 << 16

_CLIENT = (
    "mysql --no-defaults --user=lab --protocol=socket --socket=/run/mysqld/mysqld.sock --batch --binary-mode "
    "--local-infile=0 --skip-reconnect --max-allowed-packet=1G --default-character-set=utf8"
)
_FEED = (
    'set -o pipefail; while read -r n && [ "$n" -gt 0 ]; do head -c "$n" || exit 1; done '
    f'| {_CLIENT} "$TARGET" 2>&1 >/dev/null | head -c {OUTPUT}; exit "${{PIPESTATUS[1]}}"'
)
_DEFINER = re.compile(rb"DEFINER\s*=\s*(?:`(?:[^`]|``)*`|'[^']*'|\w+)\s*@\s*(?:`(?:[^`]|``)*`|'[^']*'|[\w.%-]+)")
_DROP_DATABASE = re.compile(rb"(?:/\*!\d+ )?DROP DATABASE ")
_SANDBOX = re.compile(rb"/\*M?!999999\\- ")
_ERROR = re.compile(r"ERROR (?:(\d+) \(\w+\) )?at line (\d+): (.*)", re.DOTALL)
_FORBIDDEN = {
    1044: "it reaches for a database that is not its own",
    1045: "it asks for rights on the server's files or accounts, which a dump does not get here",
    1142: "it reaches for a table that is not its own",
    1227: "it asks for rights on the whole server, which a dump does not get here",
    1410: "it grants rights, which a dump does not get to do here",
}


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

    def __str__(self) -> str:
        part = self.read / self.total if self.total else 1.0
        bar = ("#" * round(part * 20)).ljust(20, ".")
        left = f", {self.left:.0f} s left" if self.left is not None else ""
        done = f"{self.read / 1e6:.0f} of {self.total / 1e6:.0f} MB"
        return f"restoring {self.dump} [{bar}] {done}, {self.rate / 1e6:.1f} MB/s{left}"


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
) -> Restored:
    """Restore what the dumps hold of OpenStack, each service into the database of its name.

    ``into`` (service -> database) gives other names, ``choose`` is :func:`~osupgrade.dump.source.holdings`'. A dump
    that carries errors (read with ``insist``) is refused unless ``insist`` is given here too; then the server says what
    it thinks. ``only`` names the services wanted; ``watch`` gets all that is sent to the server. Raises UsageFault with
    the client's error and drops all it made when a dump does not restore, LabFault when the container goes away.
    """
    found = [holding for holding in holdings(dumps, choose) if not only or holding.service in only]
    if not found:
        raise UsageFault(f"the dumps hold nothing of {', '.join(only)}", hint="osupgrade inspect says what they hold")
    refused = [finding for dump in dumps for finding in dump.findings if finding.severity is Severity.ERROR]
    if refused and not insist:
        raise refusal(refused[0])
    targets = {holding.service: (into or {}).get(holding.service, holding.service) for holding in found}
    started = time.monotonic()
    sent = 0
    try:
        for name in targets.values():
            server.create(name)
        if server.rows("", "SELECT @@log_bin")[0][0]:
            server.execute("", "SET GLOBAL log_bin_trust_function_creators = 1")
        for dump in _each_once(found):
            mine = [holding for holding in found if holding.dump is dump]
            sent += _restore_one(server, dump, mine, targets, progress, watch)
    except BaseException:
        _undo(server, targets.values())
        raise
    # A hostile dump may have set a password of its own for the account that restored it.
    server.execute("", f"SET PASSWORD FOR '{server.tool.user}'@'%' = PASSWORD('{server.tool.password}')")
    return Restored(
        databases=targets,
        sizes=_sizes(server, targets),
        sql_bytes=sent,
        seconds=time.monotonic() - started,
        sha256={str(dump.path): dump.sha256 for dump in dumps},
        findings=(*(f for dump in dumps for f in dump.findings), *_left_out(dumps, found)),
    )


def _restore_one(
    server: DatabaseServer,
    dump: Dump,
    mine: Sequence[Holding],
    targets: Mapping[str, str],
    progress: Callable[[Progress], None] | None,
    watch: Callable[[bytes], None] | None,
) -> int:
    names = {holding.section.name: targets[holding.service] for holding in mine if holding.section.named}
    unnamed = [targets[holding.service] for holding in mine if not holding.section.named]
    reader = Reader(dump.parts)
    started = time.monotonic()

    def tell(sent: int) -> None:
        if progress:
            progress(Progress(dump.name, reader.position, reader.total, sent, time.monotonic() - started))

    stream = reworded(
        pieces(reader.blocks()), names, keep=bool(unnamed) or all(section.named for section in dump.sections)
    )
    sent, status, output = feed(
        server.container,
        _FEED,
        _watched(stream, watch) if watch else stream,
        {"MYSQL_PWD": server.tool.password, "TARGET": "".join(unnamed)},
        tell,
    )
    if status:
        raise _failure(server, dump, output)
    return sent


def _watched(stream: Iterable[bytes], watch: Callable[[bytes], None]) -> Iterator[bytes]:
    for data in stream:
        watch(data)
        yield data


def reworded(stream: Iterable[Piece], names: Mapping[str, str], *, keep: bool) -> Iterator[bytes]:
    """A dump as the account ``lab`` can restore it, with every line still at its number.

    ``names`` maps the dump's databases to those that take them; others are left out. ``keep`` says whether the tables
    before the first USE are wanted; settings there always are. The definers of triggers, views and routines become the
    account that restores, since theirs are not on this server; what a dump says about replication and about accounts is
    dropped; all else passes as it is.
    """
    made: set[str] = set()
    preamble = True
    for line, data in stream:
        if not line:
            yield data if keep else b"\n" * data.count(b"\n")
            continue
        if use := USE.match(data):
            preamble, name = False, matched_name(use)
            keep = name in names
            data = b"USE %s;\n" % _quoted(names[name]) if keep else b"\n"
        elif database := DATABASE.match(data):
            preamble, name = False, matched_name(database)
            keep = name in names
            if keep and name not in made:
                made.add(name)
                target = _quoted(names[name])
                data = b"DROP DATABASE IF EXISTS %s; CREATE DATABASE %s%s;\n" % (target, target, database[3])
            else:
                data = b"\n"
        elif _dropped(data) or not (keep or (preamble and data.startswith((b"/*", b"SET ")))):
            data = b"\n"
        elif data.startswith(b"SET @@"):
            data = re.sub(rb"\ASET @@GLOBAL\.GTID_PURGED\s*=", b"SET @gtid_purged=", data)
            data = re.sub(rb"\ASET @@SESSION\.SQL_LOG_BIN\s*=", b"SET @sql_log_bin=", data)
        elif data.startswith((b"/*", b"CREATE ")):
            data = _DEFINER.sub(b"DEFINER=CURRENT_USER", data)
        yield data


def _dropped(line: bytes) -> bool:
    said = (_DROP_DATABASE.match(line), _SANDBOX.match(line), ACCOUNTS.match(line))
    return any(said) or line.startswith(b"CHANGE MASTER ")


def feed(
    container: Container,
    script: str,
    stream: Iterable[bytes],
    environment: Mapping[str, str],
    sent: Callable[[int], None] | None = None,
) -> tuple[int, int, str]:
    """Run a shell script in a container and send it ``stream`` in frames: a line with a length, then so many bytes.

    A last frame of length 0 says that all was sent. Returns the bytes sent, the exit status and the output, which the
    script must keep below what a socket's buffer takes. Raises LabFault when the container goes away.
    """
    api = container.client.api  # type: ignore[union-attr]
    total = 0
    try:
        handle = api.exec_create(
            container.id, ["bash", "-c", script], stdin=True, environment=dict(environment), user="nobody"
        )
        raw: Any = api.exec_start(handle["Id"], socket=True)
        connection: Any = getattr(raw, "_sock", raw)
        if hasattr(connection, "settimeout"):
            connection.settimeout(None)
        try:
            for frame in _frames(stream):
                connection.sendall(b"%d\n" % len(frame))
                connection.sendall(frame)
                total += len(frame)
                if sent:
                    sent(total)
            connection.sendall(b"0\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # The client ended before its input did; its output says why.
        except BaseException:
            _close(raw, connection)
            raise
        output = b"".join(_output(connection))
        _close(raw, connection)
        status = api.exec_inspect(handle["Id"])["ExitCode"]
        container.reload()
        if status is None or container.status != "running":
            raise LabFault(f"the container {container.name} stopped while a dump went into it")
    except (docker.errors.APIError, requests.RequestException, OSError) as fault:
        raise LabFault(f"lost the container {container.name} while a dump went into it", evidence=str(fault)) from fault
    return total, status, output.decode("utf-8", "replace")


def _close(raw: Any, connection: Any) -> None:
    """Close both ends of what the engine's SDK gives: the stream does not own the socket below it."""
    raw.close()
    connection.close()


def _frames(stream: Iterable[bytes]) -> Iterator[bytes]:
    gathered, size = [], 0
    for data in stream:
        gathered.append(data)
        size += len(data)
        if size >= FRAME:
            yield b"".join(gathered)
            gathered, size = [], 0
    if size:
        yield b"".join(gathered)


def _output(connection: Any) -> Iterator[bytes]:
    """What the command printed, out of the engine's frames of a stream's number and a length."""
    while header := _exactly(connection, 8):
        _, length = struct.unpack(">BxxxL", header)
        yield _exactly(connection, length)


def _exactly(connection: Any, length: int) -> bytes:
    got = b""
    while len(got) < length:
        try:
            more = connection.recv(length - len(got))
        except ConnectionResetError:
            return b""
        if not more:
            return b""
        got += more
    return got


def _failure(server: DatabaseServer, dump: Dump, output: str) -> Fault:
    """The client's error as one sentence, with the statement's first line as evidence."""
    match = _ERROR.search(output)
    text = output.strip()[-1000:]
    if full := no_room(f"{dump.name} ({dump.sql_bytes >> 20} MB of SQL)", text):
        return full
    if match is None:
        if not server.alive():
            return LabFault(f"the database server stopped while {dump.name} was restored", evidence=text)
        return UsageFault(f"{dump.name} does not restore", evidence=text)
    number, line, message = match[1], int(match[2]), match[3].strip().splitlines()[0]
    said = f"error {number}: {message}" if number else message
    why = _FORBIDDEN.get(int(number or 0), "")
    if message.startswith("Unknown command"):
        why = "it holds a command for the client itself, which no dump needs"
    place = _statement(dump, line)
    known = next((finding for finding in dump.findings if finding.severity is Severity.ERROR), None)
    return UsageFault(
        f"{dump.name} does not restore: line {line}, {said}" + (f" ({why})" if why else ""),
        hint=f"{known.message}; {refusal(known).hint}" if known else "nothing of it was left behind",
        evidence=f"{text[:600]}\n{place}".strip(),
    )


def _statement(dump: Dump, line: int) -> str:
    """Where in the dump a line is: the last line that matters up to it."""
    last = ""
    for piece in pieces(Reader(dump.parts).blocks()):
        if piece.line > line:
            break
        if piece.line and piece.data.startswith((b"CREATE ", b"/*!5", b"SET ")):
            last = f"line {piece.line}: {piece.data[:200].decode('utf-8', 'replace').strip()}"
    return last


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
    server.execute("", f"SET PASSWORD FOR '{who}'@'%' = PASSWORD('{server.tool.password}')")


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
                other = "not wanted" if service_of(section) else "no OpenStack service's"
                why = "the server's own" if is_system(section) else other
                name = section.name or "(unnamed)"
                yield Finding(
                    "dump", Severity.INFO, "", dump.name, f"the database {name} was not restored: it is {why}"
                )


def _quoted(name: str) -> bytes:
    return b"`%s`" % name.replace("`", "``").encode()

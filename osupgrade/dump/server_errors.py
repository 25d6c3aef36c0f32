"""The error of a server or client for a dump that does not restore, as one sentence."""

from __future__ import annotations

import re

from osupgrade.dump.problems import refusal
from osupgrade.dump.read import Dump
from osupgrade.dump.statements import Kind, is_sql
from osupgrade.dump.stream import Reader
from osupgrade.lab.database import DatabaseServer, no_room
from osupgrade.model.errors import Fault, LabFault, UsageFault
from osupgrade.model.finding import Severity

_ERROR = re.compile(r"ERROR (?:(\d+) \(\w+\) )?at line (\d+): (.*)", re.DOTALL)
_SYNTAX = "1064"
_COLUMNS = "1136"
_TIME_ZONE = "1298"
_LOAD = re.compile(rb"LOAD\s++(?:DATA|XML)\b", re.IGNORECASE)
_FORBIDDEN = {
    1044: "it references a different database",
    1045: "it needs privileges on the server's files or accounts, which a restore does not have here",
    1142: "it references a table of a different database",
    1227: "it needs server-wide privileges, which a restore does not have here",
    1410: "it grants privileges, which a restore may not do here",
}


def failure(server: DatabaseServer, dump: Dump, output: str) -> Fault:
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
    at, beginning = _statement(dump, line)
    why = _FORBIDDEN.get(int(number or 0), "")
    if message.startswith("Unknown command"):
        why = "it contains a command for the client itself, which no dump needs"
    if number == _TIME_ZONE:
        why = "the lab has no time zone of that name: use its offset instead, such as '+01:00'"
    if _LOAD.match(beginning):
        why = "it reads rows from separate files: take the dump again without --load-data or --csv"
    if number == _COLUMNS and dump.holds_rows_alone(line):
        why = "its values are not in the default format of mysqldump --tab: take the dump without --fields-... options"
    known = next((finding for finding in dump.findings if finding.severity is Severity.ERROR), None)
    if number == _SYNTAX and beginning and not known and not is_sql(beginning):
        first = beginning.decode("utf-8", "replace").strip().partition("\n")[0]
        return UsageFault(
            f"{dump.name} does not restore: {dump.place(at)} is not SQL: {first[:160]}",
            hint="delete the line if it is a message of another program; if rows are missing, take the dump again",
            evidence=text[:600],
        )
    place = f"{dump.place(at)}: {beginning.decode('utf-8', 'replace').strip()}" if beginning else ""
    return UsageFault(
        f"{dump.name} does not restore: {dump.place(line)}, {said}" + (f" ({why})" if why else ""),
        hint=f"{known.message}; {refusal(known).hint}"
        if known
        else (_other_vendor(dump, server.version) if server.alive() else "")
        or f"look at {dump.place(line)}; take the dump again if it is damaged there",
        evidence=f"{text[:600]}\n{place}".strip(),
    )


def _other_vendor(dump: Dump, version: str) -> str:
    """What to do where MySQL is given what MariaDB wrote, or the other way round; empty where it is not."""
    own = dump.server_version
    if not own or ("mariadb" in own.lower()) == ("mariadb" in version.lower()):
        return ""
    return f"the dump is from {own}, but was restored on {version}: use --db to choose a server like yours"


def place_of(dump: Dump, statement: str) -> str:
    """The line of a statement that the server shows; empty when it is not found in the dump as it is."""
    wanted = "".join(statement.split())[:100].lower()
    if not wanted:
        return ""
    for piece in Reader(dump.parts).pieces():
        if piece.kind in (Kind.STATEMENT, Kind.HEAD):
            text = "".join(piece.data[:400].decode("utf-8", "replace").split()).lower()
            if text.startswith(wanted) or wanted.startswith(text.rstrip(";")):
                return dump.place(piece.line)
    return ""


def _statement(dump: Dump, line: int) -> tuple[int, bytes]:
    """The line and the beginning of the statement at a line of the dump, or of the last before it."""
    last, at = b"", 0
    for piece in Reader(dump.parts).pieces():
        if piece.line > line:
            break
        if piece.kind in (Kind.STATEMENT, Kind.HEAD):
            last, at = piece.data, piece.line
    # What is several statements with rows, one a line, comes as one piece.
    lines = last.split(b"\n")
    if 0 < line - at < len(lines) and is_sql(lines[line - at]):
        return line, lines[line - at][:200]
    return at, last[:200]

"""What an operator has: which databases a dump holds, which service each is, and whether it can be restored at all.

:func:`find_dumps` turns paths into dumps, :func:`read_dump` reads one from end to end with flat memory,
:func:`check` says what is wrong with it, :func:`holdings` says which database is which service.
Everything is said before anything is restored.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from osupgrade.dump.stream import SUFFIXES, Part, Piece, Reader, compression, pieces
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Cure, Finding, Severity
from osupgrade.model.release import Release

SYSTEM = frozenset({"mysql", "information_schema", "performance_schema", "sys"})
"""The server's own databases, never restored."""

SIGNATURES: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = (
    # service, tables that it has, tables that it never has. Grizzly's nova has cinder's tables too.
    ("nova_api", frozenset({"cell_mappings", "host_mappings"}), frozenset({"instances"})),
    ("placement", frozenset({"resource_providers", "inventories"}), frozenset({"cell_mappings", "instances"})),
    ("nova", frozenset({"instances", "compute_nodes"}), frozenset()),
    ("cinder", frozenset({"volumes", "snapshots"}), frozenset({"instances"})),
    ("glance", frozenset({"images", "image_properties"}), frozenset({"instances"})),
    ("keystone", frozenset({"endpoint", "role", "user"}), frozenset()),
    ("neutron", frozenset({"networks", "ports", "subnets"}), frozenset({"instances"})),
)
NAMES: Mapping[str, str] = {
    "quantum": "neutron",
    "ovs_quantum": "neutron",
    "neutron": "neutron",
    "ovs_neutron": "neutron",
    "neutron_ml2": "neutron",
    "keystone": "keystone",
    "glance": "glance",
    "nova": "nova",
    "nova_api": "nova_api",
    "nova_cell0": "nova_cell0",
    "placement": "placement",
    "cinder": "cinder",
}
"""Database names that operators use; they count where the tables do not decide."""

Reading = Callable[[str, int, int], None]
"""Told the name of the dump that is read, the bytes of it so far and all of them."""

SCHEMA_ONLY = "only the schema is rehearsed"
"""What follows of a dump without rows."""

_TABLE = re.compile(rb"CREATE TABLE (?:IF NOT EXISTS )?(?:`?[\w$-]+`?\.)?(?:`((?:[^`]|``)+)`|([\w$]+))")
DATABASE = re.compile(
    rb"CREATE (?:DATABASE|SCHEMA)(?: IF NOT EXISTS)? (?:/\*!\d+ IF NOT EXISTS\s*\*/ )?(?:`((?:[^`]|``)+)`|([\w$]+))"
    rb"([^\n]*?);?\s*\Z"
)
USE = re.compile(rb"(?:USE|use) (?:`((?:[^`]|``)+)`|([\w$-]+))\s*;?\s*\Z")
ACCOUNTS = re.compile(rb"GRANT |REVOKE |FLUSH PRIVILEGES|(?:CREATE|ALTER|DROP) (?:USER|ROLE) ")
"""Statements about the server's accounts, which no dump of databases needs."""
_NAMES = re.compile(rb"SET NAMES\s*'?(\w+)'?", re.IGNORECASE)
"""Not of ``SET character_set_client``, which stands around each table's definition and says nothing of its rows."""
_CHARSET = re.compile(rb"CHARACTER SET (\w+)", re.IGNORECASE)
_VERSION = re.compile(rb"INSERT INTO `?(\w+)`?[^;]*?VALUES\s*(.*)", re.DOTALL)
_VERSION_ROW = re.compile(rb"\((?:'(?:[^'\\]|\\.)*',\s*'(?:[^'\\]|\\.)*',\s*(\d+)|'([0-9A-Za-z_]+)')\)")
_FK_OFF = re.compile(rb"(?:@@)?FOREIGN_KEY_CHECKS\s*=\s*0", re.IGNORECASE)
_BINARY_COLUMN = re.compile(rb"\n  `[^`\n]*` (?:\w*blob|(?:var)?binary\()")


@dataclass(frozen=True)
class Section:
    """One database as a dump holds it. ``name`` is empty where the dump does not say it."""

    name: str
    named: bool
    """Whether the dump itself says USE; else it goes into whatever database one gives."""
    tables: tuple[str, ...]
    charset: str = ""
    versions: tuple[str, ...] = ()
    """What its version table holds: ``161``, ``grizzly``; empty for a database that was never stamped."""


@dataclass(frozen=True)
class Dump:
    """One dump that was read to its end."""

    path: Path
    parts: tuple[Part, ...]
    size: int
    """Bytes on disk."""
    sql_bytes: int
    sha256: str
    compression: str
    tool: str
    """What wrote it, by its first comment; empty where it does not say."""
    server_version: str
    charset: str
    sections: tuple[Section, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.path.name


@dataclass(frozen=True)
class Holding:
    """A database of a dump that is one of the cloud's."""

    service: str
    dump: Dump
    section: Section


@dataclass
class Seen:
    """What reading a dump from end to end saw; :func:`check` judges it."""

    headers: list[tuple[int, str]] = field(default_factory=list)
    header_database: str = ""
    hosts: list[str] = field(default_factory=list)
    server_version: str = ""
    completed: int = 0
    executable: int = 0
    accounts: int = 0
    notes_off: int = 0
    notes_back: int = 0
    fk_off: bool = False
    fk_off_first: bool = False
    foreign_keys: bool = False
    charset: str = ""
    ascii: bool = True
    bad_utf8: int = 0
    """The line of the first bytes that are not UTF-8."""
    binary_columns: bool = False
    rows: bool = False
    tables: int = 0
    loose: str = ""
    """A table of a later dump in the same file that says no database, where an earlier one does."""
    twice: str = ""
    """A table that one database has twice."""
    stray: tuple[int, str] = (0, "")
    foreign: str = ""
    head: bytes = b""
    tail: bytes = b""
    length: int = 0


class _Sections:
    """Collects tables by database while a dump goes by."""

    def __init__(self) -> None:
        self.order: list[str] = [""]
        self.tables: dict[str, list[str]] = {"": []}
        self.charset: dict[str, str] = {}
        self.versions: dict[str, list[str]] = {}
        self.uses: dict[str, int] = {}
        self.now = ""
        self.unfinished = b""
        """Rows of a version table that go on in the next line: MariaDB's dumper writes each on a line of its own."""
        self.said = False
        """Whether the dump that goes by, one of several in the file perhaps, has said its database."""

    def use(self, name: str) -> None:
        if name not in self.tables:
            self.order.append(name)
            self.tables[name] = []
        self.now, self.said = name, True

    def insert(self, data: bytes) -> None:
        """Take what a version table holds from its INSERT, which may not have ended yet."""
        statement, end, _ = (self.unfinished + data).partition(b";")
        self.unfinished = b"" if end else statement
        if end:
            self.versions.setdefault(self.now, []).extend(_versions(statement))

    def finish(self, header_database: str) -> tuple[Section, ...]:
        found = []
        for name in self.order:
            if not name and not self.tables[""]:
                continue
            found.append(
                Section(
                    name=name or header_database,
                    named=bool(name),
                    tables=tuple(dict.fromkeys(self.tables[name])),
                    charset=self.charset.get(name, ""),
                    versions=tuple(sorted(self.versions.get(name, ()))),
                )
            )
        return tuple(found)


def find_dumps(paths: Sequence[Path]) -> tuple[tuple[Path, tuple[Part, ...]], ...]:
    """The dumps behind ``paths``: files, directories of dumps, mydumper directories.

    Raises UsageFault for what is not there, for a directory without dumps and for a file given twice.
    """
    found: list[tuple[Path, tuple[Part, ...]]] = []
    for path in paths:
        if not path.exists():
            raise UsageFault(f"there is no {path}", hint="give a dump file or a directory of them")
        if not path.is_dir():
            found.append((path, (Part(path),)))
        elif (path / "metadata").is_file() or (path / "metadata.partial").exists():
            found.append((path, mydumper_parts(path)))
        else:
            inside = [p for p in sorted(path.iterdir()) if p.suffix in SUFFIXES and p.is_file() and p.name[0] != "."]
            if not inside:
                raise UsageFault(
                    f"the directory {path} holds no dump", hint=f"dumps are files that end in {', '.join(SUFFIXES)}"
                )
            found.extend((p, (Part(p),)) for p in inside)
    if not found:
        raise UsageFault("no dump was given", hint="give at least one dump file or directory")
    seen: dict[Path, Path] = {}
    for path, _ in found:
        if path.resolve() in seen:
            raise UsageFault(f"{path} is given twice")
        seen[path.resolve()] = path
    return tuple(found)


def mydumper_parts(directory: Path) -> tuple[Part, ...]:
    """The files of a mydumper directory in the order in which they have to be restored."""
    if (directory / "metadata.partial").exists():
        raise UsageFault(
            f"{directory} is an unfinished mydumper directory: it still has metadata.partial",
            hint="take the dump again and let mydumper finish",
        )
    ranks: list[tuple[str, int, str, Part]] = []
    for path in sorted(directory.iterdir()):
        stem = re.sub(r"\.(?:gz|zst)\Z", "", path.name)
        if not stem.endswith(".sql"):
            continue
        stem = stem.removesuffix(".sql")
        if stem.endswith("-schema-create"):
            ranks.append((stem.removesuffix("-schema-create"), 0, stem, Part(path)))
            continue
        database, _, rest = stem.partition(".")
        if not rest:
            database = stem.removesuffix("-schema-post").removesuffix("-schema-triggers")
        kinds = (("-schema-view", 4), ("-schema-triggers", 3), ("-schema-post", 5), ("-schema", 1))
        rank = next((rank for suffix, rank in kinds if stem.endswith(suffix)), 2)
        ranks.append((database, rank, stem, Part(path, database, code=rank in (3, 5))))
    if not ranks:
        raise UsageFault(f"the mydumper directory {directory} holds no SQL files")
    return tuple(part for _, _, _, part in sorted(ranks, key=lambda item: item[:3]))


def read_dumps(paths: Sequence[Path], progress: Reading | None = None, *, insist: bool = False) -> tuple[Dump, ...]:
    """Read all dumps behind ``paths`` and refuse the first that cannot be restored; see :func:`read_dump`."""
    return tuple(read_dump(path, parts, progress, insist=insist) for path, parts in find_dumps(paths))


def read_dump(
    path: Path,
    parts: Sequence[Part] = (),
    progress: Reading | None = None,
    *,
    insist: bool = False,
) -> Dump:
    """Read one dump from end to end; ``progress`` gets its name, the bytes read and all of them.

    Raises UsageFault with the first thing that makes it unusable. ``insist`` takes what a client would still try:
    the problems become findings of the dump; damaged compression and files that are no dump are refused all the same.
    """
    reader = Reader(parts or (Part(path),), digest=True)
    sections, seen = _Sections(), Seen()
    for piece in pieces(_watched(reader, seen, path.name, progress)):
        if piece.line:
            _note(piece, sections, seen)
        else:
            _note_data(piece.data, seen)
            if sections.unfinished:
                sections.insert(piece.data)
    unusable = not_a_dump(seen, path.name)
    if unusable:
        raise unusable
    problems = check(seen, path.name, sections.uses)
    if problems and not insist:
        raise refusal(problems[0])
    assert reader.sha256 is not None
    return Dump(
        path=path,
        parts=reader.parts,
        size=reader.total,
        sql_bytes=seen.length,
        sha256=reader.sha256.hexdigest(),
        compression=compression(reader.parts[0].path),
        tool=seen.headers[0][1] if seen.headers else "",
        server_version=seen.server_version,
        charset=seen.charset,
        sections=sections.finish(seen.header_database),
        findings=(*problems, *remarks(seen, path.name)),
    )


def _watched(reader: Reader, seen: Seen, name: str, progress: Reading | None) -> Iterable[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    clean, line = True, 1
    for block in reader.blocks():
        if not seen.head:
            seen.head = block[:4096]
        seen.tail = (seen.tail + block[-4096:])[-4096:]
        seen.length += len(block)
        if not (block.isascii() and clean):
            seen.ascii = False
            if not seen.bad_utf8:
                try:
                    decoder.decode(block)
                    clean = decoder.getstate()[0] == b""
                except UnicodeDecodeError as fault:
                    seen.bad_utf8 = line + block.count(b"\n", 0, fault.start)
        if not seen.bad_utf8:
            line += block.count(b"\n")
        yield block
        if progress:
            progress(name, reader.position, reader.total)


def _note(piece: Piece, sections: _Sections, seen: Seen) -> None:
    """Take down what one line that matters says."""
    data = piece.data
    if ACCOUNTS.match(data):
        seen.accounts += 1
    elif data.startswith(b"CREATE "):
        _note_create(data, sections, seen)
    elif data.startswith((b"USE ", b"use ")):
        if use := USE.match(data):
            sections.use(matched_name(use))
    elif data.startswith(b"/*"):
        seen.executable += 1
        if data.startswith(b"/*!40111 SET @OLD_SQL_NOTES"):
            seen.notes_off += 1
        elif data.startswith(b"/*!40111 SET SQL_NOTES=@OLD"):
            seen.notes_back += 1
        if data.startswith(b"/*!40014 SET @OLD_FOREIGN_KEY_CHECKS") or _FK_OFF.search(data[:200]):
            _note_fk_off(seen)
        _note_charset(data[:200], seen)
    elif data.startswith(b"SET "):
        if _FK_OFF.search(data[:200]):
            _note_fk_off(seen)
        _note_charset(data[:200], seen)
    elif data.startswith(b"INSERT "):
        seen.rows = True
        sections.insert(data)
    elif data.startswith(b"-- "):
        _note_comment(piece, sections, seen)
    elif data.startswith(b"mysqldump: ") or (data.startswith((b"Warning: ", b"[Warning]")) and not seen.tables):
        seen.stray = (piece.line, data.decode("utf-8", "replace").strip())


def _note_create(data: bytes, sections: _Sections, seen: Seen) -> None:
    if table := _TABLE.match(data):
        seen.tables += 1
        name = matched_name(table)
        if name in sections.tables[sections.now]:
            seen.twice = seen.twice or name
        if sections.now and not sections.said:
            seen.loose = seen.loose or name
        sections.tables[sections.now].append(name)
    elif database := DATABASE.match(data):
        name = matched_name(database)
        sections.use(name)
        sections.uses[name] = sections.uses.get(name, 0) + 1
        if charset := _CHARSET.search(database[3]):
            sections.charset[name] = charset[1].decode()


def _note_fk_off(seen: Seen) -> None:
    seen.fk_off = True
    if not seen.tables:
        seen.fk_off_first = True


def _note_charset(data: bytes, seen: Seen) -> None:
    if not seen.charset and (names := _NAMES.search(data)):
        seen.charset = names[1].decode().lower()


def _note_comment(piece: Piece, sections: _Sections, seen: Seen) -> None:
    text = piece.data.decode("utf-8", "replace").strip()
    if re.match(r"-- (?:MySQL|MariaDB) dump", text):
        seen.headers.append((piece.line, text[3:]))
        sections.said = False
    elif text.startswith("-- Dump completed"):
        seen.completed += 1
    elif text.startswith("-- Server version"):
        seen.server_version = seen.server_version or text.removeprefix("-- Server version").strip()
    elif text.startswith("-- PostgreSQL"):
        seen.foreign = "PostgreSQL"
    elif host := re.match(r"-- Host: \S+\s+Database: ?(\S*)", text):
        seen.header_database = seen.header_database or host[1]
        seen.hosts.append(host[1])


def _note_data(data: bytes, seen: Seen) -> None:
    if not seen.rows:
        seen.rows = b"INSERT INTO " in data or b"REPLACE INTO " in data
    if not seen.foreign_keys:
        seen.foreign_keys = b" FOREIGN KEY (" in data
    if not seen.binary_columns:
        seen.binary_columns = bool(_BINARY_COLUMN.search(b"\n" + data))


def _versions(data: bytes) -> list[str]:
    match = _VERSION.match(data)
    if not match:
        return []
    return [(row[1] or row[2]).decode() for row in _VERSION_ROW.finditer(match[2])]


def matched_name(match: re.Match[bytes]) -> str:
    """The database or table that one of the patterns above found, unquoted."""
    return (match[1].replace(b"``", b"`") if match[1] else match[2]).decode("utf-8", "replace")


def not_a_dump(seen: Seen, name: str) -> UsageFault | None:
    """Why a file is no dump of MySQL at all; None when it is one."""
    head = seen.head
    dump_hint = "give what `mysqldump --single-transaction DATABASE` wrote, plain or compressed"
    if not seen.length:
        return UsageFault(f"{name} is empty", hint=dump_hint)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return UsageFault(
            f"{name} is UTF-16 text, not a dump as mysqldump writes it",
            hint="a shell redirected and recoded it (PowerShell does); use `mysqldump --result-file=FILE`",
        )
    if head[:4] == b"PK\x03\x04":
        return UsageFault(f"{name} is a zip archive", hint="unpack it and give the dump inside")
    if head[257:262] == b"ustar":
        return UsageFault(f"{name} is a tar archive", hint="unpack it and give the directory")
    if seen.foreign:
        return UsageFault(f"{name} is a dump of {seen.foreign}, not of MySQL", hint="the lab rehearses on MySQL only")
    if not seen.tables and not seen.rows and not seen.headers:
        return UsageFault(f"{name} is not a dump: it has neither tables nor rows", hint=dump_hint)
    return None


def check(seen: Seen, name: str, databases: Mapping[str, int]) -> tuple[Finding, ...]:
    """What keeps a dump from being restored whole, the most telling first; empty when it is sound."""
    found: list[Finding] = []

    def say(message: str, consequence: str, cure: str) -> None:
        found.append(Finding("dump", Severity.ERROR, "", name, message, consequence, cure=Cure(cure)))

    if seen.stray[0]:
        say(
            f"line {seen.stray[0]} of {name} is a message of mysqldump, not SQL: {seen.stray[1][:160]}",
            "its messages were redirected into the file, and the client stops at that line",
            "if it is a mere warning, delete the line; if it is an error, take the dump again",
        )
    end = truncation(seen)
    if end:
        say(
            f"{name} is truncated: {end}",
            "the tables and rows after that point are missing",
            "take the dump again and compare its size; the last line of a whole one is `-- Dump completed`",
        )
    elif clash := _clash(seen, databases):
        where = ", ".join(f"{host or 'a dump'} at line {line}" for (line, _), host in _pairs(seen))
        count = f"{len(seen.headers)} dumps in one file ({where})" if len(seen.headers) > 1 else "several dumps in one"
        say(
            f"{name} is {count}, and {clash}",
            "the client would put one over the other, and keep of both what comes last",
            "give each dump as a file of its own",
        )
    if not seen.tables:
        say(
            f"{name} has rows but no tables",
            "there is nothing to put the rows into",
            "take the dump without --no-create-info",
        )
    if stripped(seen):
        lost = "all" if not seen.executable else "some"
        say(
            f"{name} has lost its executable comments: {lost} of the /*! */ lines that mysqldump writes are gone, "
            "FOREIGN_KEY_CHECKS=0 among them",
            "MySQL refuses the first table whose foreign key points at a later one (error 1215); character set, "
            "time zone and ids of 0 would be lost as well",
            "take the dump again without --compact and without filters such as `grep -v '^/\\*!'`",
        )
    if not found and not seen.charset and not seen.ascii:
        say(
            f"{name} has text beyond ASCII but does not say its character set (no SET NAMES)",
            "restored under the wrong one, names and descriptions turn into other characters",
            "take the dump without --skip-set-charset, or put `SET NAMES utf8;` (or latin1) before its first line",
        )
    if not found and seen.charset.startswith("utf8") and seen.bad_utf8 and not seen.binary_columns:
        say(
            f"{name} says SET NAMES {seen.charset}, but line {seen.bad_utf8} is not UTF-8",
            "MySQL would cut each such text at its first wrong byte, silently",
            "the file was recoded, or the dump was taken with another --default-character-set: take it again",
        )
    return tuple(found)


def _clash(seen: Seen, databases: Mapping[str, int]) -> str:
    """Why several dumps in one file cannot be told apart; empty when they can, or there is one alone."""
    several = len(seen.headers) > 1
    if several and not databases:
        return "none of them says which database it is for"
    if seen.loose:
        return f"the one with the table {seen.loose} does not say which database it is for"
    twice = [name for name, count in databases.items() if count > 1]
    if several and twice:
        return f"more than one holds the database {twice[0]}"
    return f"the table {seen.twice} comes twice for one database" if seen.twice else ""


def _pairs(seen: Seen) -> list[tuple[tuple[int, str], str]]:
    hosts = [*seen.hosts, *[""] * len(seen.headers)]
    return list(zip(seen.headers, hosts, strict=False))


def truncation(seen: Seen) -> str:
    """How one sees that a dump ends too early; empty when it does not.

    A dump that began with mysqldump's comments ends with one; one made with --skip-comments still sets SQL_NOTES back.
    """
    if len(seen.headers) > seen.completed:
        return "it begins as mysqldump writes it but does not end with `-- Dump completed`"
    if seen.notes_off > seen.notes_back and seen.executable:
        return "it does not set back SQL_NOTES at its end, as mysqldump does"
    last = seen.tail.rstrip()
    line = last[last.rfind(b"\n") + 1 :]
    if last and not line.startswith((b"--", b"#", b"DELIMITER")) and not last.endswith((b";", b"*/", b";;", b"//")):
        return "its last statement has no end"
    return ""


def stripped(seen: Seen) -> bool:
    """Whether the lines are gone that let tables with foreign keys come in alphabetical order (traps.md 1.6)."""
    if not seen.tables or seen.fk_off_first:
        return False
    by_mysqldump = bool(seen.headers or seen.completed)
    return (seen.foreign_keys and not seen.fk_off) or (by_mysqldump and not seen.executable)


def remarks(seen: Seen, name: str) -> tuple[Finding, ...]:
    """What does not stop a restore but should be known."""
    found = []
    if not seen.rows:
        found.append(Finding("dump", Severity.WARNING, "", name, f"{name} holds no rows", SCHEMA_ONLY))
    if seen.accounts:
        message = f"{seen.accounts} statements of {name} about accounts and their rights are left out"
        found.append(Finding("dump", Severity.INFO, "", name, message, "a rehearsal has accounts of its own"))
    if seen.bad_utf8 and seen.binary_columns and seen.charset.startswith("utf8"):
        found.append(
            Finding(
                "dump",
                Severity.WARNING,
                "",
                name,
                f"line {seen.bad_utf8} of {name} is not UTF-8",
                "binary columns may hold such bytes; text columns may not (mysqldump --hex-blob keeps them apart)",
            )
        )
    return tuple(found)


def refusal(problem: Finding) -> UsageFault:
    """A finding of :func:`check` as the fault that ends a command."""
    hint = problem.cure.summary if problem.cure else ""
    return UsageFault(problem.message, hint=hint, evidence=problem.consequence)


def service_of(section: Section) -> str:
    """The service whose database a section is, by its tables, then by its name; empty when it is none."""
    tables = frozenset(section.tables)
    for service, has, lacks in SIGNATURES:
        if has <= tables and not lacks & tables:
            return "nova_cell0" if service == "nova" and "cell0" in section.name else service
    if not tables:
        return ""
    by_name = NAMES.get(section.name.lower(), "")
    known = {name: has for name, has, _ in SIGNATURES}.get(by_name, frozenset())
    return by_name if tables & known else ""


def is_system(section: Section) -> bool:
    """Whether a section is one of the server's own databases, named or not."""
    return section.name in SYSTEM or {"tables_priv", "columns_priv", "user", "db"} <= frozenset(section.tables)


def holdings(dumps: Sequence[Dump], choose: Mapping[str, str] | None = None) -> tuple[Holding, ...]:
    """Which database of the dumps is which service, one for each.

    ``choose`` (service -> database name in the dump) decides where two claim the same service. Raises UsageFault when
    they do and nothing decides, when a chosen database is not there, or when no OpenStack service is found at all.
    """
    claims: dict[str, list[Holding]] = {}
    others: list[str] = []
    chosen = dict(choose or {})
    for dump in dumps:
        for section in dump.sections:
            wanted = [service for service, name in chosen.items() if name == section.name]
            service = wanted[0] if wanted else service_of(section)
            if is_system(section) or not service:
                others.append(f"{section.name or '(unnamed)'} in {dump.name}")
            elif service not in chosen or wanted:
                claims.setdefault(service, []).append(Holding(service, dump, section))
    missing = sorted(set(chosen) - set(claims))
    if missing:
        raise UsageFault(f"no dump holds the database {chosen[missing[0]]} chosen for {missing[0]}")
    if not claims:
        listed = f"; they hold {', '.join(others)}" if others else ""
        raise UsageFault(
            f"no OpenStack database in {', '.join(dump.name for dump in dumps)}{listed}",
            hint="give dumps of keystone, glance, cinder, nova or quantum/neutron",
        )
    for service, several in claims.items():
        if len(several) > 1:
            names = " and ".join(f"{h.section.name or 'a database'} ({h.dump.name})" for h in several)
            raise UsageFault(
                f"two databases are {service}: {names}",
                hint="give only one of them"
                if len({h.dump.path for h in several}) > 1
                else f"dump again without the old one: mysqldump --databases ... {several[0].section.name}",
            )
    return tuple(found[0] for found in claims.values())


def likely_path(found: Mapping[str, Sequence[str]], paths: Mapping[str, Sequence[Release]]) -> str:
    """The name of the path that databases are on: the one with a release that ends at most of their versions.

    ``found`` is what the version table of each service's database holds, ``paths`` are every path's releases. Where
    versions tell nothing, the one that has most of the databases; else the first.
    """

    def score(name: str) -> tuple[int, int]:
        heads = [(versions, _heads(service, paths[name])) for service, versions in found.items()]
        at_a_head = sum(any(set(versions) == set(head) for head in of.values()) for versions, of in heads if versions)
        return at_a_head, sum(bool(of) for _, of in heads)

    return max(paths, key=score)


def check_start(found: Sequence[Holding], releases: Sequence[Release]) -> tuple[Finding, ...]:
    """Whether each database is where a path begins; ``releases`` are the path's, in order.

    Raises UsageFault for a database that is older than the path's first release or newer than its last. A database that
    is at a later release of the path, or between two, gets a finding: own migrations are told by the schema, not here.
    """
    findings = []
    for holding in found:
        heads = _heads(holding.service, releases)
        if not heads or not holding.section.versions:
            continue
        name = f"{holding.section.name or holding.service} ({holding.dump.name})"
        says = ", ".join(holding.section.versions)
        first, last = releases[0].name, releases[-1].name
        place = _place(holding.section.versions, heads)
        if place == "before":
            raise UsageFault(
                f"{name} is older than {first}: its version is {says}, {first}'s is {', '.join(heads[first])}",
                hint=f"this path begins at {first}; upgrade to it first",
            )
        if place == "after":
            raise UsageFault(
                f"{name} is not from {first} to {last}: its version is {says}, {last}'s is {', '.join(heads[last])}",
                hint="choose a path that begins with the dump's release (--path)",
            )
        if place != first:
            message = f"{name} is not at {first}: its version is {says}"
            where = f"it is at {place}" if place else "no release of the path ends at that version"
            findings.append(Finding("dump", Severity.WARNING, holding.service, holding.dump.name, message, where))
    return tuple(findings)


def _heads(service: str, releases: Sequence[Release]) -> dict[str, tuple[str, ...]]:
    return {
        release.name: database.head
        for release in releases
        for each in release.services.values()
        for database in each.databases
        if database.name == service
    }


def _place(versions: tuple[str, ...], heads: Mapping[str, tuple[str, ...]]) -> str:
    """The release a version is of; ``before`` or ``after`` all of them; empty when it is in between."""
    for name, head in heads.items():
        if set(versions) == set(head):
            return name
    ordered = list(heads.values())
    if len(versions) == 1 and versions[0].isdigit() and all(len(h) == 1 and h[0].isdigit() for h in ordered):
        version = int(versions[0])
        if version < int(ordered[0][0]):
            return "before"
        return "after" if version > int(ordered[-1][0]) else ""
    words = [h[0] for h in ordered if len(h) == 1 and h[0].isalpha()]
    if words and len(versions) == 1 and versions[0].isalpha():  # releases' names, which follow the alphabet
        return "before" if versions[0] < words[0] else "after"
    return ""

"""Which dumps lie behind the paths that an operator gives: files, pipes, and the directories that dumpers write."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote

from pydantic import BaseModel

from osupgrade.catalog.loading import load_json
from osupgrade.dump.piped import is_pipe, keep
from osupgrade.dump.stream import SUFFIXES, Part, Reader
from osupgrade.dump.tabular import Rows
from osupgrade.model.errors import UsageFault

Found = tuple[Path, tuple[Part, ...]]
"""A dump and its files."""
_PACKED = re.compile(r"\.(?:gz|zst|xz|bz2)\Z")
KEYS_OFF = b"/*!40014 SET FOREIGN_KEY_CHECKS=0 */;\n"
_SERVER_FILES = ("ibdata1", "xtrabackup_checkpoints", "xtrabackup_info", "mariadb_backup_checkpoints", "auto.cnf")


def find_dumps(paths: Sequence[Path], progress: Callable[[str, int, int], None] | None = None) -> tuple[Found, ...]:
    """The dumps behind ``paths``: files, pipes, directories of dumps, directories that are dumps.

    Raises UsageFault for what is not there, for a directory without dumps and for a file given twice.
    """
    found: list[Found] = []
    for path in paths:
        if is_pipe(path):
            kept = keep(path, (lambda size, name=str(path): progress(name, size, max(size, 1))) if progress else None)  # type: ignore[misc]
            found.append((path, (Part(path, kept=kept),)))
        elif not path.exists():
            raise UsageFault(f"there is no {path}", hint="give a dump file or a directory of them")
        else:
            found += _in_directory(path) if path.is_dir() else [(path, (Part(path),))]
    if not found:
        raise UsageFault("no dump was given", hint="give at least one dump file or directory")
    seen: set[Path] = set()
    for path, _ in found:
        if path.resolve() in seen and not is_pipe(path):
            raise UsageFault(f"{path} is given twice")
        seen.add(path.resolve())
    return tuple(found)


def _in_directory(path: Path) -> list[Found]:
    """The dumps of a directory, or of those in it where it has none itself: a directory for each night."""
    found = _directly(path)
    if not found:
        found = [each for below in _entries(path) if below.is_dir() for each in _directly(below, path)]
    if not found:
        if any((path / name).exists() for name in _SERVER_FILES):
            raise UsageFault(
                f"{path} is a copy of a server's data directory, not a dump",
                hint="start a server on a copy of it and dump that with mysqldump, or inspect it with --url",
            )
        raise UsageFault(
            f"the directory {path} holds no dump", hint=f"dumps are files that end in {', '.join(SUFFIXES)}"
        )
    return found


def _directly(path: Path, above: Path | None = None) -> list[Found]:
    if (path / "metadata").is_file() or (path / "metadata.partial").exists() or _by_mydumper(path):
        return [(path, mydumper_parts(path))]
    if (path / "@.json").is_file():
        return [(path, shell_parts(path))]
    files = [file for file in _entries(path) if file.is_file()]
    if parts := tab_parts(files, path.name if above else ""):
        return [(path, parts)]
    return [(file, (Part(file),)) for file in files if file.suffix in SUFFIXES]


def _by_mydumper(path: Path) -> bool:
    """Whether a directory is mydumper's by the names of its files: ``metadata`` is easily left behind."""
    names = [_PACKED.sub("", entry.name) for entry in _entries(path)]
    return any(name.endswith("-schema-create.sql") for name in names) or (
        sum(name.endswith("-schema.sql") and "." in name.removesuffix("-schema.sql") for name in names) > 1
    )


def _entries(path: Path) -> list[Path]:
    try:
        return [entry for entry in sorted(path.iterdir()) if not entry.name.startswith(".")]
    except OSError as fault:
        raise UsageFault(f"cannot read the directory {path}: {fault.strerror or fault}") from fault


def mydumper_parts(directory: Path) -> tuple[Part, ...]:
    """The files of a mydumper directory in the order in which they have to be restored."""
    if (directory / "metadata.partial").exists():
        raise UsageFault(
            f"{directory} is an unfinished mydumper directory: it still has metadata.partial",
            hint="take the dump again and let mydumper finish",
        )
    ranks: list[tuple[str, int, str, Part]] = []
    for path in _entries(directory):
        stem = _PACKED.sub("", path.name)
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


def tab_parts(files: Sequence[Path], database: str = "") -> tuple[Part, ...]:
    """The files of a directory that ``mysqldump --tab`` wrote: a schema for each table, and its rows as text beside it.

    Empty for any other directory.
    """
    text = {_PACKED.sub("", file.name).removesuffix(".txt"): file for file in files if ".txt" in file.suffixes}
    plain = {file: _PACKED.sub("", file.name) for file in files}
    schemas = {name.removesuffix(".sql"): file for file, name in plain.items() if name.endswith(".sql")}
    rows = {name: file for name, file in text.items() if name in schemas}
    if not rows or not all(_makes(schemas[name], name) for name in rows):
        return ()
    tables = [Part(file, database, before=KEYS_OFF) for file in schemas.values()]
    return (*tables, *(Part(file, database, rows=Rows(name)) for name, file in rows.items()))


def _makes(file: Path, table: str) -> bool:
    """Whether a file makes one table and nothing else, as those of ``--tab`` do."""
    try:
        with contextlib.closing(Reader([Part(file)]).blocks()) as blocks:
            head = next(blocks, b"")[: 1 << 16]
    except UsageFault:
        return False
    quoted = table.replace("`", "``").encode("utf-8", "surrogateescape")
    return b"`%s`" % quoted in head and head.count(b"CREATE TABLE ") == 1 and b"INSERT INTO " not in head


class _Options(BaseModel):
    schema_: str = ""
    table: str = ""
    columns: tuple[str, ...] = ()
    decodeColumns: dict[str, str] = {}  # noqa: N815 - as MySQL Shell writes it
    defaultCharacterSet: str = "utf8mb4"  # noqa: N815
    fieldsTerminatedBy: str = "\t"  # noqa: N815
    fieldsEnclosedBy: str = ""  # noqa: N815
    fieldsEscapedBy: str = "\\"  # noqa: N815
    linesTerminatedBy: str = "\n"  # noqa: N815


class _Table(BaseModel):
    options: _Options


def shell_parts(directory: Path) -> tuple[Part, ...]:
    """The files of a directory that MySQL Shell's dump utilities wrote, in the order in which to restore them."""
    if not (directory / "@.done.json").is_file():
        raise UsageFault(
            f"{directory} is an unfinished dump of MySQL Shell: it has no @.done.json",
            hint="take the dump again and let it finish",
        )
    ranks: list[tuple[str, int, str, Part]] = []
    for path in _entries(directory):
        stem = _PACKED.sub("", path.name)
        schema, _, rest = stem.partition("@")
        database = unquote(schema.removesuffix(".sql"))
        if not schema or path.suffix in (".json", ".idx"):
            continue
        if not rest and stem.endswith(".sql"):
            ranks.append((database, 0, stem, Part(path, before=KEYS_OFF)))
        elif stem.endswith(".sql"):
            view = (directory / f"{stem.removesuffix('.sql')}.pre.sql").exists()
            rank = 3 if stem.endswith(".triggers.sql") else 4 if view else 1
            ranks.append((database, rank, stem, Part(path, database, before=KEYS_OFF)))
        elif stem.endswith((".tsv", ".txt")):
            table = rest.rpartition(".")[0].partition("@")[0]
            described = _described(directory / f"{schema}@{table}.json", unquote(table))
            ranks.append((database, 2, stem, Part(path, database, rows=described)))
    if not ranks:
        raise UsageFault(f"the directory {directory} of MySQL Shell holds no SQL files")
    return tuple(part for _, _, _, part in sorted(ranks, key=lambda item: item[:3]))


def _described(file: Path, table: str) -> Rows:
    if not file.is_file():
        return Rows(table, charset="utf8mb4")
    options = load_json(file, _Table).options
    written = (
        options.fieldsTerminatedBy, options.fieldsEnclosedBy, options.fieldsEscapedBy, options.linesTerminatedBy
    )  # fmt: skip
    if written != ("\t", "", "\\", "\n"):
        raise UsageFault(
            f"{file.name} says that its rows are not in MySQL Shell's default format",
            hint="take the dump again without a dialect",
        )
    charset = options.defaultCharacterSet if options.defaultCharacterSet.isalnum() else "utf8mb4"
    return Rows(options.table or table, options.columns, tuple(options.decodeColumns.items()), charset)

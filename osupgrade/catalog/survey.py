"""How the operator's own server is set up: the settings that no dump says, and on which a migration's outcome depends.

``osupgrade survey`` prints :data:`QUERY`; what any client makes of it (tab-separated, a table, CSV) is read back here.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from osupgrade.catalog.loading import read_bounded
from osupgrade.model.errors import UsageFault
from osupgrade.model.text import counted

VARIABLES = (
    "version",
    "version_comment",
    "sql_mode",
    "default_storage_engine",
    "character_set_server",
    "collation_server",
    "innodb_default_row_format",
    "innodb_file_format",
    "innodb_file_per_table",
    "innodb_large_prefix",
    "innodb_page_size",
    "innodb_strict_mode",
    "lower_case_table_names",
    "explicit_defaults_for_timestamp",
    "time_zone",
    "system_time_zone",
)
"""The settings that are asked for; no server has all of them."""
_OWN = "'information_schema', 'mysql', 'performance_schema', 'sys'"
_ASKED = ", ".join(f"'{name}'" for name in VARIABLES)
QUERY = (
    f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({_ASKED});\n"
    "SELECT 'database', schema_name, default_character_set_name, default_collation_name "
    f"FROM information_schema.schemata WHERE schema_name NOT IN ({_OWN});"
)
"""Two statements that every MySQL since 5.1 and every MariaDB answers, with no right but to see the databases."""
LONGEST = 1 << 20
"""Bytes of the largest survey that is read."""
_HINT = 'make it with: mysql --batch -e "$(osupgrade survey)" > survey.txt'
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
_ESCAPED = {"\\t": "\t", "\\n": "\n", "\\0": "\0", "\\\\": "\\"}


@dataclass(frozen=True)
class Default:
    """The default character set and collation of a database."""

    charset: str
    collation: str


@dataclass(frozen=True)
class Survey:
    """What a server said of itself: its global variables, and its databases' defaults."""

    variables: Mapping[str, str] = field(default_factory=dict)
    databases: Mapping[str, Default] = field(default_factory=dict)

    @property
    def vendor(self) -> str:
        """``mariadb`` or ``mysql``."""
        said = f"{self.variables.get('version', '')} {self.variables.get('version_comment', '')}".lower()
        return "mariadb" if "mariadb" in said else "mysql"

    @property
    def version(self) -> tuple[int, ...]:
        """The server's version as numbers, such as (10, 6, 18)."""
        match = re.match(r"(?:5\.5\.5-)?(\d+(?:\.\d+)*)", self.variables.get("version", ""))
        return tuple(int(part) for part in match[1].split(".")) if match else ()

    def default_of(self, database: str) -> Default | None:
        """The default of a database: its own, or the server's for one that the server did not list."""
        if database in self.databases:
            return self.databases[database]
        charset = self.variables.get("character_set_server", "")
        return Default(charset, self.variables.get("collation_server", "")) if charset else None


def read_survey(path: Path) -> Survey:
    """The survey in a file; raises UsageFault naming the file, the line and the reason."""
    try:
        text = read_bounded(path, LONGEST).decode("utf-8-sig", "replace")
    except UsageFault as fault:
        raise UsageFault(fault.message, hint=_HINT) from fault
    return parse_survey(text, str(path))


def parse_survey(text: str, source: str) -> Survey:
    """The survey in what a client printed; ``source`` names it in errors. Raises UsageFault."""
    variables: dict[str, str] = {}
    databases: dict[str, Default] = {}
    for number, cells in _rows(text):
        kind = cells[0].lower()
        if kind == "database" and len(cells) == 4 and cells[1].lower() != _HEAD:
            databases[cells[1]] = Default(*(_word(cell, source, number) for cell in cells[2:]))
        elif kind in VARIABLES and len(cells) == 2:
            variables[kind] = cells[1]
        elif kind in VARIABLES or (kind == "database" and len(cells) > 1 and cells[1].lower() != _HEAD):
            raise UsageFault(
                f"{source}, line {number}: {kind} has {counted(len(cells) - 1, '{n} value[s]')}", hint=_HINT
            )
    if "version" not in variables:
        raise UsageFault(f"{source} is not a survey of a server: it has no line with the version", hint=_HINT)
    found = Survey(variables, databases)
    if not found.version:
        raise UsageFault(f"{source}: {variables['version'][:60]!r} is not the version of a server", hint=_HINT)
    return found


_HEAD = "schema_name"
"""How a client heads the column of databases."""


def _word(cell: str, source: str, number: int) -> str:
    """The name of a character set or a collation; NULL is an empty one."""
    if cell in ("", "NULL", "\\N"):
        return ""
    if not _NAME.fullmatch(cell):
        raise UsageFault(f"{source}, line {number}: {cell[:60]!r} is not a character set or collation", hint=_HINT)
    return cell


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that hold values, as a client in batch mode, at a terminal, or with CSV wrote them."""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or set(bare) <= set("+-"):
            continue
        if bare.startswith("|"):
            yield number, [cell.strip() for cell in bare.strip("|").split("|")]
        elif "\t" in line:
            yield number, [_unescaped(cell) for cell in line.split("\t")]
        elif "," in bare and len(bare) < 4096:
            try:
                yield number, next(csv.reader([bare]))
            except csv.Error:
                continue


def _unescaped(cell: str) -> str:
    return re.sub(r"\\[tn0\\]", lambda match: _ESCAPED[match[0]], cell)

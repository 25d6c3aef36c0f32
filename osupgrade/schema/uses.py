"""What a migration needs to find: the tables and columns that its statements name, the keys that it drops by name.

Pure text work on the statements that a tool sent during one revision. A statement that lists every column of a table
was made from the table as it is, so it needs none of them in particular; reflecting all tables at once needs no table.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping

from osupgrade.model.release import VERSION_TABLES
from osupgrade.schema.snapshot import Schema

Uses = Mapping[str, tuple[str, ...]]
"""Table -> its columns that are named, sorted; a name that is dropped has a minus sign before it.

``?`` stands for a new table that is looked for first, and created only where it is not there.
"""

_QUALIFIED = re.compile(r"(?<![\w.])(\w+)\.(\w+)")
_ONE_TABLE = re.compile(
    r"\s*(?:ALTER TABLE|UPDATE|INSERT INTO|DELETE FROM|CREATE (?:UNIQUE )?INDEX \w+ ON|DROP INDEX \w+ ON) (\w+)", re.I
)
_REFLECTED = re.compile(r"\s*SHOW CREATE TABLE (?:\w+\.)?(\w+)", re.I)
_DROPPED_TABLE = re.compile(r"\s*(?:DROP TABLE|RENAME TABLE) (\w+)", re.I)
_LOOKED_FOR = re.compile(r"\s*DESCRIBE (?:\w+\.)?(\w+)", re.I)
_CREATED = re.compile(r"\s*CREATE TABLE (\w+)", re.I)
_ALL_TABLES = re.compile(r"\s*SHOW (?:FULL )?TABLES", re.I)
_DROPPED_NAME = re.compile(r"\bDROP (?:FOREIGN KEY|INDEX|KEY|CONSTRAINT) (\w+)", re.I)


def find_uses(statements: Iterable[str], before: Schema) -> Uses:
    """What a revision's statements need of the schema that it finds, ``before``."""
    columns = {table.name: {column.name for column in table.columns} for table in before.tables}
    found: dict[str, set[str]] = defaultdict(set)
    reflected: set[str] = set()
    looked: set[str] = set()
    everything = False
    for raw in statements:
        statement = raw.replace("`", "")
        if _ALL_TABLES.match(statement):
            everything = True
        elif match := _REFLECTED.match(statement):
            reflected.add(match[1])
        elif match := _LOOKED_FOR.match(statement):
            looked.add(match[1])
        elif match := _CREATED.match(statement):
            if match[1] in looked and match[1] not in columns:
                found[match[1]].add("?")
        elif match := _DROPPED_TABLE.match(statement):
            if match[1] in columns:
                found[match[1]] |= set()
        elif (match := _ONE_TABLE.match(statement)) and match[1] in columns:
            words = set(re.findall(r"\w+", _without(statement[match.end() :], set(columns) - {match[1]})))
            dropped = {f"-{name}" for name in _DROPPED_NAME.findall(statement)}
            found[match[1]] |= _particular(words & columns[match[1]], columns[match[1]]) | dropped
        else:
            named: dict[str, set[str]] = defaultdict(set)
            for table, column in _QUALIFIED.findall(statement):
                if column in columns.get(table, ()):
                    named[table].add(column)
            for table, some in named.items():
                found[table] |= _particular(some, columns[table])
    if not everything:
        for table in reflected & set(columns):
            found[table] |= set()
    return {table: tuple(sorted(names)) for table, names in sorted(found.items()) if table not in VERSION_TABLES}


def _without(text: str, others: Container[str]) -> str:
    """A statement on one table without the columns of other tables that it reads: all have an ``id``."""
    return _QUALIFIED.sub(lambda name: "" if name[1] in others else name[0], text)


def _particular(named: set[str], all_of_them: set[str]) -> set[str]:
    return set() if named == all_of_them and len(named) > 1 else named

"""The shape of a cloud: what has to be the same before and after masking, as numbers that the server counts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from osupgrade.dump.columns import connected
from osupgrade.dump.mask.columns import TEXT, Column
from osupgrade.dump.policy import Policy, Treatment
from osupgrade.lab.database import DatabaseServer
from osupgrade.lab.parallel import threads
from osupgrade.model.quoting import quoted

ROWS = "rows"
NULLS = "NULL"
VALUES = "different values"
GROUPS = "duplicate groups"
SPREAD = "sum of squared group sizes"
TWINS = "values that differ from another in case only"
FACTS = (ROWS, NULLS, VALUES, GROUPS, SPREAD, TWINS)


Rename = Callable[[str], str]
"""What a table or a column of the restored databases is called on one side."""
_BY_VALUE = frozenset({Treatment.MASK, Treatment.PARTS, Treatment.SECRET})
"""Treatments by which different values stay different."""


@dataclass(frozen=True, order=True)
class Fact:
    """What is counted: one of FACTS of a table or a column, or the rows and values of a relation."""

    place: str
    what: str
    table: str = ""
    """Whose it is, as SERVICE.TABLE; empty for a relation. A name may hold dots and blanks, so no place shows it."""


@dataclass(frozen=True)
class Shape:
    """One fact, before and after."""

    fact: Fact
    before: int
    after: int

    @property
    def same(self) -> bool:
        """Whether it survived."""
        return self.before == self.after


def compare(
    server: DatabaseServer,
    columns: Sequence[Column],
    copies: Mapping[str, str],
    policy: Policy,
    changed: Collection[Column],
    mask: Rename,
) -> tuple[Shape, ...]:
    """Count both sides at the same time. ``copies`` maps restored databases to masked ones, ``mask`` names to theirs;
    twins are looked for in columns that ``changed`` by more than the masks of uuids."""
    with threads(2) as pool:
        sides = [
            pool.submit(measure, server, columns, databases, policy, changed, rename)
            for databases, rename in (({name: name for name in copies}, str), (copies, mask))
        ]
    before, after = (side.result() for side in sides)
    return tuple(Shape(fact, before[fact], after.get(fact, -1)) for fact in before)


def measure(
    server: DatabaseServer,
    columns: Sequence[Column],
    databases: Mapping[str, str],
    policy: Policy,
    changed: Collection[Column],
    rename: Rename,
) -> dict[Fact, int]:
    """All facts of one side; ``databases`` and ``rename`` say where a column is to be looked for."""
    found: dict[Fact, int] = {}
    tables: dict[tuple[str, str, str], list[Column]] = {}
    for column in columns:
        tables.setdefault((column.service, column.database, column.table), []).append(column)
    connection = connected(server)
    with connection, connection.cursor() as cursor:

        def ask(sql: str) -> list[int]:
            cursor.execute(sql)
            row = cursor.fetchone()
            assert row
            return [int(number or 0) for number in row]

        for (service, database, table), own in tables.items():
            place = f"{quoted(databases[database])}.{quoted(rename(table))}"
            (rows,) = ask(f"SELECT COUNT(*) FROM {place}")
            whole = f"{service}.{table}"
            found[Fact(whole, ROWS, whole)] = rows
            if not rows:
                continue
            for column in own:
                name = quoted(rename(column.name))
                if column.treatment is Treatment.KEEP or column.type not in TEXT:
                    continue
                if column.treatment not in _BY_VALUE or not column.known:
                    (filled,) = ask(f"SELECT COUNT({name}) FROM {place}")
                    found[Fact(str(column), NULLS, whole)] = rows - filled
                    continue
                filled, values, groups, spread = ask(_groups(place, name))
                found[Fact(str(column), NULLS, whole)] = rows - filled
                found[Fact(str(column), VALUES, whole)] = values
                found[Fact(str(column), GROUPS, whole)] = groups
                found[Fact(str(column), SPREAD, whole)] = spread
                if column in changed:
                    found[Fact(str(column), TWINS, whole)] = values - ask(_groups(place, f"LOWER({name})"))[1]
        present = {str(column): column for column in columns}
        for one, other in policy.relations.items():
            if one in present and other in present:
                found |= _relation(ask, present[one], present[other], databases, rename)
    return found


def _hashed(value: str) -> str:
    """A text as 64 bits: groups of numbers stay in memory, groups of long texts do not."""
    return f"CRC32(BINARY {value}) << 32 | CRC32(SHA2(BINARY {value}, 256))"


def _groups(place: str, value: str) -> str:
    """Filled rows, different values, values that occur more than once, and how the rows spread over them, by bytes."""
    return (
        "SELECT SUM(n), COUNT(*), SUM(n > 1), SUM(n * n) FROM (SELECT COUNT(*) AS n "
        f"FROM {place} WHERE {value} IS NOT NULL GROUP BY {_hashed(value)}) AS g"
    )


def _relation(
    ask: Callable[[str], list[int]], one: Column, other: Column, databases: Mapping[str, str], rename: Rename
) -> dict[Fact, int]:
    """How many rows of one column find their value in the other, and how many values that is."""
    near, far = (f"{quoted(databases[side.database])}.{quoted(rename(side.table))}" for side in (one, other))
    mine, theirs = f"a.{quoted(rename(one.name))}", quoted(rename(other.name))
    rows, values = ask(
        f"SELECT COUNT(*), COUNT(DISTINCT d.v) FROM {near} a JOIN "
        f"(SELECT DISTINCT {_hashed(theirs)} AS v FROM {far} WHERE {theirs} IS NOT NULL) AS d "
        f"ON d.v = {_hashed(mine)} WHERE {mine} IS NOT NULL"
    )
    relation = f"{one} in {other}"
    return {Fact(relation, ROWS): rows, Fact(relation, VALUES): values}

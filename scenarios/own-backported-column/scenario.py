"""A column of Havana's, back-ported by the operator."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from osupgrade.scenarios import (
    Blocks,
    Cloud,
    Cure,
    Evidence,
    Fate,
    Finding,
    Scenario,
    Sql,
    Upstream,
    finding,
    predicted,
    statement,
    upstream,
    ways_out,
)

scenario = Scenario(
    title="A back-ported column stops nova's 188",
    services=("nova",),
    symptom=Blocks("havana/nova", error=r"1060.*Duplicate column name 'disabled_reason'", version="187"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """The operator took a feature of Havana early."""
    cloud.execute(
        "nova",
        "ALTER TABLE services ADD COLUMN disabled_reason VARCHAR(255)",
        "UPDATE services SET disabled_reason = 'broken fan' LIMIT 1",
    )


PARKED = "own_"
"""What a column's name begins with while it waits; see `ways_out`."""


def early(cloud: Cloud) -> list[Any]:
    """Custom columns in nova's tables that one of its coming migrations adds, as predictions.

    Where all of several columns of one migration are there, a failed try of it left them, and another scenario speaks.
    """
    found = [
        p
        for p in predicted(cloud, "nova")
        if p.fate is Fate.IN_THE_WAY and p.change.object == "column" and p.change.kind == "added"
    ]
    there = {(p.change.table, p.change.name) for p in found}
    tried = {name for name, columns in given_later(cloud).items() if len(columns) > 1 and columns <= there}
    return [p for p in found if p.revision not in tried]


def given_later(cloud: Cloud) -> Mapping[str, set[tuple[str, str]]]:
    """The columns (table, name) that each of nova's migrations after Grizzly adds to tables that were there."""
    known = upstream(cloud, "nova")
    if known is None or not known.line.knows("grizzly"):
        return {}
    whole = Upstream(known.line, known.line.position(known.line.head("grizzly").name))
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for place, revision in whole.added_columns().items():
        found[revision].add(place)
    return found


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Columns that a migration is about to add, table by table."""
    for table, found in itertools.groupby(
        sorted(early(cloud), key=lambda p: (p.change.table, p.change.name)), key=lambda p: p.change.table
    ):
        columns = list(found)
        first = min(columns, key=lambda p: int(p.revision))
        names = ", ".join(p.change.name for p in columns)
        yield finding(
            scenario,
            place=f"nova.{table}",
            message=f"nova.{table} has {names}, which nova's migrations have yet to add",
            effect=f"nova's {first.revision} adds {first.change.name} and fails with 1060 Duplicate column name; "
            f"nova stays at {int(first.revision) - 1}",
            evidence=Evidence.of(
                ("column", "made by", "of"), [(p.change.name, p.revision, p.release.capitalize()) for p in columns]
            ),
            cure=Cure(
                "rename the columns, and copy their content once the migrations have created the real ones",
                tuple(Sql("nova", sql) for p in columns for sql in ways_out(p)),
            ),
        )


@scenario.preflight("after:havana/nova", "after:icehouse/nova")
def take_over(cloud: Cloud) -> Iterator[Finding]:
    """The parked content, once a migration has made the column."""
    there = {
        (str(table), str(column))
        for table, column in cloud.rows(
            "nova", "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()"
        )
    }
    for table, column in sorted(there.intersection(itertools.chain(*given_later(cloud).values()))):
        parked = f"{PARKED}{column}"
        if (table, parked) not in there:
            continue
        names = {"table": table, "column": column, "parked": parked}
        count = statement("SELECT COUNT(*), COUNT({parked}) FROM {table}", table=table, parked=parked)
        rows, filled = cloud.rows("nova", count)[0]
        yield finding(
            scenario,
            place=f"nova.{table}.{column}",
            message=f"the content of the back-ported {table}.{column} must be copied from {parked}",
            effect="the real column lacks it",
            evidence=Evidence.of((table, f"with {parked}"), [(rows, filled)]),
            cure=Cure(
                "copy it into the real column and drop the custom one",
                (
                    Sql.of("nova", "UPDATE {table} SET {column} = {parked} WHERE {parked} IS NOT NULL", **names),
                    Sql.of("nova", "ALTER TABLE {table} DROP COLUMN {parked}", table=table, parked=parked),
                ),
            ),
        )

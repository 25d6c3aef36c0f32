"""A column of Havana's, back-ported by the operator."""

import itertools
from collections.abc import Iterator, Mapping

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Cure, Evidence, Fate, Finding, Severity, Sql
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.schema.catalogue import lineage
from osupgrade.schema.predict import Prediction
from osupgrade.schema.survey import survey
from osupgrade.schema.verdicts import way_out

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
"""What a column's name begins with while it waits; see :func:`osupgrade.schema.verdicts.way_out`."""


def early(cloud: Cloud) -> tuple[Prediction, ...]:
    """Own columns in nova's tables that one of its coming migrations adds.

    Where all of several columns of one migration are there, a failed try of it left them, and another scenario speaks.
    """
    if not cloud.has("nova"):
        return ()
    surveyed = survey(
        lambda sql, parameters: cloud.server.rows("", sql, parameters), "nova", cloud.databases["nova"], data=False
    )
    found = [
        p
        for p in surveyed.predictions
        if p.fate is Fate.IN_THE_WAY and p.change.object == "column" and p.change.kind == "added"
    ]
    there = {(p.change.table, p.change.name) for p in found}
    tried = {name for name, columns in given_later().items() if len(columns) > 1 and columns <= there}
    return tuple(p for p in found if p.revision not in tried)


def given_later() -> Mapping[str, frozenset[tuple[str, str]]]:
    """The columns (table, name) that each of nova's migrations after Grizzly adds to tables that were there."""
    line = lineage("nova")
    start = line.position(line.head("grizzly").name)
    return {
        after.name: frozenset(
            (table.name, column.name)
            for table in after.schema.tables
            if (old := before.schema.table(table.name)) is not None
            for column in table.columns
            if column.name not in {c.name for c in old.columns}
        )
        for before, after in itertools.pairwise(line.revisions[start:])
    }


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Columns that a migration is about to add, table by table."""
    for table, found in itertools.groupby(
        sorted(early(cloud), key=lambda p: (p.change.table, p.change.name)), key=lambda p: p.change.table
    ):
        columns = list(found)
        first = min(columns, key=lambda p: int(p.revision))
        names = ", ".join(p.change.name for p in columns)
        yield Finding(
            source=scenario.name,
            severity=Severity.ERROR,
            service="nova",
            place=f"nova.{table}",
            message=f"nova.{table} has {names}, which nova's migrations are still to add",
            consequence=f"nova's {first.revision} adds {first.change.name} and meets 1060 Duplicate column name; "
            f"nova is left at {int(first.revision) - 1}",
            evidence=Evidence.of(
                ("column", "made by", "of"), [(p.change.name, p.revision, p.release.capitalize()) for p in columns]
            ),
            cure=Cure(
                "give the columns another name, and take their content over once the migrations have made the real ones",
                tuple(Sql("nova", statement) for p in columns for statement in way_out(p.change, p.words)),
            ),
            command=f"osupgrade rehearse --cure {scenario.name}",
        )


@scenario.preflight("after:havana/nova", "after:icehouse/nova")
def bring_back(cloud: Cloud) -> Iterator[Finding]:
    """The parked content, once a migration has made the column."""
    there = {
        (str(table), str(column))
        for table, column in cloud.rows(
            "nova", "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()"
        )
    }
    for table, column in sorted(there.intersection(itertools.chain(*given_later().values()))):
        parked = f"{PARKED}{column}"
        if (table, parked) not in there:
            continue
        rows, filled = cloud.rows("nova", f"SELECT COUNT(*), COUNT(`{parked}`) FROM `{table}`")[0]
        yield Finding(
            source=scenario.name,
            severity=Severity.ERROR,
            service="nova",
            place=f"nova.{table}.{column}",
            message=f"the content of the back-ported {table}.{column} waits in {parked}",
            consequence="what the operator wrote into it does not show",
            evidence=Evidence.of((table, f"with {parked}"), [(rows, filled)]),
            cure=Cure(
                "copy it into the real column and drop the own one",
                (
                    Sql("nova", f"UPDATE `{table}` SET `{column}` = `{parked}` WHERE `{parked}` IS NOT NULL"),
                    Sql("nova", f"ALTER TABLE `{table}` DROP COLUMN `{parked}`"),
                ),
            ),
            command=f"osupgrade rehearse --cure {scenario.name}",
        )

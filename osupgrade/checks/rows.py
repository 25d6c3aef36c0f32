"""Every row is accounted for: a table keeps its rows, or a migration that is known changes them.

What the path's migrations do, to whole tables or to rows by a condition, says ``osupgrade/openstack/common/rows.toml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from osupgrade.catalog import content
from osupgrade.catalog.loading import Strict, load_toml
from osupgrade.checks import Check
from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.quoting import quoted
from osupgrade.model.stage import VERIFY
from osupgrade.model.text import counted


class Explained(Strict):
    """What migrations change on purpose: the number of rows of ``database.table``, and rows that they take away.

    ``rows`` has a condition in SQL for each table: which rows of the cloud, before the first step, will be gone.
    """

    tables: dict[str, str]
    rows: dict[str, str]


@cache
def explained() -> Explained:
    """What ``rows.toml`` explains."""
    return load_toml(content.service_file("common", "rows.toml"), Explained)


@dataclass(frozen=True)
class Rows:
    """How many rows a table has, and how many of these a migration takes away, if it gets so far."""

    there: int
    going: int = 0


def _census(cloud: Cloud) -> Mapping[str, Rows]:
    """Rows of every table, by ``database.table``."""
    found = {table: Rows(rows) for table, rows in cloud.row_counts().items()}
    for table, condition in explained().rows.items():
        database, _, name = table.partition(".")
        if table in found and found[table].there:
            # A condition that is neither true nor false of a row takes nothing away.
            going = cloud.value(database, f"SELECT COUNT(*) FROM {quoted(name)} WHERE {condition}")
            found[table] = Rows(found[table].there, int(going))
    return found


def _compare(cloud: Cloud, before: Mapping[str, Rows]) -> Iterator[Finding]:
    after = cloud.row_counts()
    odd: list[tuple[object, ...]] = []
    for table, rows in before.items():
        if table in explained().tables or after.get(table) in (rows.there, rows.there - rows.going):
            continue
        if table not in after and rows.there == 0:
            continue  # an empty table that was dropped lost nobody anything
        odd.append((table, rows.there, after.get(table)))
    if odd:
        yield Finding(
            source=check.name,
            severity=Severity.ERROR,
            service=str(odd[0][0]).split(".", maxsplit=1)[0],
            place=", ".join(str(row[0]) for row in odd[:3]),
            message=counted(len(odd), "{n} table[s] [has|have] an unexplained change in row count"),
            consequence="rows were lost or doubled on the way",
            evidence=Evidence.of(("table", "before", "after"), odd),
        )


check = Check(
    name="rows",
    title="Every table keeps its rows, or a known migration explains the difference",
    services=(),
    stages=(VERIFY,),
    census=_census,
    compare=_compare,
)

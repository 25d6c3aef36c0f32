"""Every row is accounted for: a table keeps its rows, or a migration that is known changes them.

The catalogue of what the path's migrations do to whole tables is ``osupgrade/openstack/common/rows.toml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from osupgrade.catalog import content
from osupgrade.catalog.loading import Strict, read_toml, validate
from osupgrade.checks import Check
from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.quoting import literal, quoted
from osupgrade.model.stage import VERIFY


def _census(cloud: Cloud) -> Mapping[str, int]:
    """Rows of every table, by ``database.table``."""
    counts: dict[str, int] = {}
    for database in cloud.databases:
        tables = sorted(cloud.tables(database))
        if tables:
            sql = " UNION ALL ".join(f"SELECT {literal(table)}, COUNT(*) FROM {quoted(table)}" for table in tables)
            counts |= {f"{database}.{table}": int(rows) for table, rows in cloud.rows(database, sql)}
    return counts


class _Tables(Strict):
    tables: dict[str, str]


@cache
def explained() -> Mapping[str, str]:
    """``database.table`` -> which migration changes its rows, and why."""
    file = content.service_file("common", "rows.toml")
    data = {name: validate({"tables": tables}, _Tables, f"{file}: {name}") for name, tables in read_toml(file).items()}
    return {f"{database}.{table}": why for database, read in data.items() for table, why in read.tables.items()}


def _compare(cloud: Cloud, before: Mapping[str, int]) -> Iterator[Finding]:
    after = _census(cloud)
    odd: list[tuple[object, ...]] = []
    for table, rows in before.items():
        if table in explained() or after.get(table) == rows:
            continue
        if table not in after and rows == 0:
            continue  # an empty table that was dropped lost nobody anything
        odd.append((table, rows, after.get(table)))
    if odd:
        yield Finding(
            source=check.name,
            severity=Severity.ERROR,
            service=str(odd[0][0]).split(".", maxsplit=1)[0],
            place=", ".join(str(row[0]) for row in odd[:3]),
            message=f"{len(odd)} tables have an unexplained change in row count",
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

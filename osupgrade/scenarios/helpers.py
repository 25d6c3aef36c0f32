"""What a few scenarios share: migrations put into a service's tree, and a cloud that `reproduce --shrink` left."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

from osupgrade.cloud.cloud import Cloud, Overlay
from osupgrade.model.finding import Evidence, Finding
from osupgrade.model.quoting import quoted
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.findings import finding
from osupgrade.schema.reading import read_schema
from osupgrade.schema.table_data import table_data
from osupgrade.schema.tables import Table


def migrations(repository: str, scripts: Mapping[str, bytes], *, without: Sequence[str] = ()) -> Overlay:
    """A service's tree with scripts put into its repository of migrations, by their names, and some removed."""
    files = {f"{repository}/{name}": text for name, text in scripts.items()}
    return Overlay(files, remove=tuple(f"{repository}/{name}" for name in without))


def definition(table: Table) -> str:
    """A short hash of a table's definition, the same on every server."""
    return hashlib.sha256(json.dumps(table_data(table), sort_keys=True).encode()).hexdigest()[:16]


def reproduced(
    scenario: Scenario,
    cloud: Cloud,
    *,
    revisions: Mapping[str, Sequence[str]] | None = None,
    missing: Sequence[str] = (),
    tables: Mapping[str, str] | None = None,
    rows: Mapping[str, Sequence[str]] | None = None,
    stands: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Finding]:
    """At most one finding: the cloud holds exactly what `osupgrade reproduce --shrink` could not leave out.

    ``revisions`` maps ``database.version_table`` to the revisions it must hold, ``missing`` are tables that must not
    exist, ``tables`` maps tables to the hash of their :func:`definition`, ``rows`` tables to conditions, one for each
    row. ``stands`` is the name of ``revisions`` in scenarios that an earlier version wrote.
    """
    assert isinstance(scenario.symptom, Blocks)
    held = revisions or stands or {}
    wanted = [name.partition(".") for name in (*held, *missing, *(tables or {}), *(rows or {}))]
    if not all(cloud.has(database) for database, _, _ in wanted):
        return
    if any(_frozen(getattr(cloud.site, key)) != _frozen(value) for key, value in scenario.site.items()):
        return
    for place, versions in held.items():
        database, _, table = place.partition(".")
        if cloud.versions(database, table) != tuple(sorted(versions)):
            return
    for place in missing:
        database, _, table = place.partition(".")
        if table in cloud.tables(database):
            return
    proof: list[tuple[object, ...]] = [(place, "is missing") for place in missing]
    schemas = {d: read_schema(cloud.server, cloud.databases[d]) for d in {p.partition(".")[0] for p in tables or {}}}
    for place, digest in (tables or {}).items():
        database, _, name = place.partition(".")
        found = schemas[database].table(name)
        if found is None or definition(found) != digest:
            return
        proof.append((place, "is defined so"))
    for place, conditions in (rows or {}).items():
        database, _, name = place.partition(".")
        for condition in conditions:
            sql = f"SELECT COUNT(*) FROM {quoted(name)} WHERE {condition}"
            if name not in cloud.tables(database) or not cloud.server.rows(cloud.databases[database], sql)[0][0]:
                return
            proof.append((place, condition))
    yield finding(
        scenario,
        place=next(iter((*(rows or {}), *(tables or {}), *missing, *held))),
        message=f"the cloud holds what makes {scenario.symptom.step} stop",
        effect=scenario.title,
        evidence=Evidence.of(("table", "what"), proof),
    )


def _frozen(value: object) -> object:
    """A site has tuples where it was read, and what a scenario states where that was put over it."""
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value

"""Schemas in scenarios: a database's own, what in it is the operator's, and what the migrations will do to that."""

from __future__ import annotations

from dataclasses import replace

from osupgrade.cloud.cloud import Cloud
from osupgrade.schema.catalogue import lineage
from osupgrade.schema.diff import Change, diff
from osupgrade.schema.identify import customisations
from osupgrade.schema.predict import Prediction
from osupgrade.schema.reading import read_schema
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.survey import survey
from osupgrade.schema.verdicts import way_out


def schema_of(cloud: Cloud, database: str) -> Schema:
    """The schema of one of the cloud's databases, or of another one on its server by that one's own name."""
    return read_schema(cloud.server, cloud.databases.get(database, database))


def own_changes(cloud: Cloud, service: str, revision: str) -> tuple[Change, ...]:
    """What in a database is not as upstream has it at a revision."""
    return customisations(schema_of(cloud, service), lineage(service), revision)


def lacking(cloud: Cloud, database: str, service: str, revision: str) -> tuple[Change, ...]:
    """What of the tables in a database upstream lacks at a revision; each change's SQL adds it there.

    ``database`` is one of the cloud's, or another one on its server.
    """
    found = schema_of(cloud, database)
    stock = lineage(service).at(revision).schema
    there = replace(stock, tables=tuple(table for table in stock.tables if table.name in found.names))
    return tuple(change for change in diff(found, there) if change.kind == "removed")


def predicted(cloud: Cloud, service: str) -> tuple[Prediction, ...]:
    """What the coming migrations will do to each thing of the operator's own in a database."""
    if not cloud.has(service):
        return ()

    def rows(sql: str, parameters: object) -> list[tuple[object, ...]]:
        return cloud.server.rows("", sql, parameters)  # type: ignore[arg-type]

    return survey(rows, service, cloud.databases[service], data=False).predictions


def ways_out(prediction: Prediction) -> tuple[str, ...]:
    """The statements that take something of the operator's own out of the migrations' way."""
    return way_out(prediction.change, prediction.words)

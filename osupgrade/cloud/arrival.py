"""Taking a service's data out of the database in which it lived, into one of its own."""

from __future__ import annotations

from collections.abc import Callable

from osupgrade.cloud.cloud import Cloud
from osupgrade.lab.exec import ToolRun
from osupgrade.model.quoting import quoted
from osupgrade.model.release import Arrival, Command


def take_over(cloud: Cloud, arrival: Arrival, call: Callable[[Command], ToolRun]) -> ToolRun:
    """Copy the tables, as they are, into the service's own empty database, and record the revision they are at.

    Upstream's script does the same with a dump of these tables. The originals stay where they are.
    """
    there = cloud.tables(arrival.source)
    tables = [table for table in arrival.tables if table in there]
    old, new = (quoted(cloud.databases[name]) for name in (arrival.source, arrival.database))
    statements = ["SET FOREIGN_KEY_CHECKS = 0"]
    for table in tables:
        statements.append(cloud.create_statement(arrival.source, table))
        statements.append(f"INSERT INTO {new}.{quoted(table)} SELECT * FROM {old}.{quoted(table)}")
    cloud.execute(arrival.database, *statements, "SET FOREIGN_KEY_CHECKS = 1")
    return call(arrival.command)

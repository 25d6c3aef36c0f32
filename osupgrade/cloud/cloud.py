"""The cloud under rehearsal: its databases, its site, and the tools of every release that may work on it.

This is what scenarios, preflights and checks get in hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import sqlalchemy

from osupgrade.catalog.site import Site
from osupgrade.cloud.endless import watched
from osupgrade.lab.database import DatabaseServer
from osupgrade.lab.exec import ToolRun
from osupgrade.lab.observer.recorder import Recorder
from osupgrade.lab.release_container import Overlay, Setting, Workshop
from osupgrade.lab.sql_server import SqlServer, send
from osupgrade.model.errors import LabFault, UsageFault
from osupgrade.model.finding import Evidence
from osupgrade.model.quoting import literal, quoted, with_databases
from osupgrade.model.release import Command, version_column

__all__ = ["Cloud", "Overlay", "ToolRun"]

# An ORDER BY of the whole query, not of a subquery or an aggregate: no parenthesis closes after it.
_ORDERED = re.compile(r"\bORDER\s+BY\b[^)]*\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Cloud:
    """Databases under one server, by the service names of design.md.

    ``databases`` maps a logical name (``nova``) to the database's name on the server. ``lane`` keeps the configuration
    of several lanes in one release container apart.
    """

    server: SqlServer
    databases: Mapping[str, str]
    site: Site
    lane: str
    workshop: Workshop | None = None
    logs: Path | None = None
    recorder: Recorder | None = None
    """What observes the migrations of the tools that are run on it."""
    assumed: Mapping[str, str] = field(default_factory=dict)
    """The default character set that was assumed for each database whose dump does not say its own."""

    @property
    def lab_server(self) -> DatabaseServer:
        """The server with all that the lab can do to its own; raises UsageFault for one that is only read."""
        if not isinstance(self.server, DatabaseServer):
            raise UsageFault("this cloud is on a server that is read-only here")
        return self.server

    def has(self, database: str) -> bool:
        """Whether the cloud holds this database at all; a dump of neutron alone has no nova."""
        return database in self.databases

    def rows(self, database: str, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query; ``{nova}`` and the like become database names."""
        return self.server.rows(self.databases[database], self.named(sql), parameters)

    def value(self, database: str, sql: str, *parameters: Any) -> Any:
        """The first column of the first row; None when there is none."""
        rows = self.rows(database, sql, *parameters)
        return rows[0][0] if rows else None

    def evidence(self, database: str, sql: str, *parameters: Any) -> Evidence:
        """The rows of a query as a finding shows them, under the names that the query gives to its columns.

        A server returns rows in any order unless the query asks for one; they are sorted then, so that two runs show
        the same rows first.
        """
        columns, rows = self.table(database, sql, *parameters)
        return Evidence.of(columns, rows if _ORDERED.search(sql) else sorted(rows, key=_as_text))

    def table(self, database: str, sql: str, *parameters: Any) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """The rows of a query, and before them the names of its columns."""
        return self.server.table(self.databases[database], self.named(sql), parameters)

    @property
    def releases(self) -> frozenset[str]:
        """The names of the releases whose tools can work on it; none for a cloud that is only looked at."""
        return frozenset(self.workshop.releases) if self.workshop else frozenset()

    def tree(self, release: str, service: str) -> Path:
        """The directory of a service's own code at a release, to be read only."""
        workshop = self._workshop()
        return workshop.sources.tree(workshop.releases[release].services[service])

    def execute(self, database: str, *statements: str) -> int:
        """Run statements in one session; the count of rows that all of them changed."""
        with self.server.session(self.databases[database]) as session:
            return sum(_execute(session, self.named(statement)) for statement in statements)

    def tables(self, database: str) -> frozenset[str]:
        """The names of a database's base tables."""
        sql = (
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
        )
        return frozenset(str(row[0]) for row in self.rows(database, sql))

    def row_counts(self) -> dict[str, int]:
        """Exact rows of every table by ``database.table``."""
        counts = {}
        for database in self.databases:
            tables = sorted(self.tables(database))
            if tables:
                union = " UNION ALL ".join(
                    f"SELECT {literal(table)}, COUNT(*) FROM {quoted(table)}" for table in tables
                )
                counts.update({f"{database}.{table}": int(rows) for table, rows in self.rows(database, union)})
        return counts

    def create_statement(self, database: str, table: str) -> str:
        """The statement that makes an empty table like this one."""
        return str(self.rows(database, f"SHOW CREATE TABLE {quoted(table)}")[0][1])

    def columns(self, database: str, table: str) -> frozenset[str]:
        """The names of a table's columns; empty when there is no such table."""
        sql = "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s"
        return frozenset(str(row[0]) for row in self.rows(database, sql, table))

    def versions(self, database: str, table: str, repositories: Sequence[str] = ()) -> tuple[str, ...]:
        """What a version table holds, sorted, of some repositories alone; empty when the table is missing or empty.

        A row without a value is no version.
        """
        if table not in self.tables(database):
            return ()
        column = version_column(table)
        sql = f"SELECT {column} FROM {quoted(table)} WHERE CONCAT('', {column}) <> ''"
        if repositories:
            sql += f" AND repository_id IN ({', '.join(['%s'] * len(repositories))})"
        return tuple(sorted(str(row[0]) for row in self.rows(database, sql, *repositories)))

    def named(self, sql: str) -> str:
        """``sql`` with ``{nova}`` and the like replaced by the databases' names on this server."""
        return with_databases(sql, self.databases.get)

    def with_site(self, **changes: Any) -> Cloud:
        """The same cloud as the tools see it under another site, such as another ``core_plugin``."""
        return replace(self, site=replace(self.site, **changes))

    def tool(self, release: str, service: str, command: Command | str, *, overlay: Overlay | None = None) -> ToolRun:
        """Run a release's own tool on this cloud.

        ``command`` is a full command, or the arguments that replace those of the release's upgrade call
        (``db_sync 22``), given to the same tool with the same configuration.
        """
        container = self._workshop().release(release)
        if isinstance(command, str):
            first = container.release.services[service].upgrade[0]
            usual = first.name.split()
            command = replace(first, name=command, args=(*first.args[: -len(usual)], *command.split()))
        log = self._log(release, service)
        with watched(self.lab_server, self.held_by(release, service)) as endless:
            run = container.tool(service, command, self.setting, log=log, overlay=overlay, recorder=self.recorder)
        return endless.explained(run)

    def held_by(self, release: str, service: str) -> tuple[str, ...]:
        """The databases, by their names on the server, that a service has at a release."""
        part = self._workshop().releases[release].services[service]
        return tuple(self.databases[one.name] for one in part.databases if one.name in self.databases)

    def finish(self, name: str) -> ToolRun:
        """Run a route's last move, such as ``ml2``, with the tool of the release that has it."""
        for release in self._workshop().releases.values():
            if finish := release.finishes.get(name):
                return self.tool(release.name, finish.service, finish.command)
        raise LabFault(f"no release has a last move {name!r}")

    def python(self, release: str, service: str, code: str, *, overlay: Overlay | None = None) -> ToolRun:
        """Run a few lines of Python in a release's runtime, for what its code can do and its command line cannot.

        The service is importable; the variable ``etc`` names the directory of its configuration.
        """
        container = self._workshop().release(release)
        part = container.release.services[service]
        etc = container.configure(part, self.setting)
        tree = container.compose(service, overlay, self.lane) if overlay else f"/src/{service}"
        argv = ["/opt/venv/bin/python", "-c", f"etc = {etc!r}\n{code}"]
        workdir = tree if part.pin else "/tmp"
        log = self._log(release, service)
        with watched(self.lab_server, self.held_by(release, service)) as endless:
            run = container.run(argv, container.paths(tree), workdir, log, self.recorder, "python")
        return endless.explained(run)

    @property
    def setting(self) -> Setting:
        """What the tools' configuration is rendered from."""
        urls = {logical: self.lab_server.inside_url(name) for logical, name in self.databases.items()}
        return Setting(self.lane, urls, self.site)

    def _workshop(self) -> Workshop:
        if self.workshop is None:
            raise UsageFault("this cloud was opened for inspection only; no release's tools are available")
        return self.workshop

    def _log(self, release: str, service: str) -> Path | None:
        return self.logs / f"{release}-{service}.log" if self.logs else None


def _execute(session: sqlalchemy.Connection, statement: str) -> int:
    count = send(session, statement).rowcount
    return max(count, 0)


def _as_text(row: Sequence[Any]) -> tuple[tuple[bool, str], ...]:
    return tuple((value is None, str(value)) for value in row)

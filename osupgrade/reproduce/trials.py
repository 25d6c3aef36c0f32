"""Trying parts of a cloud: a copy with some rows and tables, the failing step on it, and whether it fails in that way.

The source databases stay as they are. A copy's tables are made from the source's own definitions; its rows come over
by INSERT ... SELECT within the server, so a trial costs what it keeps, not what it leaves out.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.route import Step
from osupgrade.dump.shrink import Candidate, Table
from osupgrade.lab.database import SHELF, DatabaseServer
from osupgrade.lab.exec import ToolRun
from osupgrade.lab.sql_server import send
from osupgrade.model.errors import LabFault
from osupgrade.model.failure import Failure, failure_of
from osupgrade.model.plan import Plan
from osupgrade.model.quoting import quoted
from osupgrade.model.step import Outcome, StepResult
from osupgrade.reproduce.rerun import run_step
from osupgrade.scenarios.contract import Instead
from osupgrade.schema.catalogue import Lineage, line_of

ROWS = "osupgrade_rows"
"""The database for numbered copies of tables."""
NUMBER = "osupgrade_row"
_TEXT = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext")


@dataclass
class Trials:
    """Tries candidates of ``cloud``, whose databases are the source. Tables are called ``database.table``.

    ``scratch`` takes each trial's log and configuration. The copies are databases called ``trial_NAME``.
    """

    cloud: Cloud
    plan: Plan
    step: Step
    scratch: Path
    reference: Failure | None = None
    """How it must fail; known once :meth:`failure` was asked for everything."""
    narrow: bool = True
    """Whether the tool can stop after the revision that fails."""
    last: StepResult | None = None
    """How the last trial's step ended."""
    _made: dict[tuple[str, frozenset[str]], str] = field(default_factory=dict)
    _numbered: dict[str, str] = field(default_factory=dict)
    _columns: dict[str, list[str]] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)

    @property
    def server(self) -> DatabaseServer:
        """The server that holds source and copies."""
        return self.cloud.lab_server

    @property
    def databases(self) -> Mapping[str, str]:
        """The source databases by their logical names."""
        return {
            name: self.cloud.databases[name] for name in (d.name for d in self.step.databases) if self.cloud.has(name)
        }

    def tables(self) -> tuple[Table, ...]:
        """Every table and view of the source with its exact count of rows."""
        versions = {d.name: d.version_table for d in self.step.databases}
        found = []
        for logical, database in self.databases.items():
            parents: dict[str, set[str]] = {}
            sql = (
                "SELECT table_name, referenced_table_name FROM information_schema.key_column_usage "
                "WHERE table_schema = %s AND referenced_table_schema = %s"
            )
            for table, parent in self.server.rows("", sql, (database, database)):
                parents.setdefault(table, set()).add(f"{logical}.{parent}")
            sql = "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = %s"
            for table, kind in self.server.rows("", sql, (database,)):
                based = kind == "BASE TABLE"
                rows = self.server.rows(database, f"SELECT COUNT(*) FROM {quoted(table)}")[0][0] if based else 0
                found.append(
                    Table(
                        name=f"{logical}.{table}",
                        rows=int(rows),
                        parents=frozenset(parents.get(table, ())),
                        fixed=table == versions.get(logical),
                    )
                )
        self._sizes = {table.name: table.rows for table in found}
        return tuple(sorted(found, key=lambda table: table.name))

    def fails(self, candidate: Candidate) -> bool:
        """Whether the step fails on this part in the very way it should."""
        assert self.reference is not None
        instead = narrowed(self.step, self.reference, self.cloud.site) if self.narrow else None
        try:
            copies = self.build(candidate, "trial_")
        except LabFault:  # such as a view that reads a table which is gone
            return False
        return self._run(copies, instead) == self.reference

    def failure(self, candidate: Candidate, instead: Instead | None = None) -> Failure | None:
        """How the whole step, run as the release's tool runs it, fails on this part; None when it does not."""
        return self._run(self.build(candidate, "trial_"), instead)

    def _run(self, copies: Mapping[str, str], instead: Instead | None) -> Failure | None:
        cloud = Cloud(self.server, {**self.cloud.databases, **copies}, self.cloud.site, "trial", self.cloud.workshop)
        ran: list[ToolRun] = []

        def watched(on: Cloud) -> Sequence[ToolRun]:
            assert instead is not None
            ran.extend(instead(on))
            return ran

        result = self.last = run_step(
            cloud, self.plan, self.step, self.scratch / "trial.log", self.scratch / "config", instead and watched
        )
        if result.outcome is not Outcome.FAILED or (ran and all(run.ok for run in ran)):
            return None
        return failure_of(result, copies.values())

    def build(self, candidate: Candidate, prefix: str) -> Mapping[str, str]:
        """Copy the candidate into databases called ``prefix`` and the logical name; over any that are there."""
        copies = {}
        for logical, source in self.databases.items():
            target = copies[logical] = f"{prefix}{logical}"
            gone = frozenset(name.partition(".")[2] for name in candidate.gone if name.startswith(f"{logical}."))
            tables, triggers = (self._definitions(source, gone, part) for part in ("tables", "triggers"))
            self.server.create(target)
            charset, collation = self.server.rows(
                "",
                "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata "
                "WHERE schema_name = %s",
                (source,),
            )[0]
            self.server.execute("", f"ALTER DATABASE {quoted(target)} CHARACTER SET {charset} COLLATE {collation}")
            self._load(tables, target)
            with self.server.session(target) as session:
                send(session, "SET SESSION foreign_key_checks = 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
                for name, ranges in candidate.rows:
                    database, _, table = name.partition(".")
                    if database == logical:
                        send(session, self._copied(table, name, target, ranges))
            if triggers:
                self._load(triggers, target)
        return copies

    def _copied(self, table: str, name: str, target: str, ranges: Sequence[tuple[int, int]]) -> str:
        columns = ", ".join(quoted(column) for column in self._plain_columns(name))
        into = f"INSERT INTO {quoted(target)}.{quoted(table)} ({columns})"
        if tuple(ranges) == ((0, self._sizes[name]),):
            return f"{into} SELECT {columns} FROM {self._source(name)}"
        some = " OR ".join(f"{NUMBER} BETWEEN {start + 1} AND {end}" for start, end in ranges)
        return f"{into} SELECT {columns} FROM {self.numbered(name)} WHERE {some}"

    def _definitions(self, source: str, gone: frozenset[str], part: str) -> str:
        """The file beside the server that makes the source's tables (or triggers) but for those that are gone.

        Empty when there is nothing to make.
        """
        if part == "triggers" and not self.server.rows(
            "", "SELECT 1 FROM information_schema.triggers WHERE trigger_schema = %s LIMIT 1", (source,)
        ):
            return ""
        key = (f"{source} {part}", gone)
        if key not in self._made:
            file = f"{SHELF}/shrink-{hashlib.sha256(repr((key[0], sorted(gone))).encode()).hexdigest()[:16]}.sql"
            ignored = " ".join(shlex.quote(f"--ignore-table={source}.{name}") for name in sorted(gone))
            what = "--skip-triggers" if part == "tables" else "--no-create-info --skip-routines"
            run = self.server.shell(
                f"mkdir -p {SHELF}; $DUMP --no-data {what} {ignored} -- {shlex.quote(source)} > {file}"
            )
            if not run.ok:
                raise LabFault(f"cannot read the definitions of {source}", evidence=run.output)
            self._made[key] = file
        return self._made[key]

    def _load(self, file: str, target: str) -> None:
        run = self.server.shell(f"$CLIENT -- {shlex.quote(target)} < {file}")
        if not run.ok:
            raise LabFault(f"cannot make the tables of {target}", evidence=run.output)

    def numbered(self, name: str) -> str:
        """A copy of a table with its rows numbered from 1 in the order of its primary key, made when first asked."""
        if name not in self._numbered:
            if not self._numbered:
                self.server.create(ROWS)
            database, _, table = name.partition(".")
            sql = (
                "SELECT column_name FROM information_schema.key_column_usage WHERE table_schema = %s "
                "AND table_name = %s AND constraint_name = 'PRIMARY' ORDER BY ordinal_position"
            )
            key = [quoted(row[0]) for row in self.server.rows("", sql, (self.databases[database], table))]
            copy = f"{quoted(ROWS)}.`t{len(self._numbered)}`"
            with self.server.session(ROWS) as session:
                send(session, "SET SESSION sql_mode = ''")
                send(
                    session,
                    f"CREATE TABLE {copy} ({NUMBER} INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB "
                    f"SELECT * FROM {self._source(name)}" + (f" ORDER BY {', '.join(key)}" if key else ""),
                )
            self._numbered[name] = copy
        return self._numbered[name]

    def suspects(self, name: str, values: Collection[str]) -> list[int]:
        """The rows of a table, from 0, that hold one of ``values``: a text as it is, a number in a key."""
        database, _, table = name.partition(".")
        sql = (
            "SELECT column_name, data_type, column_key FROM information_schema.columns "
            "WHERE table_schema = %s AND table_name = %s"
        )
        columns = self.server.rows("", sql, (self.databases[database], table))
        texts = tuple(value for value in values if value.isascii() and (len(value) > 3 or not value.isdigit()))
        numbers = tuple(value for value in values if value.isdigit())
        conditions: list[str] = []
        given: list[Any] = []
        for column, kind, key in columns:
            wanted = texts if kind in _TEXT else numbers if key == "PRI" and kind.endswith("int") else ()
            if wanted:
                conditions.append(f"{quoted(column).replace('%', '%%')} IN %s")
                given.append(wanted)
        if not conditions:
            return []
        sql = f"SELECT {NUMBER} - 1 FROM {self.numbered(name)} WHERE {' OR '.join(conditions)} ORDER BY 1"
        return [int(row[0]) for row in self.server.rows("", sql, given)]

    def _source(self, name: str) -> str:
        database, _, table = name.partition(".")
        return f"{quoted(self.databases[database])}.{quoted(table)}"

    def _plain_columns(self, name: str) -> list[str]:
        if name not in self._columns:
            database, _, table = name.partition(".")
            sql = (
                "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
                "AND extra NOT LIKE '%%GENERATED%%' ORDER BY ordinal_position"
            )
            self._columns[name] = [row[0] for row in self.server.rows("", sql, (self.databases[database], table))]
        return self._columns[name]


def narrowed(step: Step, failure: Failure, site: Site) -> Instead | None:
    """The release's tool with the failing revision as its end; None if it accepts no revision."""
    target = next_revision(step, failure, site)
    commands = step.release.services[step.service].upgrade
    if not target or len(commands) != 1:
        return None
    words = commands[0].name.split()
    targeted = " ".join(target if word == "head" else word for word in words)
    call = targeted if "head" in words else f"{targeted} {target}"
    return lambda cloud: (cloud.tool(step.release.name, step.service, call),)


def next_revision(step: Step, failure: Failure, site: Site) -> str:
    """The revision that failed, by what the catalogue knows; empty where it does not."""
    line = known_line(step, site)
    versions = [version for versions in failure.left_at.values() for version in versions]
    if line is None or step.source is None or not failure.kind or len(versions) != 1:
        return ""
    position = line.position(versions[0])
    if position is None or position + 1 >= len(line.revisions):
        return ""
    revision = line.revisions[position + 1]
    return revision.name if revision.release == step.release.name else ""


def known_line(step: Step, site: Site) -> Lineage | None:
    """The revisions of the step's service under the site's plugins; None where the catalogue has none."""
    return None if site.core_plugin else line_of(step.service, site, step.release.name)


def tables_named(step: Step, failure: Failure, site: Site, tables: Iterable[Table]) -> frozenset[str]:
    """The tables that the migrations up to the failing one need, as far as the catalogue knows; all of them otherwise.

    Which revision the step begins at does not matter much: one that ran before names few tables more.
    """
    names = {table.name for table in tables}
    line = known_line(step, site)
    target = step.name if step.source is None else next_revision(step, failure, site)
    end = line.position(target) if line else None
    if line is None or end is None:
        return frozenset(names)
    start = line.position(line.head(step.source.name).name) if step.source else end - 1
    used = {f"{step.service}.{table}" for known in line.revisions[(start or 0) + 1 : end + 1] for table in known.uses}
    return frozenset(names & used)


def tables_in(text: str, tables: Iterable[Table]) -> frozenset[str]:
    """The tables that a text, such as an error, names."""
    words = set(re.findall(r"\w+", text))
    return frozenset(table.name for table in tables if table.name.partition(".")[2] in words)

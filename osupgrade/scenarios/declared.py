"""A trap that is only SQL: ``scenario.toml``, read into a :class:`Scenario`.

The file says what a ``scenario.py`` would: ``[fails]`` or ``[silent]`` is the symptom, ``[inject]`` puts the trap
into a cloud, each ``[[find]]`` is a preflight, ``[fix]`` the cure and ``[check]`` the damage that must show when
nothing is cured. A ``scenario.py`` beside it may add what SQL cannot say: ``scenario = declared(__file__)``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from osupgrade.catalog.loading import Strict, load_toml, shown
from osupgrade.catalog.releases import load_releases
from osupgrade.cloud.cloud import Cloud
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Cure, Evidence, Finding, Severity, Sql
from osupgrade.model.quoting import statement
from osupgrade.model.stage import Stage
from osupgrade.model.text import counted
from osupgrade.scenarios.charset import conversion
from osupgrade.scenarios.contract import Blocks, Damage, Scenario, Silent
from osupgrade.scenarios.findings import filled, finding
from osupgrade.scenarios.upstream import Upstream, is_before, make_again, upstream

FILE = "scenario.toml"
_KNOWN = re.compile(r"(?<![:\w]):(upstream|dropped|dropped_words|parents)\b")
_INDEXES = "SELECT DISTINCT table_name, index_name FROM information_schema.statistics WHERE table_schema = DATABASE()"


def _stage(text: str) -> str:
    Stage.parse(text)
    return text


def _step(text: str) -> str:
    """A step of a service is one of a release; others have names of their own."""
    release, slash, _ = text.partition("/")
    if slash and release not in load_releases():
        raise ValueError(f"there is no release {shown(release)}; a step is RELEASE/SERVICE")
    return text


At = Annotated[str, AfterValidator(_stage)]
Step = Annotated[str, AfterValidator(_step)]
Names = tuple[str, ...]


class Fails(Strict):
    """The symptom is loud: ``step`` fails with ``error``, a regular expression, and leaves the database ``left_at``."""

    step: Step
    error: str
    left_at: str | None = None


class Unseen(Strict):
    """The symptom is silent: every tool exits 0, and at ``at`` the damage of ``[check]`` is there."""

    at: At
    breaks: Names = ()
    shows: Names = ()


class Inject(Strict):
    """Statements that put the trap in; before them tables, all or some, are given another character set."""

    at: At = "seeded"
    database: str = ""
    sql: Names = ()
    convert_charset: str = ""
    convert_collation: str = ""
    tables: Names = ()


class Fix(Strict):
    """The cure: tables given a character set, upstream's tables made again, ``sql``, and statements for each row.

    In ``for_each_row`` ``:column`` is a value of the row that was found, ``{column}`` a name.
    """

    summary: str
    at: At | None = None
    convert_charset: str = ""
    make_again: bool = False
    sql: Names = ()
    for_each_row: Names = ()


class Find(Strict):
    """A preflight: the rows of ``sql`` prove the trap.

    It asks only while the database is older than the revision ``before``, has each ``table`` and nothing of ``without``
    (tables, or columns as ``table.column``), and where the site is as ``site`` says. The first table is the place of
    the finding. In ``message`` and ``effect`` ``{n}`` is the number of rows, ``{column}`` a value of the first.

    In ``sql``, ``:upstream`` are all tables that the service ever has, ``:dropped`` those that the migrations of the
    trap's hops are still to drop, ``:dropped_words`` the same as a regular expression, ``:parents`` those to which new
    foreign keys will refer. In place of ``sql``, ``missing = "dropped"`` finds tables that are to be dropped and are
    not there, ``early = "indexes"`` indexes that are still to be made and are there already.

    ``on_default`` says that the trap depends on the database's default character set: where that was assumed, the
    message says so.
    """

    at: tuple[At, ...] = ("seeded",)
    database: str = ""
    before: str = ""
    table: Names = ()
    without: Names = ()
    sql: str = ""
    missing: Literal["", "dropped"] = ""
    early: Literal["", "indexes"] = ""
    on_default: bool = False
    site: Mapping[str, Any] = {}
    message: str
    effect: str
    severity: Severity = Severity.ERROR
    place: str = ""
    fix: Fix | None = None

    @model_validator(mode="after")
    def _asks(self) -> Find:
        if sum(map(bool, (self.sql, self.missing, self.early))) != 1:
            raise ValueError("give exactly one of sql, missing and early")
        return self


class Check(Strict):
    """The rows of ``sql`` are a silent trap's damage; on the seeded cloud so many ``rows``, the ``first`` like this."""

    at: At | None = None
    database: str = ""
    sql: str
    rows: int | None = None
    first: Names = ()


class Declaration(Strict):
    """What a ``scenario.toml`` holds."""

    title: str
    services: Names = Field(min_length=1)
    hops: tuple[Step, ...] = ()
    universal: bool = False
    not_on: Mapping[str, str] = {}
    site: Mapping[str, Any] = {}
    fails: Fails | None = None
    silent: Unseen | None = None
    inject: Inject | tuple[Inject, ...] = ()
    find: tuple[Find, ...] = ()
    fix: Fix | None = None
    check: Check | None = None

    @model_validator(mode="after")
    def _has_a_symptom(self) -> Declaration:
        if (self.fails is None) == (self.silent is None):
            raise ValueError("give either [fails] or [silent]")
        return self

    @property
    def symptom(self) -> Blocks | Silent:
        """The symptom as the contract has it."""
        if self.fails:
            return Blocks(self.fails.step, self.fails.error, self.fails.left_at)
        assert self.silent is not None
        check = self.check
        damage = Damage(check.rows, check.first) if check and check.rows is not None else None
        return Silent(self.silent.at, self.silent.breaks, self.silent.shows, damage)


def declared(file: str | Path) -> Scenario:
    """The scenario that the ``scenario.toml`` beside ``file`` declares; raises UsageFault for one that is not valid."""
    declaration = load_toml(Path(file).with_name(FILE), Declaration)
    scenario = Scenario(
        title=declaration.title,
        services=declaration.services,
        symptom=declaration.symptom,
        hops=declaration.hops,
        universal=declaration.universal,
        not_on=declaration.not_on,
        site=declaration.site,
    )
    for inject in (declaration.inject,) if isinstance(declaration.inject, Inject) else declaration.inject:
        scenario.inject(inject.at)(_driver(inject, scenario))
    for find in declaration.find:
        scenario.preflight(*find.at)(_preflight(find, find.fix or declaration.fix, scenario))
    if declaration.check:
        scenario.probe(declaration.check.at or "")(_probe(declaration.check, scenario))
    return scenario


def _driver(inject: Inject, scenario: Scenario) -> Callable[[Cloud], None]:
    database = inject.database or scenario.services[0]

    def plant(cloud: Cloud) -> None:
        converted: tuple[str, ...] = ()
        if inject.convert_charset:
            tables = inject.tables or tuple(cloud.tables(database))
            converted = conversion(cloud, database, tables, inject.convert_charset, inject.convert_collation)
        cloud.execute(database, *converted, *inject.sql)

    return plant


def _probe(check: Check, scenario: Scenario) -> Callable[[Cloud], Evidence]:
    database = check.database or scenario.services[0]
    return lambda cloud: cloud.evidence(database, check.sql)


def _preflight(find: Find, fix: Fix | None, scenario: Scenario) -> Callable[[Cloud], Iterator[Finding]]:
    database = find.database or scenario.services[0]

    def look(cloud: Cloud) -> Iterator[Finding]:
        if not cloud.has(database) or not _there(cloud, database, find):
            return
        if find.before and not is_before(cloud, database, find.before):
            return
        columns, found = _asked(cloud, database, find, scenario)
        if found:
            yield finding(
                scenario,
                place=_place(find, database),
                message=_if_default(cloud, database, find) + _said(find.message, columns, found),
                effect=_said(find.effect, columns, found),
                evidence=Evidence.of(columns, found),
                cure=_cure(cloud, database, fix, columns, found) if fix else None,
                severity=find.severity,
            )

    return look


def _if_default(cloud: Cloud, database: str, find: Find) -> str:
    """The condition under which a finding holds that depends on a default which is not known."""
    assumed = cloud.assumed.get(database, "") if find.on_default else ""
    return f"if the database's default character set is {assumed}: " if assumed else ""


def _there(cloud: Cloud, database: str, find: Find) -> bool:
    """Whether everything that a preflight asks about is there, and nothing with which it has nothing to ask."""
    if any(getattr(cloud.site, key) != value for key, value in find.site.items()):
        return False
    tables = cloud.tables(database)

    def there(name: str) -> bool:
        table, _, column = name.partition(".")
        return table in tables and (not column or column in cloud.columns(database, table))

    return all(map(there, find.table)) and not any(map(there, find.without))


def _place(find: Find, database: str) -> str:
    table = find.table[0].partition(".")[0] if find.table else ""
    return find.place or (f"{database}.{table}" if table else database)


def _said(text: str, columns: tuple[str, ...], found: list[tuple[Any, ...]]) -> str:
    return counted(len(found), text, **dict(zip(columns, found[0], strict=True)))


def _asked(
    cloud: Cloud, database: str, find: Find, scenario: Scenario
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The rows that prove the trap, under the names of their columns."""
    releases = frozenset(hop.partition("/")[0] for hop in scenario.hops)
    names = set(_KNOWN.findall(find.sql))
    known = upstream(cloud, database) if names or find.missing or find.early else None
    if find.missing:
        gone = known.dropped(releases) if known else {}
        there = cloud.tables(database)
        return ("table", "dropped_by"), [(table, by) for table, by in gone.items() if table not in there]
    if find.early:
        coming = known.added_indexes(releases) if known else {}
        made = {(str(table), str(index)) for table, index in cloud.rows(database, _INDEXES)}
        return ("table", "index", "made_by"), [(*place, by) for place, by in sorted(coming.items()) if place in made]
    values = {name: _listed(name, known, releases) for name in names}
    if not all(values.values()):
        return (), []
    return cloud.table(database, statement(find.sql, **values))


def _listed(name: str, known: Upstream | None, releases: frozenset[str]) -> str | list[str]:
    if known is None:
        return []
    if name == "upstream":
        return sorted({table for revision in known.line.revisions for table in revision.schema.names})
    if name == "parents":
        return sorted(known.parents(releases))
    dropped = sorted(known.dropped(releases))
    if name == "dropped":
        return dropped
    return f"(^|[^0-9A-Za-z_])({'|'.join(dropped)})([^0-9A-Za-z_]|$)" if dropped else ""


def _cure(cloud: Cloud, database: str, fix: Fix, columns: tuple[str, ...], found: Iterable[tuple[Any, ...]]) -> Cure:
    rows = list(found)
    steps: list[Sql] = []
    if fix.convert_charset or fix.make_again:
        if "table" not in columns:
            raise UsageFault("a fix that converts or makes tables needs a column `table` in its [[find]]")
        tables = [str(row[columns.index("table")]) for row in rows]
        if fix.convert_charset:
            steps += [Sql(database, sql) for sql in conversion(cloud, database, tables, fix.convert_charset)]
        known = upstream(cloud, database) if fix.make_again else None
        if known:
            made = [table for name in tables if (table := known.here.schema.table(name)) is not None]
            steps += make_again(database, made, cloud.tables(database))
    steps += [Sql(database, sql) for sql in fix.sql]
    steps += [filled(database, template, columns, row) for row in rows for template in fix.for_each_row]
    return Cure(fix.summary, tuple(steps), Stage.parse(fix.at) if fix.at else None)

"""Every SQL statement of every trap against the schemas of the catalogue, at the revision for which it is written."""

import ast
import functools
import re
import sys
from dataclasses import dataclass

import pytest
import sqlglot
from sqlglot import exp

from osupgrade.catalog.content import root
from osupgrade.catalog.loading import load_toml
from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.model.chain import ordered
from osupgrade.model.plan import make_plan
from osupgrade.model.stage import SEEDED, Stage
from osupgrade.scenarios.declared import FILE, Declaration, Inject
from osupgrade.scenarios.loading import load_scenarios
from osupgrade.schema.catalogue import lineage, moves, variants

FOUND = load_scenarios([root() / "scenarios"]).scenarios
VERBS = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|ALTER|CREATE|DROP|REPLACE|RENAME)\s")
OWN = "own_placeholder"
"""Stands for a name or a value that is only known when the statement is run."""
UNPARSED = re.compile(r"CREATE TRIGGER |CREATE TABLE \S+ LIKE |RENAME TABLE |ALTER DATABASE ")
"""Statements that the parser takes as they are."""
NO_CODE = (".md", ".pyc")
DATABASES = {d.name for r in load_releases().values() for part in r.services.values() for d in part.databases}
VERSIONS = {"alembic_version": {"version_num"}, "migrate_version": {"repository_id", "repository_path", "version"}}


@dataclass(frozen=True)
class Statement:
    """It must fit the schema at each of the stages; without any, what is there somewhere on the route."""

    sql: str
    database: str
    stages: tuple[Stage, ...]
    tables: tuple[str, ...] = ()
    before: str = ""
    guarded: bool = False
    """Whether it is asked only where its tables are, whichever these are."""


def plan_of(scenario):
    """A named path with one of the scenario's hops; None where only routes without a name have them."""
    plans = [make_plan(path, load_releases()) for path in load_paths().values()]
    return next((plan for plan in plans if scenario.can_run(plan)), None)


def nearest(database, release):
    """Tables and columns at the end of a release; of one that the catalogue lacks, those of its known neighbours."""
    names = [one.name for one in ordered(load_releases().values())]
    known = {
        name: one.head(name)
        for one in (lineage(database, variant) for variant in variants(database))
        for name in names
        if one.knows(name)
    }
    before = [name for name in names[: names.index(release) + 1] if name in known][-1:]
    after = [name for name in names[names.index(release) :] if name in known][:1]
    found = {}
    for name in {release} if release in known else {*before, *after}:
        for table, columns in columns_at(database, known[name]).items():
            found.setdefault(table, set()).update(columns)
    return found


def on_the_chain(statement, scenario):
    """Tables and columns that a statement may use at its stages; the seeded cloud is that before the first hop."""
    names = [one.name for one in ordered(load_releases().values())]
    reached = set()
    for stage in statement.stages or (SEEDED,):
        release = (scenario.hops[0] if stage == SEEDED else stage.step).partition("/")[0]
        reached.add(release if stage.moment == "after" else names[names.index(release) - 1])
    schemas = [nearest(statement.database, release) for release in sorted(reached)]
    for schema in schemas if statement.guarded else ():
        for table, columns in nearest(statement.database, names[-1]).items():
            schema.setdefault(table, columns)
    return schemas


@functools.cache
def line(database, first, last):
    """The longest history that has both releases: with every plugin's tables in it."""
    lines = [lineage(database, v) for v in variants(database)]
    lines = [one for one in lines if one.knows(last) and (one.knows(first) or first == "")]
    return max(lines, key=lambda one: len(one.revisions[-1].schema.tables) + len(one.revisions))


def columns_at(database, revision):
    return {t.name: {c.name for c in t.columns} for t in revision.schema.tables} | VERSIONS


def schema_for(statement, scenario):
    """Tables and columns that a statement may use: where its stage has the database, or over the whole route."""
    plan = plan_of(scenario)
    if plan is None:
        return on_the_chain(statement, scenario)
    known = line(statement.database, plan.first.name, plan.last.name)
    start = known.position(known.head(plan.first.name).name)
    whole = {}
    for revision in known.revisions[start:]:
        for table, columns in columns_at(statement.database, revision).items():
            whole.setdefault(table, set()).update(columns)
    for tables in known.served.values():
        for table in tables:
            whole.setdefault(table.name, set()).update(c.name for c in table.columns)
    if not statement.stages:
        return [whole]
    schemas = []
    for stage in statement.stages:
        if stage == SEEDED:
            at = known.revisions[start]
            ahead = [r for r in known.revisions[start:] if r.name == statement.before]
            if ahead:  # it is asked until then, too
                last = known.revisions[known.position(ahead[0].name) - 1]
                schemas.append(columns_at(statement.database, last))
        elif stage.step in moves() or stage.step == "verify":
            position = -1 if stage.moment != "before" else known.position(known.head(plan.last.name).name)
            at = known.revisions[position]
        else:
            release = stage.step.partition("/")[0]
            names = [r.name for r in plan.releases]
            reached = release if stage.moment == "after" else names[names.index(release) - 1]
            at = known.head(reached)
        schemas.append(columns_at(statement.database, at))
    for schema in schemas:  # a preflight is asked only where its tables are
        for table in whole if statement.guarded else statement.tables:
            schema.setdefault(table, whole.get(table, set()))
    return schemas


def declared_statements(scenario):
    told = load_toml(scenario.directory / FILE, Declaration)
    injects = (told.inject,) if isinstance(told.inject, Inject) else told.inject
    for inject in injects:
        for sql in inject.sql:
            yield Statement(sql, inject.database or told.services[0], (Stage.parse(inject.at),))
    for find in told.find:
        database = find.database or told.services[0]
        stages = tuple(Stage.parse(at) for at in find.at)
        tables = tuple(name.partition(".")[0] for name in find.table)
        if find.sql:
            yield Statement(find.sql, database, stages, tables, find.before)
        fix = find.fix or told.fix
        at = (Stage.parse(fix.at),) if fix and fix.at else stages
        for sql in (*fix.sql, *fix.for_each_row) if fix else ():
            yield Statement(sql, database, at, tables, find.before)
    if told.check:
        at = told.check.at or str(scenario.symptom.stage)
        yield Statement(told.check.sql, told.check.database or told.services[0], (Stage.parse(at),))


def text_of(node, names):
    """The text of a string expression; what is only known at run time becomes a placeholder."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        return names[node.id] if isinstance(names.get(node.id), str) else None
    if isinstance(node, ast.JoinedStr):
        parts = []
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts.append(part.value)
                continue
            try:
                parts.append(str(eval(ast.unparse(part.value), dict(names))))
            except Exception:
                parts.append(OWN)
        return "".join(parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = text_of(node.left, names), text_of(node.right, names)
        return None if left is None else left + (OWN if right is None else right)
    return None


def database_of(call):
    """What a call may name a database with: its first value, or the first part of its place."""
    if isinstance(call, ast.Call):
        values = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "place")]
        yield from (str(value.value).partition(".")[0] for value in values if isinstance(value, ast.Constant))


def python_statements(scenario):
    """The statements in a scenario.py, at the stages of the function in which they are, if it has any."""
    file = scenario.directory / "scenario.py"
    module = sys.modules["osupgrade_scenario_" + scenario.name.replace("-", "_")]
    tree = ast.parse(file.read_text("utf-8"))
    inner = {
        id(v) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for v in ast.walk(node) if v is not node
    }
    for top in tree.body:
        names = dict(vars(module))
        stages = ()
        for decorator in getattr(top, "decorator_list", ()):
            given = [a.value for a in decorator.args if isinstance(a, ast.Constant)]
            if ast.unparse(decorator.func) in ("scenario.inject", "scenario.preflight"):
                stages += tuple(Stage.parse(text) for text in given or ["seeded"])
        for assigned in ast.walk(top):
            if isinstance(assigned, ast.Assign) and isinstance(assigned.targets[0], ast.Name):
                text = text_of(assigned.value, names)
                if text is not None:
                    names[assigned.targets[0].id] = text
        for call in ast.walk(top):
            database = scenario.services[0]
            for said in database_of(call):
                database = said if said in DATABASES else database
            nodes = (*call.args, *(word.value for word in call.keywords)) if isinstance(call, ast.Call) else ()
            for node in nodes:
                inside = [node, *getattr(node, "elts", ()), *([node.value] if isinstance(node, ast.Starred) else ())]
                for one in inside:
                    text = text_of(one, names) if id(one) not in inner else None
                    if text and VERBS.match(text):
                        yield Statement(text, database, stages, guarded=True)


def statements(scenario):
    if (scenario.directory / FILE).is_file():
        yield from declared_statements(scenario)
    if (scenario.directory / "scenario.py").is_file():
        yield from python_statements(scenario)


def parsed(sql):
    sql = re.sub(
        r"\{(\w+)\}", lambda m: m[1] if m[1] in ("nova", "neutron", "keystone", "glance", "cinder") else OWN, sql
    )
    found = sqlglot.parse(sql.replace("%s", "NULL"), dialect="mysql")
    assert len(found) == 1, "it is more than one statement"
    return found[0]


def problems(tree, statement, schema, made):
    """What of a statement's tables and columns is not there. ``made`` are tables that the scenario itself makes."""
    real, derived = {}, set()
    deleted = {id(table) for table in tree.args.get("tables") or ()} if isinstance(tree, exp.Delete) else set()
    for table in tree.find_all(exp.Table):
        dropped = isinstance(table.parent, exp.Drop) and table.parent.args.get("kind") == "INDEX"
        if id(table) in deleted or dropped:
            continue
        name, alias = table.name, table.alias_or_name
        if (
            table.db.lower() == "information_schema"
            or name.upper() == "DUAL"
            or name == OWN
            or name in made
            or table.db == OWN
        ):
            derived.add(alias)
        elif table.db and table.db != statement.database:
            continue
        elif name in schema:
            real[alias] = {*schema[name], *real.get(alias, ())}
        else:
            yield f"there is no table {name}"
    derived |= {sub.alias_or_name for sub in tree.find_all(exp.Subquery) if sub.alias_or_name}
    named = {alias.alias for alias in tree.find_all(exp.Alias)}
    everything = set().union(named, *real.values())
    for column in tree.find_all(exp.Column):
        if column.table in real and column.name not in {*real[column.table], *made, OWN}:
            yield f"{column.table} has no column {column.name}"
        if not column.table and not derived and column.name not in {*everything, *made, OWN}:
            yield f"there is no column {column.name}"
    if isinstance(tree, exp.Insert) and isinstance(tree.this, exp.Schema):
        target = schema.get(tree.this.this.name, set())
        for column in tree.this.expressions:
            if target and column.name not in target:
                yield f"{tree.this.this.name} has no column {column.name}"


def made_by(scenario):
    """Tables and columns of the operator's own, which the scenario itself makes."""
    text = "\n".join(file.read_text("utf-8") for file in scenario.directory.rglob("*.*") if file.suffix not in NO_CODE)
    tables = re.findall(r"(?:CREATE TABLE(?: IF NOT EXISTS)?|CREATE VIEW|TO) `?(\w+)`?", text)
    columns = re.findall(r'ADD COLUMN (\w+)|Column\("(\w+)"', text)
    return {*tables, *(name for pair in columns for name in pair if name)}


@pytest.mark.parametrize("scenario", FOUND.values(), ids=lambda s: s.name)
def test_each_statement_names_tables_and_columns_that_are_there(scenario):
    wrong = []
    for statement in statements(scenario):
        if statement.sql.strip().startswith("SET ") or UNPARSED.match(statement.sql.strip()):
            continue
        tree = parsed(statement.sql)
        for schema in schema_for(statement, scenario):
            wrong += [
                f"{one}: {' '.join(statement.sql.split())}"
                for one in problems(tree, statement, schema, made_by(scenario))
            ]
    assert not wrong, "\n".join(dict.fromkeys(wrong))


def test_statements_are_found_in_every_kind_of_scenario():
    counts = {name: sum(1 for _ in statements(scenario)) for name, scenario in FOUND.items()}
    assert counts["nova-null-vcpus"] == 4
    assert counts["agents-fqdn"] >= 4
    assert sum(counts.values()) > 320


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT vcpu FROM instances", "no column vcpu"),
        ("SELECT i.vcpu FROM instances i", "i has no column vcpu"),
        ("DELETE FROM instance WHERE id = 1", "no table instance"),
        ("INSERT INTO instances (uuid, vcpu) VALUES ('a', 1)", "instances has no column vcpu"),
    ],
)
def test_a_statement_with_a_wrong_name_is_caught(sql, says):
    scenario = FOUND["nova-null-vcpus"]
    statement = Statement(sql, "nova", (SEEDED,))
    (schema,) = schema_for(statement, scenario)
    assert any(says in one for one in problems(parsed(sql), statement, schema, set()))


@pytest.mark.parametrize(
    "scenario", [s for s in FOUND.values() if (s.directory / FILE).is_file()], ids=lambda s: s.name
)
def test_each_preflight_names_its_columns(scenario):
    for find in load_toml(scenario.directory / FILE, Declaration).find:
        if find.sql:
            select = parsed(find.sql)
            first = select.this if isinstance(select, exp.Union) else select
            while isinstance(first, exp.Union):
                first = first.this
            assert all(e.alias or isinstance(e, exp.Column) for e in first.expressions), find.sql

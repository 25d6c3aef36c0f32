"""Scenarios in the form of an earlier version: they imported many modules of the package and named a path, not hops.

They are loaded as if they had imported :mod:`osupgrade.scenarios`, with one warning each.
"""

from __future__ import annotations

import ast
import functools
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType

from osupgrade.catalog.releases import plan_named, usual_path
from osupgrade.cloud.cloud import Cloud
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Cure, Evidence, Finding, Severity, Sql
from osupgrade.model.stage import Stage
from osupgrade.model.text import counted
from osupgrade.scenarios.contract import Scenario
from osupgrade.scenarios.findings import finding

PUBLIC = "osupgrade.scenarios"
MODULES = (
    "osupgrade.cloud",
    "osupgrade.errors",
    "osupgrade.model",
    "osupgrade.result",
    "osupgrade.scenario",
    "osupgrade.scenariolib",
)
"""What such scenarios imported of the package, besides modules of one service (``service()`` reaches those)."""
OWN = frozenset({"rows_finding"})
"""The names that this module keeps for them."""


@functools.lru_cache(maxsize=512)
def code_of(file: Path, source: bytes, public: Sequence[str]) -> tuple[CodeType, str | None]:
    """The code of a scenario.py. Where it is a former one, its imports are those of the present form, and the second
    value is the path that it names ("" for the usual one); None where it is of the present form.

    One that imports anything else of the package is left as it is. ``public`` are the names that scenarios may import.
    Raises what Python raises for a ``source`` that it cannot compile.
    """
    tree = ast.parse(source, str(file))
    former = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module in MODULES]
    if not former or not {alias.name for node in former for alias in node.names} <= {*public, *OWN}:
        return compile(tree, str(file), "exec", dont_inherit=True), None
    for node in former:
        own = {alias.name for alias in node.names} <= OWN
        node.module = __name__ if own else PUBLIC
    path = "".join(_paths_taken_out(tree))
    _warn(file, tuple(sorted({alias.name for node in former for alias in node.names})))
    return compile(tree, str(file), "exec", dont_inherit=True), path


def hops_of(scenario: Scenario, path: str) -> tuple[str, ...]:
    """The hops of a path in which a scenario without hops of its own may fail: all those of its services."""
    return plan_named(path or usual_path(), scenario.services).steps


def rows_finding(
    scenario: Scenario,
    cloud: Cloud,
    *,
    place: str,
    columns: str,
    query: str,
    message: str,
    consequence: str,
    cure: str,
    statements: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    at: Stage | None = None,
    severity: Severity = Severity.ERROR,
) -> Iterator[Finding]:
    """At most one finding: the rows of ``query`` in the database of ``place`` are the trap, ``columns`` their names.

    Says nothing when the database or one of the tables in ``needs`` is missing, or when no row is found. ``{n}`` in
    ``message`` is the count of rows. The ``statements`` cure it, in the same database.
    """
    database, _, table = place.partition(".")
    if not cloud.has(database) or not {table, *needs} - {""} <= cloud.tables(database):
        return
    evidence = Evidence.of(tuple(columns.split()), list(cloud.rows(database, query)))
    if evidence.total:
        steps = tuple(Sql(database, statement) for statement in statements)
        yield finding(
            scenario,
            place=place,
            message=counted(evidence.total, message),
            effect=consequence,
            evidence=evidence,
            cure=Cure(cure, steps, at),
            severity=severity,
        )


def _paths_taken_out(tree: ast.AST) -> Iterator[str]:
    """Remove ``path=`` from the statement of the scenario, and yield its value."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Scenario":
            for word in [word for word in node.keywords if word.arg == "path"]:
                if not isinstance(word.value, ast.Constant):
                    raise UsageFault("the path of this scenario is not written as a string; name its hops instead")
                node.keywords.remove(word)
                yield str(word.value.value)


@functools.cache
def _warn(file: Path, names: tuple[str, ...]) -> None:
    logging.getLogger("osupgrade").warning(
        "%s: has the form of an earlier version; write `from osupgrade.scenarios import %s`, and hops=(...) in place "
        "of path (docs/writing-a-trap.md)",
        file,
        ", ".join(name for name in names if name not in OWN) or "rows",
    )

"""Judging a run by those before it. Pure.

Rows, of tables and those that each migration changed, and schemas are exact: others than in the last green run of the
same input are an error. Contents with as many rows only warn: what a cloud's own tools stamp with the time or draw by
chance is known of the releases (``volatile`` in release.toml), not of everything that an operator's cloud may hold;
``rehearse --times`` is strict. Time only warns too, since machines share their cores, and only far beyond what more
than ten runs on such a machine took.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from osupgrade.history.record import Past
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.text import counted

SOURCE = "history"
_T = TypeVar("_T")
ENOUGH = 11
"""Runs before a time is judged: more than ten."""
SPREADS = 6.0
"""How many times the usual spread is beyond what is usual."""
_NORMAL = 1.4826
"""What makes the median absolute deviation of a normal distribution its standard deviation."""
_LEAST_SHARE = 0.1
_LEAST_SECONDS = 0.3
"""No spread counts as narrower than this share of the median and this time: clocks and schedulers are not."""


def limit(seconds: Sequence[float]) -> float | None:
    """The longest time that is still usual: median + 6 spreads (scaled MAD); None with ten runs or fewer."""
    if len(seconds) < ENOUGH:
        return None
    middle = statistics.median(seconds)
    spread = _NORMAL * statistics.median(abs(value - middle) for value in seconds)
    return middle + max(SPREADS * spread, _LEAST_SHARE * middle, _LEAST_SECONDS)


def compare(now: Past, green: Past | None) -> tuple[Finding, ...]:
    """What differs from the last green run of the same input: errors for rows and schema, warnings for contents."""
    if green is None:
        return ()
    rows = _differences(green.rows, now.rows)
    contents = _differences(green.contents, now.contents) if green.contents and now.contents else {}
    schemas = _differences(green.schemas, now.schemas) if green.schemas and now.schemas else {}
    counted = {name.partition("@")[0] for name in rows}
    same_rows = {name: pair for name, pair in contents.items() if name not in counted}
    migrations = _differences(_migrated(green), _migrated(now)) if _migrated(green) and _migrated(now) else {}
    than = f"from the last passing run of the same input ({green.started})"
    found = [
        *_by_database(rows, ("table", "stage"), f"have different row counts {than}", "table"),
        *_by_database(
            same_rows, ("table",), f"have as many rows, but different contents {than}", "table", Severity.WARNING
        ),
        # Counted on the server's side: the same in each of ten runs for every migration of both paths.
        *_by_database(migrations, ("migration",), f"changed a different number of rows {than}", "migration"),
    ]
    found += [
        Finding(SOURCE, Severity.ERROR, database, "schema", f"the schema differs {than}")
        for database in sorted(schemas)
    ]
    return tuple(found)


def slow(now: Past, before: Iterable[Past]) -> tuple[Finding, ...]:
    """The steps and migrations that took longer than is usual on such a machine; ``before`` are its green runs."""
    usual: dict[tuple[str, str], list[float]] = {}
    for past in before:
        for timed in past.steps:
            usual.setdefault((timed.kind, timed.name), []).append(timed.seconds)
    found = []
    for timed in now.steps:
        times = usual.get((timed.kind, timed.name), [])
        most = limit(times)
        if most is not None and timed.seconds > most:
            service = timed.name.split("/")[-1].split(" ")[0]
            middle = statistics.median(times)
            message = (
                f"the {timed.kind} took {timed.seconds:.1f} s; {middle:.1f} s is usual here, and the limit is "
                f"{most:.1f} s, from {counted(len(times), '{n} run[s]')}"
            )
            found.append(Finding(SOURCE, Severity.WARNING, service, timed.name, message))
    return tuple(found)


def _migrated(past: Past) -> Mapping[str, int]:
    return {t.name.replace(" ", ".", 1): t.rows for t in past.steps if t.kind == "migration" and t.rows is not None}


def _differences(then: Mapping[str, _T], now: Mapping[str, _T]) -> dict[str, tuple[_T | None, _T | None]]:
    names = sorted(then.keys() | now.keys())
    return {name: (then.get(name), now.get(name)) for name in names if then.get(name) != now.get(name)}


def _by_database(
    differences: Mapping[str, tuple[object, object]],
    columns: tuple[str, ...],
    says: str,
    what: str,
    severity: Severity = Severity.ERROR,
) -> list[Finding]:
    """One finding a database, each difference a row of its evidence; names are ``database.what`` or ``.what@stage``."""
    rows: dict[str, list[tuple[object, ...]]] = {}
    for name, (then, now) in differences.items():
        database, _, rest = name.partition(".")
        rows.setdefault(database, []).append((*rest.split("@"), then, now))
    return [
        Finding(
            SOURCE,
            severity,
            database,
            f"{what}s",
            f"{_list(dict.fromkeys(str(row[0]) for row in found))} {_singular(says, found)}",
            "The same cloud, code and images gave a different result: something else must have influenced it.",
            Evidence.of((*columns, "then", "now"), found),
        )
        for database, found in rows.items()
    ]


def _list(names: Iterable[str], most: int = 3) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _singular(says: str, rows: Sequence[tuple[object, ...]]) -> str:
    if len({row[0] for row in rows}) == 1:
        return says.replace("have ", "has ", 1)
    return says

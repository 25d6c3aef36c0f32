"""What of the migrations the seeded cloud makes work: ``python -m tools.seed_coverage [--cloud FILE] [--json]``.

The path's tools run on the seeded cloud and are listened to: every table and column that a migration reads, writes,
reshapes or drops is compared with what the cloud had there before. What was empty is listed with the reason, which is
stated in ``NAME/uncovered.toml`` beside the scripts (``make coverage``).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from osupgrade.catalog import content
from osupgrade.catalog.site import Site
from osupgrade.cli.options import DEFAULT_PATH, plan_from
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import Laboratory, open_laboratory, prepare_seeded, restore_lane
from osupgrade.lab.parallel import threads
from osupgrade.model.errors import Exit, Fault
from osupgrade.schema.reading import read_schema
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Table
from osupgrade.seed.description import load_description
from tools.listening import listen

LANE = "coverage"

_STATEMENT = re.compile(r"[\s(]*(SELECT|(?:UPDATE|(?:INSERT|REPLACE)\s+INTO|DELETE\s+FROM)\s+(\w+))\b", re.I)
_TABLES = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)|,\s*(\w+)", re.I)
_QUALIFIED = re.compile(r"(?<![\w.])(\w+)\.(\w+)")


@dataclass(frozen=True, order=True)
class Touch:
    """One revision's way with a column that the seeded schema has; an empty ``column`` is the table as a whole.

    ``how`` is one of reads, writes, reshapes and drops.
    """

    table: str
    column: str
    how: str
    revision: str


@dataclass(frozen=True)
class Content:
    """What a column held at ``seeded``: values that are neither NULL nor empty nor 0, and how many different ones."""

    filled: int
    different: int


@dataclass(frozen=True)
class Place:
    """A touched table (``column`` is empty) or column, and what the cloud has there: rows, or filled values."""

    service: str
    table: str
    column: str
    touches: tuple[Touch, ...]
    held: int
    different: int

    @property
    def name(self) -> str:
        """``table`` or ``table.column``."""
        return f"{self.table}.{self.column}" if self.column else self.table

    @property
    def ways(self) -> str:
        """What happens to it, with the revisions: ``writes 186 203, reshapes 185``."""
        ways: dict[str, list[str]] = defaultdict(list)
        for touch in self.touches:
            if touch.revision not in ways[touch.how]:
                ways[touch.how].append(touch.revision)
        return ", ".join(f"{how} {' '.join(revisions)}" for how, revisions in sorted(ways.items()))


def heard(before: Schema, statements: Iterable[str], revision: str) -> Iterator[Touch]:
    """What a revision's statements read and write of the tables that it found."""
    tables = {table.name: {column.name for column in table.columns} for table in before.tables}
    for raw in statements:
        statement = raw.replace("`", "")
        match = _STATEMENT.match(statement)
        if not match:
            continue
        named = [name for pair in _TABLES.findall(statement) for name in pair if name in tables]
        qualified: dict[str, set[str]] = defaultdict(set)
        for table, column in _QUALIFIED.findall(statement):
            if column in tables.get(table, ()):
                qualified[table].add(column)
        words = set(re.findall(r"\w+", statement))
        for table in dict.fromkeys([*named, *qualified]):
            # INSERT INTO a SELECT ... FROM b writes a alone.
            way = "writes" if table == match[2] else "reads"
            columns = qualified.get(table) or words & tables[table]
            yield Touch(table, "", way, revision)
            if columns != tables[table]:  # otherwise the tool copied the list from the table itself
                yield from (Touch(table, column, way, revision) for column in sorted(columns))


def reshaped(before: Schema, after: Schema, revision: str) -> Iterator[Touch]:
    """What a revision changes of the tables that it found: columns, and those in indexes and keys that come or go."""
    for old in before.tables:
        new = after.table(old.name)
        if new is None:
            yield Touch(old.name, "", "drops", revision)
        elif new != old:
            yield Touch(old.name, "", "reshapes", revision)
            yield from (Touch(old.name, name, how, revision) for name, how in _columns(old, new))


def _columns(old: Table, new: Table) -> Iterator[tuple[str, str]]:
    was, now = ({column.name: column for column in table.columns} for table in (old, new))
    for name, column in was.items():
        if name not in now:
            yield name, "drops"
        elif column != now[name]:
            yield name, "reshapes"
    for index in {*old.indexes} ^ {*new.indexes}:
        yield from ((name, "reshapes") for name in index.columns if name in was)
    for key in {*old.foreign_keys} ^ {*new.foreign_keys}:
        yield from ((name, "reshapes") for name in key.columns if name in was)


def contents(cloud: Cloud, service: str, schema: Schema) -> tuple[Mapping[str, int], Mapping[tuple[str, str], Content]]:
    """Rows by table, and what each column holds."""
    rows, found = {}, {}
    for table in schema.tables:
        asked = ", ".join(
            f"COUNT(DISTINCT NULLIF(NULLIF(CAST(`{c.name}` AS CHAR), ''), '0')), "
            f"COUNT(NULLIF(NULLIF(CAST(`{c.name}` AS CHAR), ''), '0'))"
            for c in table.columns
        )
        (row,) = cloud.rows(service, f"SELECT COUNT(*), {asked} FROM `{table.name}`")
        rows[table.name] = int(row[0])
        for number, column in enumerate(table.columns):
            different, filled = row[1 + 2 * number : 3 + 2 * number]
            found[table.name, column.name] = Content(int(filled), int(different))
    return rows, found


def places(
    service: str,
    schema: Schema,
    touches: Iterable[Touch],
    rows: Mapping[str, int],
    held: Mapping[tuple[str, str], Content],
) -> Iterator[Place]:
    """Every touched table and column that the seeded schema has, in the order of their names."""
    by_place: dict[tuple[str, str], list[Touch]] = defaultdict(list)
    for touch in touches:
        by_place[touch.table, touch.column].append(touch)
    version_tables = ("migrate_version", "alembic_version")
    for (table, column), found in sorted(by_place.items()):
        if table not in schema.names or table in version_tables:
            continue
        if not column:
            yield Place(service, table, "", tuple(found), rows[table], rows[table])
        elif content := held.get((table, column)):
            yield Place(service, table, column, tuple(found), content.filled, content.different)


def measure(laboratory: Laboratory, names: Mapping[str, str], scratch: Path) -> tuple[Place, ...]:
    """Take the shelved cloud along the path and say what its migrations touched; raises LabFault when one fails."""
    databases = restore_lane(laboratory, names, LANE)
    cloud = laboratory.cloud(Site(), LANE, databases, scratch)
    releases = laboratory.plan.releases[1:]

    def one(service: str) -> tuple[Place, ...]:
        seeded = before = read_schema(cloud.server, databases[service])
        rows, held = contents(cloud, service, seeded)
        touches: list[Touch] = []
        calls = [(release.name, call, "") for release in releases for call in release.services[service].upgrade]
        finish = laboratory.plan.finish
        if finish and finish.service == service:
            calls.append((finish.release, finish.command, finish.name))
        for release, call, move in calls:
            revisions, rest = listen(cloud, release, service, call)
            steps = [(step.revision, step.statements, step.schema) for step in revisions]
            if move:  # what the call does beside its revisions
                steps.append((move, rest, read_schema(cloud.server, databases[service])))
            for revision, statements, after in steps:
                touches += heard(before, statements, revision)
                touches += reshaped(before, after, revision)
                before = after
        return tuple(places(service, seeded, touches, rows, held))

    try:
        with threads(len(laboratory.plan.services)) as pool:
            return tuple(place for found in pool.map(one, laboratory.plan.services) for place in found)
    finally:
        for name in databases.values():
            laboratory.server.drop(name)


def reasons(seeder: str) -> Mapping[str, Mapping[str, str]]:
    """Service -> pattern of a table or ``table.column`` -> why the cloud holds nothing there."""
    data: Mapping[str, Mapping[str, str]] = tomllib.loads(
        (content.images() / seeder / "seed" / "uncovered.toml").read_text("utf-8")
    )
    return data


def reason(known: Mapping[str, str], place: Place) -> str:
    """Why the cloud holds nothing at a place; empty when none is stated. A table's reason is its columns' too."""
    for pattern, why in known.items():
        if fnmatchcase(place.name, pattern) or ("." not in pattern and fnmatchcase(place.table, pattern)):
            return why
    return ""


def uncovered(found: Sequence[Place]) -> tuple[Place, ...]:
    """The touched places at which the cloud has nothing; of an empty table only the table itself."""
    empty = {(p.service, p.table) for p in found if not p.column and not p.held}
    return tuple(p for p in found if not p.held and (not p.column or (p.service, p.table) not in empty))


def lines(found: Sequence[Place], known: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """The report for people: table by table, then what is not covered and why, then the sums."""
    bare = uncovered(found)
    for service in dict.fromkeys(place.service for place in found):
        yield service
        for place in (p for p in found if p.service == service and not p.column):
            columns = [p for p in found if (p.service, p.table) == (service, place.table) and p.column]
            filled = [p for p in columns if p.held]
            yield f"  {place.table}: {place.held} rows; {place.ways}"
            if place.held and columns:
                yield f"      {len(filled)} of {len(columns)} touched columns are filled: " + ", ".join(
                    f"{p.column} ({p.different})" for p in filled
                )
    yield ""
    yield "not covered:"
    for place in bare:
        why = reason(known.get(place.service, {}), place) or "NO REASON KNOWN"
        yield f"  {place.service}.{place.name} ({place.ways}): {why}"
    yield ""
    for what, some in (("tables", [p for p in found if not p.column]), ("columns", [p for p in found if p.column])):
        covered = sum(bool(p.held) for p in some)
        written = [p for p in some if any(touch.how == "writes" for touch in p.touches)]
        yield (
            f"{covered} of {len(some)} touched {what} hold something; of the {len(written)} that a migration writes, "
            f"{sum(bool(p.held) for p in written)}"
        )


def main() -> int:
    """Print the report; the exit status is 1 when a place is empty without a stated reason."""
    parser = argparse.ArgumentParser(prog="python -m tools.seed_coverage", description=__doc__)
    parser.add_argument("--cloud", type=Path, help="another cloud.toml than the default")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    plan = plan_from(DEFAULT_PATH)
    known = reasons(plan.first.seed)

    def say(text: str) -> None:
        print(text, file=sys.stderr)

    try:
        description = load_description(options.cloud)
        with tempfile.TemporaryDirectory(prefix="osupgrade-coverage-") as scratch, open_laboratory(plan, say) as opened:
            _digest, names = prepare_seeded(opened, description, Path(scratch), say)
            found = measure(opened, names, Path(scratch))
    except Fault as fault:
        print(f"{fault.message}\n{fault.evidence}\n{fault.hint}".strip(), file=sys.stderr)
        return int(fault.status)
    if options.json:
        print(json.dumps([dataclasses.asdict(place) for place in found], indent=1))
    else:
        print("\n".join(lines(found, known)))
    unexplained = [place for place in uncovered(found) if not reason(known.get(place.service, {}), place)]
    return int(Exit.DID_NOT if unexplained else Exit.CAME_THROUGH)


if __name__ == "__main__":
    sys.exit(main())

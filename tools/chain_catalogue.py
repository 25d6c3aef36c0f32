"""Making the catalogue of a route whose services come from packages: ``tools.build_catalogue --path ROUTE``.

Empty databases are taken along the route by each release's own calls. After every revision :mod:`tools.listening`
keeps the schema; a release's head is read when its tool is done.
"""

from __future__ import annotations

import functools
import itertools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.catalog.revisions import graph
from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import Laboratory, make_schemas, open_laboratory
from osupgrade.cloud.steps import run_hop
from osupgrade.lab.parallel import threads
from osupgrade.model.errors import LabFault
from osupgrade.model.plan import find_path, make_plan
from osupgrade.model.release import Database, Release
from osupgrade.schema.catalogue import DIRECTORY, Lineage, Revision, dump, revision_name
from osupgrade.schema.reading import read_schema
from osupgrade.schema.uses import find_uses
from tools import listening
from tools.listening import Heard

Lines = Mapping[str, Sequence[Revision]]
"""Revisions by database, in the order in which they ran."""


def trace_route(laboratory: Laboratory, path: str) -> Mapping[str, Lineage]:
    """Take empty databases along a route of packaged releases; each database's schema at every revision.

    Raises LabFault where a hop fails, or does not end at its release's head.
    """
    plan = laboratory.plan
    names = {d.name: d.name for release in plan.releases for d in _databases(release)}
    first = {d.name: d.name for d in _databases(plan.first)}
    cloud = laboratory.cloud(Site(), "catalogue", names)
    walked: list[Lines] = []
    with tempfile.TemporaryDirectory() as scratch:
        make_schemas(laboratory, laboratory.cloud(Site(), "catalogue", first), plan.first, Path(scratch))
    for name in names.keys() - first.keys():
        laboratory.server.create(name)
    walked.append({name: (head,) for name, head in heads(cloud, plan.first).items()})
    for before, release in itertools.pairwise(plan.releases):
        last = {name: revisions[-1] for lines in walked for name, revisions in lines.items()}
        hop = functools.partial(_hop, cloud, before, release, last=last)
        # A service that comes to a database of its own takes it over from another's, which must not change under it.
        there = [service for service in plan.services if service in before.services]
        coming = [service for service in plan.services if service in release.services and service not in there]
        found: dict[str, list[Revision]] = {}
        with threads(len(there)) as pool:
            for revisions in (*map(hop, coming), *pool.map(hop, there)):
                found |= revisions
        for name, head in heads(cloud, release).items():
            found[name] = _ended(found.get(name, []), head)
        walked.append(found)
    return lines_from(path, plan.releases, walked)


def _hop(
    cloud: Cloud, before: Release, release: Release, service: str, last: Mapping[str, Revision]
) -> dict[str, list[Revision]]:
    """Run one service's hop with the hook; its databases' revisions up to where each one's tool ended."""
    assert cloud.workshop is not None
    container = cloud.workshop.release(release.name).container
    first = f"/lab/catalogue/{release.name}-{service}"
    listening.prepare(container, first)
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "tool.log"
        result = run_hop(cloud, release, service, log, Path(scratch) / "config", source=before, first=first)
        if result.problems:
            evidence = log.read_text("utf-8", "replace")[-4000:]
            raise LabFault(f"{result.step} failed: {'; '.join(result.problems)}", evidence=evidence)
    heard = listening.heard(container, first)
    parts = release.services[service].databases
    return {part.name: list(_revisions(part, release.name, heard, last.get(part.name))) for part in parts}


def _revisions(part: Database, release: str, heard: Sequence[Heard], last: Revision | None) -> Iterator[Revision]:
    """A database's revisions, each by what the version table holds after it.

    Where several repositories of numbered revisions count in one table, only their common end has a name.
    """
    before = last.schema if last else None
    mine = [one for one in heard if one.database == part.name]
    held = set(last.name.split("+")) if last else set()
    statements: list[str] = []
    for one in mine:
        statements += one.statements
        if part.repositories:
            continue
        held = _heads(part.name, held, one.revision)
        schema = one.schema
        yield Revision(revision_name(tuple(held)), release, schema, find_uses(statements, before) if before else {})
        before, statements = schema, []
    if part.repositories and statements and before:
        yield Revision("", release, before, find_uses(statements, before))


def _heads(database: str, held: set[str], revision: str) -> set[str]:
    """What the version table holds after a revision: it takes the place of those that it follows.

    A number counts on from any other, unless alembic has a revision of that name.
    """
    known = graph(database).follows
    if revision not in known:
        return {revision}
    return {name for name in held if name in known and name not in known[revision]} | {revision}


def _ended(revisions: Sequence[Revision], head: Revision) -> list[Revision]:
    """The revisions of a hop, the last one with the schema that was read when its tool was done.

    Where what was heard does not end at the head, only the head is kept, and the builder says so.
    """
    if not revisions:
        return [head]
    last = revisions[-1]
    if last.name not in ("", head.name):
        print(f"{head.release}: {last.name} was heard last, and the database is at {head.name}", flush=True)
        return [head]
    return [*revisions[:-1], Revision(head.name, head.release, head.schema, last.uses)]


def heads(cloud: Cloud, release: Release) -> Mapping[str, Revision]:
    """A cloud's databases at a release's head; raises LabFault for one at another revision."""
    found = {}
    for database in _databases(release):
        name = cloud.databases[database.name]
        schema = read_schema(cloud.server, name)
        # Of several repositories, those count that the release has: a row of another may be left behind.
        version = cloud.versions(database.name, database.version_table, database.repositories)
        if sorted(version) != sorted(database.head):
            raise LabFault(f"{release.name}'s {database.name} is at {version}, not at {database.head}")
        found[database.name] = Revision(revision_name(version), release.name, schema)
    return found


def lines_from(path: str, releases: Sequence[Release], walked: Sequence[Lines]) -> Mapping[str, Lineage]:
    """Each database's history out of what was heard, release after release.

    Databases that another one has the schema of, such as the cells' of nova, are left out.
    """
    lines: dict[str, Lineage] = {}
    for database in {d.name: d for release in releases for d in _databases(release)}.values():
        revisions = tuple(revision for each in walked for revision in each.get(database.name, ()))
        schemas = [revision.schema for revision in revisions]
        if all([r.schema for r in other.revisions] != schemas for other in lines.values()):
            lines[database.name] = Lineage(database.name, path, database.version_table, revisions, {})
    return lines


def write_route(path: str) -> int:
    """Write the catalogue of a route of packaged releases and say which files differ from what was there; gives 0."""
    releases = load_releases()
    plan = make_plan(find_path(load_paths(), releases, path), releases)
    directory = DIRECTORY / f"{plan.first.name}-{plan.last.name}"
    with open_laboratory(plan, print) as laboratory:
        lines = trace_route(laboratory, directory.name)
    directory.mkdir(exist_ok=True)
    for name, line in lines.items():
        text = dump(name, line.version_table, [line])
        file = directory / f"{name}.json"
        same = file.is_file() and file.read_text("utf-8") == text
        file.write_text(text, "utf-8")
        count = len({revision.name for revision in line.revisions})
        print(f"{name}: {count} revisions, {len(text) / 1024:.0f} KB, {'as before' if same else 'changed'}", flush=True)
    return 0


def _databases(release: Release) -> list[Database]:
    return [database for part in release.services.values() for database in part.databases]

"""What upstream's schemas say of a database: what its service has there, and what the coming migrations do with it."""

from __future__ import annotations

import graphlib
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from osupgrade.catalog.releases import load_releases
from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Sql
from osupgrade.model.release import VERSION_TABLES
from osupgrade.schema.catalogue import Lineage, Revision, knows, line_of, lineage, revision_name, variant_of, variants
from osupgrade.schema.diff import table_sql
from osupgrade.schema.tables import Table


@dataclass(frozen=True)
class Upstream:
    """The history of a service's schema, and where in it a database is."""

    line: Lineage
    position: int

    @property
    def here(self) -> Revision:
        """The revision at which the database is."""
        return self.line.revisions[self.position]

    def coming(self, releases: Collection[str] = ()) -> Iterator[tuple[Revision, Revision]]:
        """Each coming revision after the one before it; of these releases alone, if some are given."""
        for before, after in itertools.pairwise(self.line.revisions[self.position :]):
            if not releases or after.release in releases:
                yield before, after

    def dropped(self, releases: Collection[str] = ()) -> Mapping[str, str]:
        """Upstream's tables that are to be dropped, each with the revision that does it."""
        return {
            name: after.name
            for before, after in self.coming(releases)
            for name in sorted(before.schema.names - after.schema.names)
        }

    def made(self, releases: Collection[str] = ()) -> Mapping[str, str]:
        """The tables that are to be made, each with the revision that does it."""
        return {
            name: after.name
            for before, after in self.coming(releases)
            for name in sorted(after.schema.names - before.schema.names)
        }

    def added_columns(self, releases: Collection[str] = ()) -> Mapping[tuple[str, str], str]:
        """The columns (table, name) that are to be added to tables, each with the revision that does it."""
        found: dict[tuple[str, str], str] = {}
        for before, after in self.coming(releases):
            for table in after.schema.tables:
                if (old := before.schema.table(table.name)) is not None:
                    known = {column.name for column in old.columns}
                    found |= {(table.name, c.name): after.name for c in table.columns if c.name not in known}
        return found

    def added_indexes(self, releases: Collection[str] = ()) -> Mapping[tuple[str, str], str]:
        """The indexes (table, name) that are to be added to tables, each with the revision that does it."""
        found: dict[tuple[str, str], str] = {}
        for before, after in self.coming(releases):
            for table in after.schema.tables:
                if (old := before.schema.table(table.name)) is not None:
                    known = {index.name for index in old.indexes}
                    found |= {(table.name, i.name): after.name for i in table.indexes if i.name not in known}
        return found

    def parents(self, releases: Collection[str] = ()) -> Mapping[str, str]:
        """The tables to which foreign keys that are to come refer, each with the first revision that brings one."""
        found: dict[str, str] = {}
        for before, after in self.coming(releases):
            known = {(table.name, key) for table in before.schema.tables for key in table.foreign_keys}
            for table in after.schema.tables:
                for key in table.foreign_keys:
                    if (table.name, key) not in known:
                        found.setdefault(key.table, after.name)
        return found


def upstream(cloud: Cloud, service: str) -> Upstream | None:
    """Where a database is in its service's history; None where the catalogue does not know it there.

    A database without a version is where its tables say, if a release's description does.
    """
    if not cloud.has(service) or not knows(service):
        return None
    claim = revision_name(claimed(cloud, service)) or _by_tables(cloud, service)
    usual = variant_of(service, cloud.site)
    for variant in sorted(variants(service), key=lambda name: name != usual):
        line = lineage(service, variant)
        position = line.position(claim)
        if position is not None:
            return Upstream(line, position)
    return None


def claimed(cloud: Cloud, database: str) -> tuple[str, ...]:
    """What a database's version table says, sorted; nothing where it has none."""
    there = cloud.tables(database)
    held = (cloud.versions(database, table) for table in VERSION_TABLES if table in there)
    return next(filter(None, held), ())


def is_before(cloud: Cloud, database: str, revision: str) -> bool:
    """Whether a database is older than a revision; than a release's last one, if it is a release's name.

    One without a version is where its tables say, as for :func:`upstream`; if these are no release's it is not older.
    A number is compared as one; a revision that the catalogue cannot place, or a database at one, counts as older: the
    other conditions must tell.
    """
    claim = claimed(cloud, database)
    if not claim and (placed := _by_tables(cloud, database)):
        claim = (placed,)
    if not claim:
        return False
    if revision.isdigit():
        return all(one.isdigit() and int(one) < int(revision) for one in claim)
    for variant in variants(database) if knows(database) else ():
        line = lineage(database, variant)
        last = line.head(revision).name if line.knows(revision) else revision
        here, there = line.position(revision_name(claim)), line.position(last)
        if here is not None and there is not None:
            return here < there
    return revision not in claim


def make_again(service: str, tables: Iterable[Table], there: Collection[str]) -> tuple[Sql, ...]:
    """The statements that make upstream's tables, empty, those to which others refer first.

    A foreign key onto a table that is neither ``there`` nor made is left out.
    """
    wanted = {table.name: table for table in tables}
    known = {*there, *wanted}
    order = graphlib.TopologicalSorter(
        {name: {k.table for k in t.foreign_keys if k.table in wanted and k.table != name} for name, t in wanted.items()}
    )
    statements = []
    for name in order.static_order():
        keys = tuple(key for key in wanted[name].foreign_keys if key.table in known)
        made = table_sql(replace(wanted[name], foreign_keys=keys))
        statements.append(Sql(service, made.replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1)))
    return tuple(statements)


def _by_tables(cloud: Cloud, service: str) -> str:
    tables = cloud.tables(service)
    for release in load_releases().values():
        part = release.services.get(service)
        if part and part.has_tables and part.has_tables <= tables and not part.lacks_tables & tables:
            line = line_of(service, cloud.site, release.name)
            return line.head(release.name).name if line else ""
    return ""

"""The reference catalogue: the schema of every service, as its own tools make it.

The facts lie in ``catalogue/SERVICE.json``, the first revision in full and every later one as what it changed. They are
made by ``python -m tools.build_catalogue`` from the pinned tools on MySQL 5.6. Of a route whose services come from
packages, ``catalogue/ROUTE/DATABASE.json`` holds the same, made by that program with ``--path``.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from osupgrade.catalog.loading import Strict, load_toml
from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.services import like
from osupgrade.catalog.services import services as content_services
from osupgrade.catalog.site import Site
from osupgrade.model.errors import LabFault, UsageFault
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.table_data import (
    column_data,
    column_from,
    index_data,
    index_from,
    key_data,
    key_from,
    table_data,
    table_from,
)
from osupgrade.schema.tables import Table
from osupgrade.schema.uses import Uses

DIRECTORY = Path(__file__).parent / "catalogue"
FORMAT = 1
_PARTS: Mapping[str, tuple[str, Any, Any]] = {
    "indexes": ("indexes", index_data, index_from),
    "keys": ("foreign_keys", key_data, key_from),
}


@dataclass(frozen=True)
class Revision:
    """One revision of a service: its name in the version table, and the release whose tool brings it first.

    ``schema`` is what it leaves; ``uses`` is what it needs of the schema before it (see :mod:`osupgrade.schema.uses`).
    """

    name: str
    release: str
    schema: Schema
    uses: Uses = field(default_factory=dict)


@dataclass(frozen=True)
class Lineage:
    """All revisions of one service under one set of plugins, in the order in which they are run.

    ``served`` are the tables that the service itself makes when it starts on a release's head, beyond what the tool
    made: their presence says nothing. A move such as ``ml2`` comes last, as a revision of that name.
    """

    service: str
    variant: str
    version_table: str
    revisions: tuple[Revision, ...]
    served: Mapping[str, tuple[Table, ...]]

    def at(self, revision: str) -> Revision:
        """The revision of that name; raises UsageFault when there is none."""
        for known in self.revisions:
            if known.name == revision:
                return known
        raise UsageFault(f"{self.service} has no revision {revision!r} between its first and {self.last}")

    def position(self, revision: str) -> int | None:
        """The position of a revision in the order; None when it is unknown."""
        return next((i for i, known in enumerate(self.revisions) if known.name == revision), None)

    def knows(self, release: str) -> bool:
        """Whether this release's revisions are among these; a service of the same name may have a later history."""
        return any(known.release == release for known in self.revisions)

    def head(self, release: str) -> Revision:
        """The revision that a release's tool ends at; raises UsageFault for a release that is not here."""
        found = [known for known in self.revisions if known.release == release and known.name not in moves()]
        if not found:
            raise UsageFault(f"{self.service} ({self.variant or 'any plugin'}) has no release {release!r} here")
        return found[-1]

    @property
    def last(self) -> str:
        """The last release whose revisions are here."""
        return self.revisions[-1].release

    @property
    def releases(self) -> tuple[str, ...]:
        """The releases whose revisions are here, in their order."""
        return tuple(dict.fromkeys(known.release for known in self.revisions))

    def optional(self, revision: Revision) -> Mapping[str, Table]:
        """Tables that may be there besides a revision's own: what the service makes itself, what a move leaves behind.

        ``migrate_to_ml2 --save-tables`` keeps the old plugin's tables.
        """
        made = [table for tables in self.served.values() for table in tables]
        own = self.served.get(revision.release, ())
        left = self.head(revision.release).schema.tables if revision.name in moves() else ()
        names = revision.schema.names
        return {t.name: t for t in (*made, *own, *left) if t.name not in names}


@functools.cache
def moves() -> frozenset[str]:
    """The finishing moves of any release: they are in a lineage like a revision."""
    return frozenset(finish for release in load_releases().values() for finish in release.finishes)


def services() -> tuple[str, ...]:
    """The services that the catalogue knows."""
    return tuple(sorted({file.stem for file in DIRECTORY.rglob("*.json")}))


class Rules(Strict):
    """What no schema shows of migrations: ``rules.toml``, which says what its parts mean."""

    later: dict[str, tuple[str, ...]]
    ensured: dict[str, tuple[str, ...]]
    looked_for: dict[str, tuple[str, ...]]
    swept: dict[str, dict[str, str]]


@functools.cache
def rules() -> Rules:
    """The rules of the whole catalogue."""
    return load_toml(DIRECTORY / "rules.toml", Rules)


def refuses_not_utf8(service: str, table: str) -> bool:
    """Whether the last tool that counts the service's migrations refuses to begin when this table is not utf8."""
    known = content_services().get(service)
    return known is not None and known.utf8_only and table.lower() not in known.utf8_spared


def later(service: str) -> frozenset[str]:
    """What a version table holds at releases later than any of the catalogue's, where that has a release's name."""
    return frozenset(rules().later.get(service, ()))


def knows(service: str) -> bool:
    """Whether the catalogue has this service's database, or the one that it is like."""
    return like(service) in services()


def covers(service: str, *releases: str) -> bool:
    """Whether the catalogue has this service at all of these releases."""
    if not knows(service):
        return False
    return any(set(releases) <= set(lineage(service, variant).releases) for variant in variants(service))


def variants(service: str) -> tuple[str, ...]:
    """The histories of a service: one unnamed or, for neutron, one a plugin set; and one a path of later releases."""
    return tuple(_read(service)["variants"])


def is_revision(service: str, name: str) -> bool:
    """Whether any of a service's histories has a revision of this name."""
    return any(lineage(service, variant).position(name) is not None for variant in variants(service))


@functools.cache
def lineage(service: str, variant: str = "") -> Lineage:
    """Every revision of a service; raises UsageFault for a service or plugin set that the catalogue lacks."""
    data = _read(service)
    if variant not in data["variants"]:
        known = ", ".join(data["variants"])
        raise UsageFault(f"the catalogue has no {service} with {variant or 'no plugin set'}; known: {known}")
    chosen = data["variants"][variant]
    revisions: list[Revision] = []
    schema = Schema()
    tables: dict[str, Table] = {}
    for step in chosen["revisions"]:
        tables = apply(tables, step.get("tables", {}))
        collation = step.get("collation", schema.collation)
        if step.get("tables") or collation != schema.collation or not revisions:
            schema = Schema(tables=tuple(tables[name] for name in sorted(tables)), collation=collation)
        revisions.append(Revision(step["revision"], step["release"], schema, step.get("uses", {})))
    served = {
        release: tuple(table_from(name, table) for name, table in made.items())
        for release, made in chosen.get("served", {}).items()
    }
    return Lineage(service, variant, chosen["version_table"], tuple(revisions), served)


def variant_of(service: str, site: Site) -> str:
    """The plugin set that a site's facts name."""
    known = content_services().get(service)
    if known is None or known.variant is None:
        return ""
    chosen, plugins = getattr(site, known.variant.option), getattr(site, known.variant.plugins)
    return "+".join([chosen, *sorted(known.variant.adding & set(plugins))])


def line_of(service: str, site: Site, *releases: str) -> Lineage | None:
    """The history that has all these releases: the site's plugin set's, else a later path's; None without any."""
    if not knows(service):
        return None
    usual = variant_of(service, site)
    for variant in sorted(variants(service), key=lambda name: name != usual):
        line = lineage(service, variant)
        if (variant == usual or variant in routes()) and set(releases) <= set(line.releases):
            return line
    return None


def expected_tables(service: str, release: str, site: Site | None = None) -> frozenset[str]:
    """The tables that a release's tool leaves; empty when the catalogue does not know service, release or plugins."""
    line = line_of(service, site or Site(), release)
    return line.head(release).schema.names if line else frozenset()


def revision_name(heads: Sequence[str]) -> str:
    """A revision's name here: what the version table holds, with ``+`` between where it holds several heads."""
    return "+".join(sorted(heads))


def dump(service: str, version_table: str, lineages: Sequence[Lineage]) -> str:
    """A service's file of the catalogue, one revision a line."""
    text = [f'{{"format": {FORMAT}, "service": "{service}", "version_table": "{version_table}", "variants": {{']
    for number, line in enumerate(lineages):
        text.append(f'{json.dumps(line.variant)}: {{"revisions": [')
        steps = []
        before = Schema()
        for known in line.revisions:
            step: dict[str, Any] = {"revision": known.name, "release": known.release}
            if known.schema.collation != before.collation:
                step["collation"] = known.schema.collation
            if known.uses:
                step["uses"] = known.uses
            if changed := delta(_by_name(before), _by_name(known.schema)):
                step["tables"] = changed
            steps.append(json.dumps(step, separators=(",", ":")))
            before = known.schema
        text.append(",\n".join(steps))
        served = {release: {t.name: table_data(t) for t in tables} for release, tables in line.served.items() if tables}
        text.append(f'], "served": {json.dumps(served, separators=(",", ":"))}}}{"," * (number + 1 < len(lineages))}')
    return "\n".join([*text, "}}", ""])


def delta(before: Mapping[str, Table], after: Mapping[str, Table]) -> dict[str, Any]:
    """What turns one set of tables into another, as small JSON data that :func:`apply` takes."""
    changed: dict[str, Any] = {}
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if new is None:
            changed[name] = None
        elif old is None:
            changed[name] = table_data(new)
        elif old != new:
            step = _table_delta(old, new)
            changed[name] = step if _applied(old, step) == new else table_data(new)
    return changed


def apply(tables: Mapping[str, Table], changed: Mapping[str, Any]) -> dict[str, Table]:
    """The tables after a :func:`delta`."""
    result = dict(tables)
    for name, data in changed.items():
        if data is None:
            del result[name]
        elif "step" in data:
            result[name] = _applied(result[name], data["step"])
        else:
            result[name] = table_from(name, data)
    return result


def _by_name(schema: Schema) -> dict[str, Table]:
    return {table.name: table for table in schema.tables}


def _table_delta(old: Table, new: Table) -> dict[str, Any]:
    step: dict[str, Any] = {
        name: getattr(new, name)
        for name in ("engine", "collation", "row_format")
        if getattr(new, name) != getattr(old, name)
    }
    before, after = ({c.name: c for c in table.columns} for table in (old, new))
    columns: dict[str, Any] = {name: None for name in before if name not in after}
    columns |= {c.name: column_data(c, new.collation) for c in new.columns if before.get(c.name) != c}
    if columns:
        step["columns"] = columns
    for part, (attribute, encode, _) in _PARTS.items():
        was, now = ({item.name: item for item in getattr(table, attribute)} for table in (old, new))
        items = {name: None for name in was if name not in now}
        items |= {name: encode(item) for name, item in now.items() if was.get(name) != item}
        if items:
            step[part] = items
    return {"step": step}


def _applied(old: Table, step: Mapping[str, Any]) -> Table:
    step = step.get("step", step)
    collation = step.get("collation", old.collation)
    columns = {c.name: c for c in old.columns}
    for name, data in step.get("columns", {}).items():
        if data is None:
            del columns[name]
        else:
            columns[name] = column_from(data, collation)
    parts: dict[str, Any] = {}
    for part, (attribute, _, decode) in _PARTS.items():
        items = {item.name: item for item in getattr(old, attribute)}
        for name, data in step.get(part, {}).items():
            if data is None:
                del items[name]
            else:
                items[name] = decode(data)
        parts[attribute] = tuple(items[name] for name in sorted(items))
    options = {name: step[name] for name in ("engine", "collation", "row_format") if name in step}
    return replace(old, columns=tuple(columns.values()), **parts, **options)


@functools.cache
def _read(service: str) -> Mapping[str, Any]:
    service = like(service)
    found: dict[str, Any] = {}
    for file in (DIRECTORY / f"{service}.json", *(DIRECTORY / path / f"{service}.json" for path in routes())):
        if not file.is_file():
            continue
        data: dict[str, Any] = json.loads(file.read_text("utf-8"))
        if data.get("format") != FORMAT:
            raise LabFault(
                f"{file.name} of the catalogue has a format that this osupgrade does not read", hint="make catalogue"
            )
        found |= {name: {**one, "version_table": data["version_table"]} for name, one in data["variants"].items()}
    if not found:
        raise UsageFault(f"the catalogue does not know {service!r}; it knows {', '.join(services())}")
    return {"variants": found}


@functools.cache
def routes() -> tuple[str, ...]:
    """The routes of packaged releases that have a directory of their own; each is a variant by its name."""
    return tuple(sorted(file.name for file in DIRECTORY.iterdir() if file.is_dir()))

"""Which steps of a plan a cloud has behind it already. Each service may be at another point of the route."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from osupgrade.catalog.revisions import behind, known
from osupgrade.catalog.services import services as known_services
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.steps import versions
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.plan import Chain, Plan
from osupgrade.model.release import Finish, Release
from osupgrade.schema.catalogue import Lineage, knows, line_of, lineage, moves, revision_name, variants

SOURCE = "route"


@dataclass(frozen=True)
class Passed:
    """A step that a cloud has behind it, and how that is known."""

    step: str
    service: str
    release: str
    reason: str
    versions: Mapping[str, tuple[str, ...]]

    @property
    def finding(self) -> Finding:
        """What is reported about it."""
        return Finding(SOURCE, Severity.INFO, self.service, self.step, f"{self.step} is not run: {self.reason}")


def passed_over(cloud: Cloud, plan: Plan) -> tuple[Passed, ...]:
    """The steps that are done already, by what the version tables and the tables of the cloud say together.

    A version that is not one of upstream's, or whose tables are not there, passes nothing over.
    """
    hops = tuple(one for chain in plan.chains for one in _of_chain(cloud, plan, chain))
    return (*hops, *_of_moves(cloud, plan, {one.step: one for one in hops}))


def adapted(cloud: Cloud, plan: Plan, passed: Sequence[Passed]) -> Cloud:
    """The cloud with the site that it has where its last move is done: the tools are configured by what it moved to."""
    done = {one.step for one in passed}
    for move in plan.moves:
        known = known_services().get(move.service)
        if known and known.variant and move.name in done:
            cloud = cloud.with_site(**{known.variant.option: move.name})
    return cloud


def _of_chain(cloud: Cloud, plan: Plan, chain: Chain) -> Iterator[Passed]:
    """From the first hop on, as far as they are done."""
    releases = plan.by_name
    for number, hop in enumerate(chain.hops):
        later = [releases[other.target] for other in chain.hops[number:]]
        part = later[0].services[chain.service]
        if not part.databases or not all(cloud.has(database.name) for database in part.databases):
            return
        stood = versions(cloud, part)
        source = releases[hop.source]
        if any(set(stood.get(d.name, ())) == set(_head(source, chain.service, d.name)) for d in part.databases):
            return  # this is where the hop begins, even if no migration comes with it
        places = [_place(cloud, d.name, stood.get(d.name, ()), chain.service, later) for d in part.databases]
        if not all(places):
            return
        where = ", ".join(f"{d.name} is at {revision_name(stood[d.name])}" for d in part.databases)
        yield Passed(hop.step, chain.service, hop.target, f"{where}, {places[0]}", stood)


def _place(cloud: Cloud, database: str, stood: tuple[str, ...], service: str, later: Sequence[Release]) -> str:
    """In words where a database is that has the first of some releases behind it; empty for one that has not."""
    if not stood:
        return ""
    heads = {release.name: _head(release, service, database) for release in later}
    tables = cloud.tables(database)
    lines = [line for line in _lines(database) if _has(line, stood, tables)]
    for name, head in heads.items():
        if set(stood) == set(head) and (lines or not _known(database, stood)):
            return f"the end of {name}"
    goal = heads[later[0].name]
    for line in lines:
        here, there = line.position(revision_name(stood)), line.position(revision_name(goal))
        if here is not None and there is not None and here > there:
            return f"on the way to {line.revisions[here].release}"
    # Where the catalogue has no schemas to look for, only the order of the revisions says it.
    ahead = any(behind(database, head, stood) for head in heads.values())
    beyond = ahead and not _known(database, stood) and known(database, stood) and behind(database, stood, goal)
    return f"beyond the end of {later[0].name}" if beyond else ""


def _head(release: Release, service: str, database: str) -> tuple[str, ...]:
    part = release.services.get(service)
    return next((d.head for d in part.databases if d.name == database), ()) if part else ()


def _lines(database: str) -> Iterator[Lineage]:
    if knows(database):
        yield from (lineage(database, variant) for variant in variants(database))


def _known(database: str, stood: tuple[str, ...]) -> bool:
    """Whether the catalogue knows the revision at all, so that its tables can be asked about."""
    return any(line.position(revision_name(stood)) is not None for line in _lines(database))


def _has(line: Lineage, stood: tuple[str, ...], tables: frozenset[str]) -> bool:
    """Whether the tables of a revision are there: a version alone may be wrong."""
    here = line.position(revision_name(stood))
    moved = [line.at(name) for name in moves() if line.position(name) is not None]
    return here is not None and any(one.schema.names <= tables for one in (line.revisions[here], *moved))


def _of_moves(cloud: Cloud, plan: Plan, hops: Mapping[str, Passed]) -> Iterator[Passed]:
    releases = plan.by_name
    chains = {chain.service: chain for chain in plan.chains}
    for move in plan.moves:
        if not cloud.has(move.service):
            continue
        steps = chains[move.service].steps
        later = steps[steps.index(move.name) :] if move.name in steps else ()
        beyond = next((hops[step] for step in later if step in hops), None)
        if reason := beyond.reason if beyond else _moved(cloud, move):
            stood = versions(cloud, releases[move.release].services[move.service])
            yield Passed(move.name, move.service, move.release, reason, stood)


def _moved(cloud: Cloud, finish: Finish) -> str:
    """How it is known that a move is done; empty where it is not."""
    known = known_services().get(finish.service)
    if known and known.variant and getattr(cloud.site, known.variant.option) == finish.name:
        return f"the site states that {known.variant.option} is already {finish.name}"
    line = line_of(finish.service, cloud.site, finish.release)
    if line is None or line.position(finish.name) is None:
        return ""
    before, after = line.head(finish.release).schema.names, line.at(finish.name).schema.names
    tables = cloud.tables(finish.service)
    new, old = (after - before) & tables, (before - after) & tables
    if set(finish.tables) & new and not old and before - after:
        return "the tables that it creates exist, and those that it drops do not"
    return ""

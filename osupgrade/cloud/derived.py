"""A cloud of a release that no code seeds: the nearest older one that is seeded, upgraded along the chain."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.gates import Gates
from osupgrade.cloud.laboratory import (
    SEEDED_SHELF,
    Laboratory,
    Say,
    prepare_seeded,
    require_sources,
    restore_lane,
    with_arrivals,
)
from osupgrade.cloud.route import service_steps
from osupgrade.cloud.steps import relocate
from osupgrade.lab.images import ImageStore
from osupgrade.lab.parallel import threads
from osupgrade.lab.snapshots.clouds import CloudCache
from osupgrade.lab.sources import Sources
from osupgrade.model.errors import LabFault
from osupgrade.model.places import cache_directory
from osupgrade.model.plan import Chain, Plan, make_plan, path_along
from osupgrade.model.release import Release
from osupgrade.model.route import choose, seeding_release
from osupgrade.model.stage import SEEDED, Stage
from osupgrade.seed.description import CloudDescription

Treat = Callable[[Cloud, Plan, Stage], Cloud]
"""Mends at a stage what every cloud has by nature; gives back the cloud as it is then."""


@dataclasses.dataclass(frozen=True)
class Treated:
    """How clouds are mended on the way, and what tells one way of doing it from another."""

    treat: Treat
    by: str


def seeded_cloud(
    laboratory: Laboratory, description: CloudDescription, scratch: Path, say: Say, treated: Treated
) -> tuple[str, Mapping[str, str]]:
    """Put a cloud of the plan's first release on the server's shelf; its digest, and database name -> name there.

    One that is taken along the chain is ``treated`` on the way, as an operator would have done.

    Raises UsageFault where no older release is seeded.
    """
    first = laboratory.plan.first
    if first.seed:
        return prepare_seeded(laboratory, description, scratch, say)
    plan = way_to(first)
    cache, digest = CloudCache(cache_directory() / "clouds"), _digest(laboratory, plan, description, treated.by)
    names = {d.name: d.name for part in first.services.values() for d in part.databases}
    if cache.has(digest):
        cache.bring(laboratory.server, digest, SEEDED_SHELF)
        return digest, names
    say(f"taking {plan.first.name}'s seeded cloud to {first.name} (once; it is cached)")
    sources = Sources({r.name: r for r in (*plan.releases, *laboratory.plan.releases)})
    require_sources(sources, plan)
    store = ImageStore(laboratory.lab.client)
    tags = store.ensure(list(plan.by_name), lambda progress: say(str(progress)))
    laboratory.workshop.extend(plan.by_name, sources, tags)
    older = dataclasses.replace(laboratory, plan=plan, images={**laboratory.images, **tags})
    _, shelved = prepare_seeded(older, description, scratch, say)
    databases = with_arrivals(older, restore_lane(older, shelved, ""))
    cloud = older.cloud(Site(), "derived", databases)
    relocate(cloud, plan.first)
    cloud = treated.treat(cloud, plan, SEEDED)
    with threads(len(plan.chains)) as pool:
        gates = Gates(plan)
        list(pool.map(lambda chain: _take(cloud, plan, chain, scratch, say, treated.treat, gates), plan.chains))
    laboratory.server.save(list(names.values()), SEEDED_SHELF)
    cache.keep(laboratory.server, SEEDED_SHELF, digest)
    return digest, names


def way_to(release: Release) -> Plan:
    """The plan that takes the nearest older seeded cloud to a release; raises UsageFault where there is none."""
    releases = load_releases()
    route = choose(releases, seeding_release(releases, release), release)
    return make_plan(path_along(load_paths(), route, releases), releases)


def _take(cloud: Cloud, plan: Plan, chain: Chain, scratch: Path, say: Say, treat: Treat, gates: Gates) -> None:
    try:
        _run(cloud, plan, chain, scratch, say, treat, gates)
    finally:
        gates.close(chain.steps)


def _run(cloud: Cloud, plan: Plan, chain: Chain, scratch: Path, say: Say, treat: Treat, gates: Gates) -> None:
    for step in service_steps(plan, chain):
        if not gates.passes(step.name):
            return
        name = step.name.replace("/", "-")
        log, config = scratch / f"derived-{name}.log", scratch / "config" / f"derived-{name}"
        cloud = treat(cloud, plan, Stage.before(step.name))
        result = step.run(cloud, log, config)
        if result.problems:
            raise LabFault(
                f"the seeded cloud cannot be upgraded to {step.name}: {'; '.join(result.problems)}",
                evidence=log.read_text("utf-8", "replace")[-2000:],
            )
        cloud = treat(cloud, plan, Stage.after(step.name))
        gates.ended(step.name)
        say(f"{step.name} took {result.seconds:.1f} s")


def _digest(laboratory: Laboratory, plan: Plan, description: CloudDescription, treated: str) -> str:
    store = ImageStore(laboratory.lab.client)
    parts: list[object] = [description.digest(), plan.first.seed, laboratory.database, treated]
    for release in plan.releases:
        calls = [
            (p.create, p.upgrade, p.started, p.arrival, sorted(p.config.items())) for p in release.services.values()
        ]
        moves = [move.command for chain in plan.chains for move in chain.moves_at(release.name)]
        parts += [release.name, store.tag(release.name), calls, *moves]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

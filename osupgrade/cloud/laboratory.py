"""Opening the laboratory: everything a rehearsal needs, from the engine to a cloud in the database."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import docker

from osupgrade.catalog.releases import load_paths
from osupgrade.catalog.running import load_running
from osupgrade.catalog.site import Site
from osupgrade.catalog.survey import Survey
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.restored import HowFar, start_restored
from osupgrade.cloud.steps import run_hop
from osupgrade.dump.read import Dump
from osupgrade.dump.restore import Restored
from osupgrade.lab.connect import connect
from osupgrade.lab.database import DatabaseServer, start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore, database_for, nearest
from osupgrade.lab.parallel import threads
from osupgrade.lab.release_container import Workshop
from osupgrade.lab.snapshots.clouds import CloudCache
from osupgrade.lab.sources import Sources
from osupgrade.lab.sql_server import SqlServer
from osupgrade.model.errors import LabFault, MissingFault, UsageFault
from osupgrade.model.places import cache_directory
from osupgrade.model.plan import Plan
from osupgrade.model.release import Release
from osupgrade.model.text import counted
from osupgrade.seed.description import CloudDescription
from osupgrade.seed.seeder import load_seeder, prepare, seed, seed_digest

Say = Callable[[str], None]
SEEDED_SHELF = "seeded"
NEW = "newdb"
"""The name of a new controller's database on the lab's network."""


@dataclass(frozen=True)
class Laboratory:
    """What is up while a rehearsal runs."""

    lab: Lab
    server: DatabaseServer
    workshop: Workshop
    plan: Plan
    images: Mapping[str, str]
    """Image name -> tag."""
    database: str
    """The name of the database image."""
    new: DatabaseServer | None = None
    """The server of a new controller, where the strategy has one; ``server`` is then the old one's."""
    new_database: str = ""
    """The name of its image."""
    others: Mapping[str, DatabaseServer] = field(default_factory=dict)
    """The servers to which the cloud is migrated during the route, by image name."""
    restored: Restored | None = None
    """What of an operator's dumps the server held from its start on; None for one that started empty."""

    def cloud(self, site: Site, lane: str, databases: Mapping[str, str], logs: Path | None = None) -> Cloud:
        """A cloud on this laboratory's server."""
        return Cloud(self.server, databases, site, lane, self.workshop, logs)

    def at(self, server: SqlServer) -> Laboratory:
        """The laboratory with ``server`` as its own: the one on which a cloud is now."""
        name = next((name for name, other in self.others.items() if other is server), "")
        return replace(self, server=self.others[name], database=name) if name else self


@contextlib.contextmanager
def open_laboratory(
    plan: Plan,
    say: Say,
    *,
    database: str = "auto",
    server_version: str = "",
    new: str = "",
    durable: bool = False,
    memory: bool = True,
    options: Callable[[int], Sequence[str]] | None = None,
    dumps: Sequence[Dump] = (),
    survey: Survey | None = None,
    how_far: HowFar | None = None,
) -> Iterator[Laboratory]:
    """Check what is needed, build missing images, start the database and the release containers.

    ``server_version`` is the operator's database server's, which decides where ``database`` is ``auto``.

    With ``dumps`` the server starts with what they hold, from a snapshot where there is room for one; ``survey`` and
    ``how_far`` are those of :func:`~osupgrade.cloud.restored.start_restored`.

    ``new`` names the database image of a new controller, to which a cloud can be moved; none is started without it.

    Raises MissingFault, before anything is started, for a missing engine or missing sources. Leaving removes
    everything, on Ctrl-C and SIGTERM too. ``options`` gives the database server's own, by the engine's memory in bytes.
    """
    client = connect()
    sources = Sources(plan.by_name)
    require_sources(sources, plan)
    chosen = choose_database(client, plan, database, say, server_version)
    moved = choose_database(client, plan, new, say) if new else ""
    later = [move.database for move in plan.servers]
    names = [*plan.by_name, chosen, *([moved] if moved else []), *later]
    running = load_running(plan.last.name)
    if running is not None and running.broker:
        names.append(running.broker)
    tags = ImageStore(client).ensure(names, lambda progress: say(str(progress)))
    with Lab(client) as lab:
        releases = plan.by_name
        workshop = Workshop(lab, releases, sources, tags)
        with threads(1) as pool:
            warming = pool.submit(workshop.warm, list(releases))
            say(f"starting {chosen} and the containers of {', '.join(releases)}")
            more = options(int(client.info().get("MemTotal") or 0)) if options else ()
            restored = None
            if dumps:
                server, restored = start_restored(lab, tags[chosen], dumps, say, how_far, survey=survey, options=more)
            else:
                server = start_database(lab, tags[chosen], durable=durable, memory=memory, options=more)
            other = start_database(lab, tags[moved], durable=durable, memory=memory, name=NEW) if moved else None
            others = {
                name: start_database(lab, tags[name], durable=durable, memory=memory, name=f"{NEW}-{name}")
                for name in later
            }
            warming.result()
        with contextlib.ExitStack() as servers:
            for each in (server, *([other] if other else []), *others.values()):
                servers.enter_context(each)
            yield Laboratory(lab, server, workshop, plan, tags, chosen, other, moved, others, restored)


def require_sources(sources: Sources, plan: Plan) -> None:
    """Raise MissingFault naming the pinned code that is not available locally, and the two ways to get it."""
    missing = sources.missing(plan.services)
    if missing:
        lines = "\n".join(f"{m.service} {m.release} ({m.pin.tag}): {m.problem}" for m in missing)
        mirrors = ", ".join(f"{name}.git" for name in plan.services)
        raise MissingFault(
            f"the pinned service code for {plan.path.name} is not available locally ("
            + counted(len(missing), "{n} commit[s] missing)"),
            hint="run `osupgrade sources fetch` where GitHub or opendev can be reached, or bring a directory of git "
            f"mirrors ({mirrors}) to this machine and run `osupgrade sources import DIR`",
            evidence=lines,
        )


def choose_database(client: docker.DockerClient, plan: Plan, wanted: str, say: Say, server_version: str = "") -> str:
    """The database image to use: the wanted one, or that of the path that is most like the operator's own server.

    ``server_version`` is what that calls itself, as a dump or a survey says it; the path's first one without it.
    """
    name = nearest(plan.path.databases, server_version) if wanted == "auto" else require_database(wanted)
    choice, reason = database_for(str(client.info().get("Architecture", "")), name)
    if reason:
        say(reason)
    return choice


def require_database(name: str) -> str:
    """The name of a database image as it is; raises UsageFault naming those that exist."""
    known = dict.fromkeys(database for path in load_paths().values() for database in path.databases)
    if name not in known:
        raise UsageFault(f"there is no database {name!r}; paths are rehearsed on {', '.join(known)}")
    return name


def make_schemas(laboratory: Laboratory, cloud: Cloud, release: Release, scratch: Path) -> None:
    """Make the first release's schemas on the cloud's empty databases with its own tools, side by side."""
    first = prepare(load_seeder(release.seed), laboratory.workshop.release(release.name)) if release.seed else ""

    def make(service: str) -> None:
        log, config = scratch / f"{service}.log", scratch / "config" / service
        result = run_hop(cloud, release, service, log, config, create=True, first=first)
        if result.problems:
            raise LabFault(
                f"{release.name}'s {service} cannot make its own schema: {'; '.join(result.problems)}",
                evidence=(scratch / f"{service}.log").read_text("utf-8", "replace")[-2000:],
            )

    for name in cloud.databases.values():
        laboratory.server.create(name)
    with threads(len(laboratory.plan.services)) as pool:
        list(pool.map(make, release.services))


def prepare_seeded(
    laboratory: Laboratory, description: CloudDescription, scratch: Path, say: Say
) -> tuple[str, Mapping[str, str]]:
    """Put a seeded cloud on the server's shelf, from the cache, or seeded by the first release's own code.

    It is made as on a site without peculiarities, whatever the current site is: what that has of its own, such as own
    migration scripts, is put into a copy. Returns its digest and logical database name -> name on the shelf.
    """
    release = laboratory.plan.first
    names = {d.name: d.name for part in release.services.values() for d in part.databases}
    pins = "".join(part.pin.commit for part in release.services.values() if part.pin)
    calls = [(part.create, sorted(part.config.items())) for part in release.services.values()]
    digested = seed_digest(load_seeder(release.seed), description)
    made_by = f"{digested} {pins} {calls} {laboratory.images[release.name]} {laboratory.database}"
    digest = hashlib.sha256(made_by.encode()).hexdigest()[:16]
    cache = CloudCache(cache_directory() / "clouds")
    if cache.has(digest):
        cache.bring(laboratory.server, digest, SEEDED_SHELF)
        return digest, names
    say("seeding a cloud with the first release's own code (once; it is cached)")
    cloud = laboratory.cloud(Site(), "seeding", names)
    make_schemas(laboratory, cloud, release, scratch)
    fill(laboratory, cloud, description, say)
    laboratory.server.save(list(names.values()), SEEDED_SHELF)
    cache.keep(laboratory.server, SEEDED_SHELF, digest)
    return digest, names


def fill(laboratory: Laboratory, cloud: Cloud, description: CloudDescription, say: Say) -> None:
    """Seed a cloud whose databases hold the first release's schemas and nothing else; raises as ``seed`` does."""
    release = laboratory.plan.first
    container = laboratory.workshop.release(release.name)
    seed(load_seeder(release.seed), description, container, container.urls(cloud.setting), say)


def restore_lane(laboratory: Laboratory, names: Mapping[str, str], lane: str) -> Mapping[str, str]:
    """A fresh copy of the shelved cloud's databases for one lane; logical name -> database on the server."""
    databases = {logical: f"{lane}_{saved}" if lane else saved for logical, saved in names.items()}
    laboratory.server.load(SEEDED_SHELF, {saved: databases[logical] for logical, saved in names.items()})
    return databases


def with_arrivals(laboratory: Laboratory, databases: Mapping[str, str]) -> Mapping[str, str]:
    """The databases of a cloud, and an empty one for each that its services get on the way."""
    empty = {name: name for name in laboratory.plan.coming if name not in databases}
    for name in empty.values():
        laboratory.server.create(name)
    return {**databases, **empty}

"""Making the reference catalogue from the real tools: ``python -m tools.build_catalogue [SERVICE...]``.

``--path`` makes that of a route whose services come from packages; see :mod:`tools.chain_catalogue`.

Each release's own upgrade call runs once, and :mod:`tools.listening` keeps the schema after every revision.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from osupgrade.catalog.releases import load_paths, load_releases, usual_path
from osupgrade.catalog.site import Site
from osupgrade.cli import guarded
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import open_laboratory
from osupgrade.lab.database import DatabaseServer
from osupgrade.lab.release_container import Workshop
from osupgrade.model.errors import LabFault, MissingFault, UsageFault
from osupgrade.model.plan import Plan, find_path, make_plan
from osupgrade.model.release import Command, Release
from osupgrade.schema.catalogue import DIRECTORY, Lineage, Revision, dump
from osupgrade.schema.reading import read_schema
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Table
from osupgrade.schema.uses import find_uses
from tools.chain_catalogue import write_route
from tools.listening import listen

SERVICES = ("keystone", "glance", "cinder", "nova", "neutron")
VARIANTS: Mapping[str, Site] = {
    f"{plugin}{'+lbaas' if lbaas else ''}": Site(
        plugin=plugin, service_plugins=("router", "lbaas") if lbaas else ("router",)
    )
    for plugin in ("openvswitch", "linuxbridge", "ml2")
    for lbaas in (False, True)
}

_SERVER = """
import gettext, sys
gettext.install('{package}', unicode=1)
from {package}.common import config
from oslo.config import cfg
files = []
for name in ('{package}.conf', 'plugin.ini'):
    files += ['--config-file', etc + '/' + name]
config.parse(files)
for name in [cfg.CONF.core_plugin] + list(cfg.CONF.service_plugins):
    if name:
        __import__(name.rpartition('.')[0])
from {package}.db import api
api.configure_db()
"""


@dataclass(frozen=True)
class Bench:
    """Where the catalogue is made: a MySQL 5.6, and the tools of every release of the path."""

    server: DatabaseServer
    workshop: Workshop
    plan: Plan
    logs: Path
    prefix: str = ""
    """Before the names of the databases, on a server that holds others."""

    def cloud(self, site: Site, lane: str, service: str, database: str) -> Cloud:
        """The cloud that the tools of one lineage see; nothing but ``service`` is in it."""
        return Cloud(self.server, {**{s: s for s in SERVICES}, service: database}, site, lane, self.workshop, self.logs)


def build(bench: Bench, service: str) -> str:
    """A service's file of the catalogue."""
    chosen = VARIANTS if service == "neutron" else {"": Site()}
    table = bench.plan.first.services[service].databases[0].version_table
    return dump(service, table, [trace(bench, service, variant, site, table) for variant, site in chosen.items()])


def trace(bench: Bench, service: str, variant: str, site: Site, version_table: str) -> Lineage:
    """Run a service's whole path on an empty database and keep its schema at every revision."""
    lane = "catalogue-" + re.sub(r"\W", "-", variant or service)
    database = bench.prefix + re.sub(r"\W", "_", f"{service}_{variant}".strip("_"))
    cloud = bench.cloud(site, lane, service, database)
    bench.server.create(database)
    revisions: list[Revision] = []
    served: dict[str, tuple[Table, ...]] = {}
    # Havana's tool leaves ML2 without tables that its server then makes and that Icehouse's migrations want (1146
    # agents), so ML2's lineage is what the last release's tool alone makes.
    for each in bench.plan.releases if site.plugin != "ml2" else (bench.plan.last,):
        release = each.name
        for command in each.services[service].upgrade:
            revisions += walk(cloud, release, service, command)
        head = read_schema(bench.server, database)
        # cinder's tool puts an index right after the last revision has run.
        revisions[-1] = dataclasses.replace(revisions[-1], schema=head)
        if service == "neutron":
            served[release] = serve(bench, cloud, each, head)
    finish = bench.plan.finish
    if service == "neutron" and site.plugin != "ml2" and finish:
        run = cloud.tool(finish.release, service, finish.command)
        if not run.ok:
            raise LabFault(f"{finish.command.name} failed on an empty cloud", evidence=run.output)
        revisions.append(Revision(finish.name, finish.release, read_schema(bench.server, database)))
    if site.plugin == "ml2":
        between = bench.plan.releases[-2].name
        marker = next(i for i, known in enumerate(revisions) if known.name == between)  # a milestone of that name
        revisions = [dataclasses.replace(known, release=between) for known in revisions[: marker + 1]] + (
            revisions[marker + 1 :]
        )
    bench.server.drop(database)
    return Lineage(service, variant, version_table, tuple(revisions), served)


def walk(cloud: Cloud, release: str, service: str, command: Command) -> Iterator[Revision]:
    """Run one of a release's own calls and give the schema after every revision; raises LabFault when it fails."""
    before = read_schema(cloud.server, cloud.databases[service])
    revisions, _ = listen(cloud, release, service, command)
    for heard in revisions:
        yield Revision(heard.revision, release, heard.schema, find_uses(heard.statements, before))
        before = heard.schema


def serve(bench: Bench, cloud: Cloud, release: Release, head: Schema) -> tuple[Table, ...]:
    """The tables that a release's neutron-server adds to its own head when it starts."""
    package = next(iter(release.services["neutron"].config)).partition(".")[0]  # quantum.conf, neutron.conf
    copy = cloud.databases["neutron"] + "_served"
    bench.server.save([cloud.databases["neutron"]], "catalogue")
    bench.server.load("catalogue", {cloud.databases["neutron"]: copy})
    other = bench.cloud(cloud.site, cloud.lane + "-served", "neutron", copy)
    run = other.python(release.name, "neutron", _SERVER.format(package=package))
    if not run.ok:
        raise LabFault(
            f"{release.name}'s {package}-server did not come up on its own head", evidence=run.output[-4000:]
        )
    after = read_schema(bench.server, copy)
    bench.server.drop(copy)
    return tuple(table for table in after.tables if table.name not in head.names)


def main() -> int:
    """Write the files of the chosen services and say how large they are, and which differ from what was there."""
    parser = argparse.ArgumentParser(prog="python -m tools.build_catalogue", description=__doc__)
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=f"of {', '.join(SERVICES)}; none: all")
    parser.add_argument("--path", help="a route whose services come from packages, such as rocky-hibiscus-every")
    options = parser.parse_args()
    if options.path:
        return write_route(options.path)
    chosen = options.services or list(SERVICES)
    if unknown := sorted(set(chosen) - set(SERVICES)):
        raise UsageFault(f"there is no service {unknown[0]}", hint=f"the catalogue knows {', '.join(SERVICES)}")
    releases = load_releases()
    plan = make_plan(find_path(load_paths(), releases, usual_path()), releases)
    with tempfile.TemporaryDirectory() as logs, open_laboratory(plan, print, database="mysql56") as laboratory:
        if laboratory.database != "mysql56":
            raise MissingFault("the catalogue is made on MySQL 5.6", hint="make it on an amd64 machine")
        bench = Bench(laboratory.server, laboratory.workshop, plan, Path(logs))
        for service in chosen:
            started = time.monotonic()
            text = build(bench, service)
            file = DIRECTORY / f"{service}.json"
            same = file.is_file() and file.read_text("utf-8") == text
            file.write_text(text, "utf-8")
            state = "as before" if same else "changed"
            print(f"{service}: {len(text) / 1024:.0f} KB, {state}, {time.monotonic() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))

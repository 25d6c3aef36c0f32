"""Making the reference catalogue from the real tools: ``python -m tools.build_catalogue [SERVICE...]``.

``--path`` makes that of a route whose services come from packages; see :mod:`tools.chain_catalogue`.

Each release's own upgrade call runs once, with the migration library's step hooked: after every revision the hook
sends the queries of :mod:`osupgrade.schema.snapshot` and keeps the rows.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import json
import re
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from osupgrade.catalog.releases import load_paths, load_releases, usual_path
from osupgrade.catalog.site import Site
from osupgrade.cli import guarded
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import open_laboratory
from osupgrade.lab.database import HOST, DatabaseServer
from osupgrade.lab.engine import read_file
from osupgrade.lab.release_container import Workshop, render
from osupgrade.model.errors import LabFault, MissingFault, UsageFault
from osupgrade.model.plan import Plan, find_path, make_plan
from osupgrade.model.release import Command, Release
from osupgrade.schema.catalogue import DIRECTORY, Lineage, Revision, dump
from osupgrade.schema.reading import QUERIES, assemble, read_schema
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Table
from osupgrade.schema.uses import find_uses
from tools.chain_catalogue import write_route

SERVICES = ("keystone", "glance", "cinder", "nova", "neutron")
VARIANTS: Mapping[str, Site] = {
    f"{plugin}{'+lbaas' if lbaas else ''}": Site(
        plugin=plugin, service_plugins=("router", "lbaas") if lbaas else ("router",)
    )
    for plugin in ("openvswitch", "linuxbridge", "ml2")
    for lbaas in (False, True)
}

_HOOK = """
import base64, json, zlib
import MySQLdb
import launch
queries, database, login, words, kept, move = json.loads({arguments!r})
file = open(kept, 'w')
connection = MySQLdb.connect(use_unicode=True, charset='utf8', **dict((str(k), str(v)) for k, v in login.items()))
connection.autocommit(True)
said = []

def hear(conn, cursor, statement, parameters, context, executemany):
    if statement not in said:
        said.append(statement)

import sqlalchemy.engine, sqlalchemy.event
sqlalchemy.event.listen(sqlalchemy.engine.Engine, 'before_cursor_execute', hear)

def keep(revision):
    cursor, found = connection.cursor(), dict()
    for name, sql in queries.items():
        cursor.execute(sql, (database,))
        found[name] = cursor.fetchall()
    found['statements'] = list(said)
    del said[:]
    text = base64.b64encode(zlib.compress(json.dumps(found, default=str).encode('utf-8')))
    file.write('%s %s\\n' % (revision, text))
    file.flush()

def hook_migrate():
    from migrate.versioning import schema
    real = schema.ControlledSchema.runchange
    def runchange(self, ver, change, step):
        real(self, ver, change, step)
        keep(ver + step)
    schema.ControlledSchema.runchange = runchange

def hook_alembic():
    from alembic import migration
    real = migration.MigrationContext._update_current_rev
    def update(self, old, new):
        real(self, old, new)
        keep(new)
    migration.MigrationContext._update_current_rev = update

try:
    import migrate.versioning
except ImportError:
    pass
else:
    hook_migrate()
try:
    import alembic
except ImportError:
    pass
else:
    hook_alembic()
try:
    launch.main([str(word) for word in words])
except SystemExit as end:
    if end.code:
        raise
if move:
    keep(move)
"""

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
    for heard in listen(cloud, release, service, command):
        yield Revision(heard.revision, release, heard.schema, find_uses(heard.statements, before))
        before = heard.schema


@dataclass(frozen=True)
class Heard:
    """One revision as its tool ran it: the statements that it sent, each once, and the schema that it left."""

    revision: str
    statements: tuple[str, ...]
    schema: Schema


def listen(cloud: Cloud, release: str, service: str, command: Command, *, move: str = "") -> Iterator[Heard]:
    """Run one of a release's own calls and give what each revision sent; raises LabFault when it fails.

    ``move`` names what the call does beside its revisions, for a finishing move such as ``ml2``.
    """
    database = cloud.databases[service]
    login = {
        "host": HOST,
        "user": cloud.lab_server.tool.user,
        "passwd": cloud.lab_server.tool.password,
        "db": database,
    }
    context = {
        "db": cloud.setting.urls,
        "site": dataclasses.asdict(cloud.site),
        "etc": f"/lab/{cloud.lane}/{service}",
        "src": f"/src/{service}",
    }
    gettext = ["--gettext", command.gettext] if command.gettext else []
    words = [*gettext, *command.entry.split(), *(text for arg in command.args if (text := render(arg, context)))]
    # A file of its own: what a tool logs would break up the lines on its standard output.
    kept = f"/lab/{cloud.lane}/{service}-{release}.revisions"
    arguments = json.dumps([dict(QUERIES), database, login, words, kept, move])
    run = cloud.python(release, service, _HOOK.format(arguments=arguments))
    if not run.ok:
        raise LabFault(f"{release}'s {service} did not run through", evidence=run.output[-4000:])
    assert cloud.workshop is not None
    content = read_file(cloud.workshop.release(release).container, kept) or b""
    for line in content.decode("ascii").splitlines():
        name, packed = line.split(" ")
        rows = json.loads(zlib.decompress(base64.b64decode(packed)))
        yield Heard(name, tuple(rows["statements"]), assemble(rows, database))


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

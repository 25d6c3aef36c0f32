"""Three ways from Grizzly to Icehouse end alike: hop by hop, revision by revision, and out of a restored snapshot."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from osupgrade.catalog.site import Site
from osupgrade.cloud.laboratory import restore_lane
from osupgrade.cloud.steps import run_hop
from osupgrade.lab.release_container import render
from osupgrade.model.step import Outcome
from osupgrade.schema.catalogue import lineage, variant_of
from osupgrade.schema.reading import read_schema
from osupgrade.seed.datahash import table_hashes

SERVICES = ("keystone", "glance", "cinder", "nova", "neutron")
HOPS = ("havana", "icehouse")
WAYS = ("steps", "restored")

# Columns into which a migration writes the time at which it runs; nothing else may differ.
CLOCK = {
    "cinder": {"quota_classes": {"created_at"}},  # 021
    "nova": {"quota_usages": {"created_at", "updated_at"}},  # 216
}

# Fresh processes, one a revision, as an operator who goes by hand has them; only the imports are done once, before.
STEPPER = """
import __builtin__, os, sys, traceback
import launch
__builtin__.__dict__['_'] = lambda text: text
for name in {modules!r}:
    __import__(name)
for words in {calls!r}:
    child = os.fork()
    if not child:
        status = 1
        try:
            status = launch.main(words)
        except SystemExit as end:
            status = end.code
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(bool(status)))
    if os.waitpid(child, 0)[1]:
        sys.exit('failed: %s' % ' '.join(words))
"""
IMPORTED = {
    "keystone": ("keystone.cli",),
    "glance": ("glance.cmd.manage",),
    "cinder": ("cinder.db.migration",),
    "nova": ("nova.cmd.manage",),
    "neutron": ("neutron.db.migration.cli",),
}


def revisions(service, release):
    """What a release's tool brings after the head of the release before it."""
    line = lineage(service, variant_of(service, Site()))
    names = [known.name for known in line.revisions if known.release == release]
    return [name for name in names if name != "ml2"]


def step(cloud, release, service):
    """A release's own tool, called once for each of its revisions."""
    (command,) = cloud.workshop.releases[release].services[service].upgrade
    usual = command.name.split()
    context = {"etc": f"/lab/{cloud.lane}/{service}"}
    options = [render(arg, context) for arg in command.args[: -len(usual)]]
    verb = usual if service != "neutron" else ["upgrade"]
    calls = [[command.entry, *options, *verb, name] for name in revisions(service, release)]
    code = STEPPER.format(modules=IMPORTED[service], calls=calls).replace("[u'", "['")
    return cloud.python(release, service, code)


@pytest.fixture(scope="module")
def ends(laboratory, tmp_path_factory):
    """Way -> service -> the database at Icehouse."""
    scratch = tmp_path_factory.mktemp("ways")
    server = laboratory.server
    ways = {way: restore_lane(laboratory, {s: s for s in SERVICES}, f"way_{way}") for way in ("hops", "steps")}
    ways["restored"] = {s: f"way_restored_{s}" for s in SERVICES}
    clouds = {way: laboratory.cloud(Site(), f"way-{way}", names, scratch) for way, names in ways.items()}

    def hop(way, release, service):
        source = laboratory.plan.first if release == "havana" else laboratory.plan.releases[1]
        target = next(r for r in laboratory.plan.releases if r.name == release)
        log = scratch / f"{way}-{release}-{service}.log"
        result = run_hop(clouds[way], target, service, log, scratch / f"{way}-{service}", source=source)
        assert result.outcome is Outcome.PASSED, log.read_text()[-3000:]

    def go(service):
        hop("hops", "havana", service)
        shelf = f"way-{service}"
        server.save([ways["hops"][service]], shelf)
        hop("hops", "icehouse", service)
        server.load(shelf, {ways["hops"][service]: ways["restored"][service]})
        hop("restored", "icehouse", service)
        for release in HOPS:
            ran = step(clouds["steps"], release, service)
            assert ran.ok, ran.output[-3000:]

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(go, sorted(SERVICES, key=("nova", "neutron").count, reverse=True)))
    yield ways
    for names in ways.values():
        for name in names.values():
            server.drop(name)


@pytest.mark.parametrize("service", SERVICES)
def test_each_revision_was_a_step_of_its_own(laboratory, service):
    heads = [r.services[service].databases[0].head for r in laboratory.plan.releases[1:]]
    assert [(revisions(service, release)[-1],) for release in HOPS] == heads


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("service", SERVICES)
def test_the_schema_is_the_same(laboratory, ends, service, way):
    expected, schema = (read_schema(laboratory.server, ends[w][service]) for w in ("hops", way))
    assert schema == expected


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("service", SERVICES)
def test_the_data_are_the_same(laboratory, ends, service, way):
    with laboratory.server.engine.connect() as connection:
        expected, found = (
            table_hashes(connection, ends[w][service], without=CLOCK.get(service, {})) for w in ("hops", way)
        )
    assert [table for table in sorted({*found, *expected}) if found.get(table) != expected.get(table)] == []

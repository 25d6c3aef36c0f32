"""Today's releases, from their packages: one whole hop of each service, verdicts from revisions, a trap in both lanes."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

from osupgrade.checks import load_checks
from osupgrade.engine.hops import relocate, run_hop
from osupgrade.laboratory import open_laboratory, prepare_seeded, restore_lane
from osupgrade.lanes import LaneRunner
from osupgrade.model import Outcome, Severity
from osupgrade.plan import find_path, make_plan
from osupgrade.releases import load_paths, load_releases, root
from osupgrade.rundir import RunDirectory
from osupgrade.scenario import load_scenarios
from osupgrade.seed.description import load_description
from osupgrade.site import Site
from osupgrade.verify.verification import verify

PATH = "caracal-gazpacho"


def plan_for(services=()):
    releases = load_releases()
    return make_plan(find_path(load_paths(), releases, PATH), releases, services)


@pytest.fixture(scope="module")
def laboratory(client, tmp_path_factory):
    with open_laboratory(plan_for(), print) as opened:
        yield opened


@pytest.fixture(scope="module")
def shelved(laboratory, tmp_path_factory):
    _, names = prepare_seeded(laboratory, load_description(None), Site(), tmp_path_factory.mktemp("seeding"), print)
    return names


@pytest.fixture
def cloud(laboratory, shelved, request, tmp_path):
    """A copy of the seeded cloud under names of its own."""
    lane = request.node.name.partition("[")[0].replace("_", "")[-20:]  # part of a host's name, too
    databases = restore_lane(laboratory, shelved, lane)
    copied = laboratory.cloud(Site(), lane, databases, tmp_path)
    relocate(copied, laboratory.plan.first)
    yield copied
    for name in databases.values():
        laboratory.server.drop(name)


def hop(cloud, release, service, tmp_path):
    log = tmp_path / f"{release}-{service}.log"
    return run_hop(cloud, load_releases()[release], service, log, tmp_path / release / service)


def test_the_cloud_is_seeded_by_the_first_releases_own_code(cloud):
    assert cloud.value("keystone", "SELECT COUNT(*) FROM user") == 6 + 6
    assert cloud.value("nova", "SELECT COUNT(*) FROM instances WHERE deleted = 0") == 30
    assert cloud.value("neutron", "SELECT COUNT(*) FROM ml2_port_bindings WHERE vif_type = 'ovs'") == 30
    assert (
        cloud.value(
            "nova",
            "SELECT COUNT(*) FROM instances i LEFT JOIN {placement}.consumers c ON c.uuid = i.uuid WHERE c.id IS NULL",
        )
        == 0
    )
    assert (
        cloud.value(
            "nova",
            "SELECT COUNT(*) FROM virtual_interfaces v LEFT JOIN {neutron}.ports p ON p.id = v.uuid WHERE p.id IS NULL",
        )
        == 0
    )
    assert (
        cloud.value(
            "nova",
            "SELECT COUNT(*) FROM block_device_mapping b LEFT JOIN {cinder}.volume_attachment a ON a.id = b.attachment_id WHERE b.volume_id IS NOT NULL AND a.id IS NULL",
        )
        == 0
    )


def test_a_copy_of_the_cells_knows_its_own_databases(cloud):
    urls = dict(cloud.rows("nova_api", "SELECT name, database_connection FROM cell_mappings"))
    assert f"/{cloud.databases['nova_cell0']}?" in urls["cell0"]
    assert f"/{cloud.databases['nova']}?" in urls["cell1"]


def test_a_copy_of_sanitized_cells_can_be_reached_again(laboratory, cloud):
    """Of a cell's addresses a mask leaves nothing that a tool could read."""
    cloud.execute("nova_api", "UPDATE cell_mappings SET name = 'x', transport_url = 'xx', database_connection = 'xx'")
    relocate(cloud, laboratory.plan.first)
    cells = cloud.rows("nova_api", "SELECT transport_url, database_connection FROM cell_mappings ORDER BY id")
    assert [transport for transport, _ in cells] == ["none:///", "fake:///"]
    assert all(url.startswith("mysql") for _, url in cells)


SERVICES = ("keystone", "glance", "cinder", "placement", "nova", "neutron")


def hops(cloud, release, services, tmp_path):
    """One release of the services, whose versions are then that release's."""
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda service: hop(cloud, release, service, tmp_path), services))
    assert {r.service: (r.outcome, r.problems) for r in results} == dict.fromkeys(services, (Outcome.PASSED, ()))
    for result in results:
        for database in load_releases()[release].services[result.service].databases:
            assert result.versions_after[database.name] == database.head


def test_one_whole_hop_of_each_service(laboratory, cloud, tmp_path):
    assert set(SERVICES) == set(laboratory.plan.services)
    unfinished = "SELECT COUNT(*) FROM instances WHERE deleted = 0 AND display_name IS NOT NULL AND compute_id IS NULL"
    cloud.execute("nova", "UPDATE instances SET compute_id = NULL WHERE deleted = 0 ORDER BY id LIMIT 2")
    assert cloud.value("nova", unfinished) == 2
    hops(cloud, "epoxy", SERVICES, tmp_path)
    assert cloud.value("nova", unfinished) == 0  # an online migration that Caracal's operator left undone
    assert cloud.rows("nova", "SELECT DISTINCT version FROM services WHERE `binary` = 'nova-compute'") == [(68,)]
    assert cloud.value("neutron", "SELECT COUNT(*) FROM porttrusted WHERE trusted") == 3


def test_apis_answer_on_what_both_hops_leave(laboratory, cloud, tmp_path):
    asked = ("keystone", "placement", "neutron")
    for release in ("epoxy", "gazpacho"):
        hops(cloud, release, asked, tmp_path)
    found = verify(cloud, laboratory.lab, laboratory.workshop, plan_for(asked), "smoke", tmp_path / "apis", print)
    assert [f"{f.place}: {f.message}" for f in found.findings if f.severity is Severity.ERROR] == []
    assert {(call.service, call.ok) for call in found.calls} == {(service, True) for service in asked}


def test_an_old_tool_on_a_newer_database_does_not_pass(cloud, tmp_path):
    assert hop(cloud, "gazpacho", "keystone", tmp_path).outcome is Outcome.PASSED
    run = cloud.tool("epoxy", "keystone", "db_sync --expand")
    result = hop(cloud, "epoxy", "keystone", tmp_path)
    assert not run.ok
    assert result.outcome is Outcome.FAILED
    assert any("742c857f1dfb" in problem for problem in result.problems)


@pytest.mark.parametrize("lane", ["naive", "cured"])
def test_a_trap_in_both_lanes(laboratory, shelved, tmp_path, lane):
    scenarios = load_scenarios([root() / "scenarios"]).scenarios
    scenario = scenarios["neutron-binding-profile"]
    runner = LaneRunner(
        laboratory=laboratory,
        shelved=shelved,
        known=[s for s in scenarios.values() if s.path == PATH],
        checks=tuple(load_checks().values()),
        site=dataclasses.replace(Site(), **scenario.site),
        run=RunDirectory.make(tmp_path, "slurp"),
        plan_for=lambda s: plan_for(s.services),
    )
    report = runner.lane(scenario, lane)
    assert report.problems == ()

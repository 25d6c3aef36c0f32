"""Today's releases, from their packages: one whole hop of each service, verdicts from revisions, a trap in both lanes."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.catalog.site import Site
from osupgrade.checks import load_checks
from osupgrade.cli import run
from osupgrade.cloud.fingerprint import fingerprint
from osupgrade.cloud.laboratory import fill, make_schemas, open_laboratory, prepare_seeded, restore_lane
from osupgrade.cloud.steps import relocate, run_hop
from osupgrade.dump.write import write_dump
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.errors import Exit
from osupgrade.model.finding import Severity
from osupgrade.model.plan import find_path, make_plan
from osupgrade.model.step import Outcome
from osupgrade.rehearsal.lanes import LaneRunner
from osupgrade.scenarios.loading import load_scenarios
from osupgrade.schema.catalogue import DIRECTORY, lineage
from osupgrade.schema.diff import diff
from osupgrade.seed.description import load_description
from osupgrade.seed.scale import load_scaling, scale
from osupgrade.verify.verification import verify
from tools.chain_catalogue import heads

PATH = "caracal-gazpacho"
KNOWN = "caracal-hibiscus"
"""The catalogue's route that begins with a cloud made by Caracal."""


def plan_for(services=()):
    releases = load_releases()
    return make_plan(find_path(load_paths(), releases, PATH), releases, services)


@pytest.fixture(scope="module")
def laboratory(client, tmp_path_factory):
    with open_laboratory(plan_for(), print) as opened:
        yield opened


@pytest.fixture(scope="module")
def shelved(laboratory, tmp_path_factory):
    _, names = prepare_seeded(laboratory, load_description(None), tmp_path_factory.mktemp("seeding"), print)
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


RELATIONS = {
    "an instance without a consumer": "SELECT i.id FROM {nova}.instances i LEFT JOIN {placement}.consumers c ON c.uuid = i.uuid WHERE c.id IS NULL",
    "an instance that its cell does not know": "SELECT m.id FROM {nova_api}.instance_mappings m LEFT JOIN {nova}.instances i ON i.uuid = m.instance_uuid WHERE i.id IS NULL",
    "an instance on no compute node": "SELECT i.id FROM {nova}.instances i LEFT JOIN {nova}.compute_nodes n ON n.id = i.compute_id WHERE n.id IS NULL",
    "an instance of no project": "SELECT i.id FROM {nova}.instances i LEFT JOIN {keystone}.project p ON p.id = i.project_id WHERE p.id IS NULL",
    "an instance of no image": "SELECT i.id FROM {nova}.instances i LEFT JOIN {glance}.images g ON g.id = i.image_ref WHERE g.id IS NULL",
    "an interface without a port": "SELECT v.id FROM {nova}.virtual_interfaces v LEFT JOIN {neutron}.ports p ON p.id = v.uuid WHERE p.id IS NULL",
    "a disk without an attachment": "SELECT b.id FROM {nova}.block_device_mapping b LEFT JOIN {cinder}.volume_attachment a ON a.id = b.attachment_id WHERE b.volume_id IS NOT NULL AND a.id IS NULL",
    "a volume of no type": "SELECT v.id FROM {cinder}.volumes v LEFT JOIN {cinder}.volume_types t ON t.id = v.volume_type_id WHERE t.id IS NULL",
    "an allocation without a consumer": "SELECT a.id FROM {placement}.allocations a LEFT JOIN {placement}.consumers c ON c.uuid = a.consumer_id WHERE c.id IS NULL",
    "a consumer of no project": "SELECT c.id FROM {placement}.consumers c LEFT JOIN {placement}.projects p ON p.id = c.project_id WHERE p.id IS NULL",
    "a grant of no role": "SELECT a.actor_id FROM {keystone}.assignment a LEFT JOIN {keystone}.role r ON r.id = a.role_id WHERE r.id IS NULL",
    "a grant on no project": "SELECT a.actor_id FROM {keystone}.assignment a LEFT JOIN {keystone}.project p ON p.id = a.target_id WHERE p.id IS NULL",
    "a segment that is not allocated": "SELECT s.id FROM {neutron}.networksegments s LEFT JOIN {neutron}.ml2_vxlan_allocations a ON a.vxlan_vni = s.segmentation_id AND a.allocated WHERE s.network_type = 'vxlan' AND a.vxlan_vni IS NULL",
}


def test_the_cloud_is_seeded_by_the_first_releases_own_code(cloud):
    assert cloud.value("keystone", "SELECT COUNT(*) FROM user") == 6 + 6
    assert cloud.value("nova", "SELECT COUNT(*) FROM instances WHERE deleted = 0") == 30
    assert cloud.value("neutron", "SELECT COUNT(*) FROM ml2_port_bindings WHERE vif_type = 'ovs'") == 30
    assert [says for says, sql in RELATIONS.items() if cloud.rows("nova", sql)] == []


def test_it_is_multiplied_with_all_its_relations(laboratory, cloud):
    scaling = load_scaling(laboratory.plan.first.seed)
    before = cloud.row_counts()
    for database, known in scaling.items():
        tables = {name.partition(".")[2] for name, rows in before.items() if rows and name.startswith(f"{database}.")}
        assert tables - {copied.table for copied in known.copied} - known.shared == set()
    scale(laboratory.server.engine, laboratory.plan.first.seed, cloud.databases, 3)
    after = cloud.row_counts()
    copied = {f"{database}.{c.table}": c for database, known in scaling.items() for c in known.copied}
    grown = {name for name in before if after[name] != before[name]}
    assert grown == {name for name, rows in before.items() if rows and name in copied}
    whole = {name for name, c in copied.items() if not c.owner and not c.only}
    assert {name for name in whole if after[name] != 3 * before[name]} == set()
    assert [says for says, sql in RELATIONS.items() if cloud.rows("nova", sql)] == []
    of = ("networks", "networksegments", "network_segment_ranges", "subnets", "securitygroups", "securitygrouprules")
    of = (*of, "ports", "routers", "floatingips", "securitygroupdefaultrules")
    used = " UNION ALL ".join(f"SELECT standard_attr_id FROM {table}" for table in of)
    strays = f"SELECT resource_type FROM standardattributes WHERE id NOT IN ({used})"
    assert cloud.rows("neutron", strays) == []


def test_a_cloud_that_is_seeded_again_is_the_same(laboratory, shelved, tmp_path):
    """What the tools that make the schemas fill in by themselves (default types, cells, rules) included."""
    names = {lane: {name: f"{lane}_{name}" for name in shelved} for lane in ("first", "again")}
    restore_lane(laboratory, shelved, "first")
    again = laboratory.cloud(Site(), "again", names["again"], tmp_path)
    make_schemas(laboratory, again, laboratory.plan.first, tmp_path)
    fill(laboratory, again, load_description(None), print)
    first, second = (
        fingerprint(laboratory.cloud(Site(), lane, databases), 0, [laboratory.plan.first])
        for lane, databases in names.items()
    )
    assert [name for name, hashed in first.contents.items() if second.contents.get(name) != hashed] == []
    assert second == first
    assert len(first.contents) > 500
    for name in [*names["first"].values(), *names["again"].values()]:
        laboratory.server.drop(name)


def test_a_dump_of_today_is_inspected_on_the_path_that_it_is_on(laboratory, cloud, tmp_path, capsys):
    file = tmp_path / "three.sql"
    given = [cloud.databases[name] for name in ("keystone", "placement", "nova_cell0")]
    write_dump(laboratory.server, given, file)
    assert "INSERT INTO `alembic_version` VALUES\n(" in file.read_text("utf-8")  # as MariaDB 10.11 writes rows
    status = run(["inspect", "--json", str(file)])
    said = capsys.readouterr()
    page = json.loads(said.out)
    assert status == Exit.CAME_THROUGH, said.out + said.err
    assert {(d["service"], d["release"], d["revision"], d["catalogued"]) for d in page["databases"]} == {
        ("keystone", "caracal", "47147121+c88cdce8f248", True),
        ("placement", "caracal", "a082b8bb98d0", True),
        ("nova_cell0", "caracal", "13863f4e1612", True),
    }


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


@pytest.fixture(scope="module")
def upgraded(laboratory, shelved, tmp_path_factory):
    """The seeded cloud after both hops of each service, its heads, and what it held in between."""
    scratch = tmp_path_factory.mktemp("upgraded")
    databases = restore_lane(laboratory, shelved, "upgraded")
    cloud = laboratory.cloud(Site(), "upgraded", databases, scratch)
    relocate(cloud, laboratory.plan.first)
    walked = [heads(cloud, laboratory.plan.first)]
    unfinished = "SELECT COUNT(*) FROM instances WHERE deleted = 0 AND display_name IS NOT NULL AND compute_id IS NULL"
    cloud.execute("nova", "UPDATE instances SET compute_id = NULL WHERE deleted = 0 ORDER BY id LIMIT 2")
    told = {"unfinished before": cloud.value("nova", unfinished)}
    for release in laboratory.plan.releases[1:]:
        hops(cloud, release.name, laboratory.plan.services, scratch)
        walked.append(heads(cloud, release))
        told[f"unfinished at {release.name}"] = cloud.value("nova", unfinished)
        told[f"computes at {release.name}"] = cloud.rows(
            "nova", "SELECT DISTINCT version FROM services WHERE `binary` = 'nova-compute'"
        )
    yield cloud, walked, told
    for name in databases.values():
        laboratory.server.drop(name)


def test_both_hops_of_each_service_and_what_they_do_to_rows(upgraded):
    cloud, _, told = upgraded
    assert set(SERVICES) == set(cloud.workshop.releases["gazpacho"].services)
    assert told == {
        "unfinished before": 2,
        "unfinished at epoxy": 0,  # an online migration that Caracal's operator left undone
        "computes at epoxy": [(68,)],
        "unfinished at gazpacho": 0,
        "computes at gazpacho": [(72,)],
    }
    assert cloud.value("neutron", "SELECT COUNT(*) FROM porttrusted WHERE trusted") == 3


def test_the_catalogue_is_what_the_tools_make(laboratory, upgraded):
    """At each release's head, as ``make catalogue ARGS="--path caracal-hibiscus-every"`` has it from empty databases."""
    _, walked, _ = upgraded
    files = {file.stem: lineage(file.stem, KNOWN) for file in (DIRECTORY / KNOWN).glob("*.json")}
    assert set(files) == {name for name in walked[0] if name != "nova_cell0"}
    for release, made in zip(laboratory.plan.releases, walked, strict=True):
        for name, line in files.items():
            assert line.head(release.name).name == made[name].name
            assert diff(line.head(release.name).schema, made[name].schema) == ()


def test_apis_answer_on_what_both_hops_leave(laboratory, upgraded, tmp_path):
    cloud, _, _ = upgraded
    found = verify(cloud, laboratory.lab, laboratory.workshop, laboratory.plan, "smoke", tmp_path, print)
    assert [f"{f.place}: {f.message}" for f in found.findings if f.severity is Severity.ERROR] == []
    assert {(call.service, call.ok) for call in found.calls} == {(service, True) for service in SERVICES}


def test_an_api_answers_beside_a_keystone_that_is_not_the_clouds_own(laboratory, upgraded, tmp_path):
    """As after the rehearsal of a dump of one service."""
    cloud, _, _ = upgraded
    alone = plan_for(("placement",))
    found = verify(cloud, laboratory.lab, laboratory.workshop, alone, "smoke", tmp_path, print)
    assert [f"{f.place}: {f.message}" for f in found.findings if f.severity is Severity.ERROR] == []
    assert ("placement", "list resource providers", True) in {
        (call.service, call.name, call.ok) for call in found.calls
    }


def test_an_old_tool_on_a_newer_database_does_not_pass(cloud, tmp_path):
    assert hop(cloud, "gazpacho", "keystone", tmp_path).outcome is Outcome.PASSED
    run = cloud.tool("epoxy", "keystone", "db_sync --expand")
    result = hop(cloud, "epoxy", "keystone", tmp_path)
    assert not run.ok
    assert result.outcome is Outcome.FAILED
    assert any("742c857f1dfb" in problem for problem in result.problems)


def test_a_tool_that_skips_a_release_does_not_pass_though_it_exits_0(cloud, tmp_path):
    releases = load_releases()
    log, config = tmp_path / "skip.log", tmp_path / "skip"
    result = run_hop(cloud, releases["gazpacho"], "neutron", log, config, source=releases["epoxy"])
    assert result.exit_status == 0
    assert result.versions_after["neutron"] == releases["gazpacho"].services["neutron"].databases[0].head
    assert result.outcome is Outcome.FAILED
    assert any("0e6eff810791" in problem and "epoxy" in problem for problem in result.problems)


def test_a_database_half_way_between_two_releases_goes_on_from_there(cloud, tmp_path):
    half = cloud.tool("epoxy", "neutron", "upgrade 175fa80908e1")
    assert half.ok, half.output
    log = tmp_path / "epoxy-neutron.log"
    releases = load_releases()
    result = run_hop(cloud, releases["epoxy"], "neutron", log, tmp_path / "epoxy", source=releases["caracal"])
    assert result.versions_before["neutron"] == ("175fa80908e1", "5c85685d616d")
    assert (result.outcome, result.problems) == (Outcome.PASSED, ())


@pytest.mark.parametrize("lane", ["naive", "cured"])
def test_a_trap_in_both_lanes(laboratory, shelved, tmp_path, lane):
    scenarios = load_scenarios([root() / "scenarios"]).scenarios
    scenario = scenarios["neutron-binding-profile"]
    runner = LaneRunner(
        laboratory=laboratory,
        shelved=shelved,
        known=[s for s in scenarios.values() if s.applies(plan_for(s.services))],
        checks=tuple(load_checks().values()),
        site=dataclasses.replace(Site(), **scenario.site),
        run=RunDirectory.make(tmp_path, "slurp"),
        plan_for=lambda s: plan_for(s.services),
    )
    report = runner.lane(scenario, lane)
    assert report.problems == ()

"""The invariants of today's paths are able to fail: each planted damage is told with the row and what changed."""

import pytest

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.catalog.site import Site
from osupgrade.checks import load_checks
from osupgrade.cloud.laboratory import open_laboratory, prepare_seeded, restore_lane
from osupgrade.model.plan import find_path, make_plan
from osupgrade.seed.description import load_description

DAMAGES = [
    ("kept", "keystone", "DELETE FROM assignment ORDER BY actor_id LIMIT 1", "gone"),
    ("kept", "glance", "UPDATE images SET owner = 'nobody' LIMIT 1", "owner"),
    ("kept", "cinder", "DELETE FROM volume_attachment LIMIT 1", "gone"),
    ("kept", "placement", "UPDATE inventories SET total = total + 1 LIMIT 1", "total"),
    ("kept", "nova", "UPDATE instances SET host = 'elsewhere' WHERE deleted = 0 LIMIT 1", "host"),
    ("kept", "nova_api", "UPDATE request_specs SET spec = '{}' LIMIT 1", "spec"),
    ("kept", "nova_cell0", "INSERT INTO services (host, report_count, version) VALUES ('new', 0, 68)", "new"),
    ("kept", "neutron", "DELETE FROM network_segment_ranges LIMIT 1", "gone"),
    ("kept", "neutron", "UPDATE ports SET mac_address = 'fa:16:3e:00:00:00' LIMIT 1", "mac_address"),
    ("kept", "neutron", "DROP TABLE networkrbacs", ""),
    ("trusted", "neutron", "UPDATE ml2_port_bindings SET profile = '{}' WHERE profile LIKE '%trusted%' LIMIT 1", "1"),
]


@pytest.fixture(scope="module")
def laboratory(client):
    releases = load_releases()
    plan = make_plan(find_path(load_paths(), releases, "caracal-gazpacho"), releases)
    with open_laboratory(plan, print) as opened:
        yield opened


@pytest.fixture(scope="module")
def cloud(laboratory, tmp_path_factory):
    _, names = prepare_seeded(laboratory, load_description(None), tmp_path_factory.mktemp("seeding"), print)
    databases = restore_lane(laboratory, names, "kept")
    return laboratory.cloud(Site(), "kept", databases)


@pytest.fixture(scope="module")
def before(cloud):
    """What each invariant noted of the cloud as it was seeded."""
    return {name: load_checks()[name].census(cloud) for name in ("kept", "trusted")}


def told(cloud, before):
    return [f for name, census in before.items() for f in load_checks()[name].compare(cloud, census)]


def test_a_cloud_that_nobody_touched_is_whole(cloud, before):
    assert told(cloud, before) == []


@pytest.mark.parametrize(("name", "database", "statement", "proof"), DAMAGES)
def test_each_damage_is_told_with_its_row(laboratory, cloud, before, name, database, statement, proof):
    cloud.execute(database, statement)
    try:
        findings = told(cloud, before)
    finally:
        laboratory.server.load("seeded", {database: cloud.databases[database]})
    assert [f.source for f in findings] == [name]
    (finding,) = findings
    assert database in finding.place
    assert finding.evidence.total == 1
    assert proof in str(finding.evidence.rows)

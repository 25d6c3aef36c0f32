"""Which steps a cloud has behind it, told by versions and tables together."""

from dataclasses import dataclass, field, replace

import pytest

from osupgrade.catalog.releases import plan_named
from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.passed import adapted, passed_over
from osupgrade.schema.catalogue import lineage


@dataclass(frozen=True)
class Standing(Cloud):
    """A cloud of table names and versions."""

    held: dict = field(default_factory=dict)

    def tables(self, database):
        return self.held[database][0]

    def versions(self, database, table, repositories=()):
        return self.held[database][1]


def cloud(site=None, **held):
    """Databases by service: their tables' names and their versions."""
    return Standing(None, {name: name for name in held}, site or Site(), "main", held=held)


def at(service, revision, variant="", version=None):
    """What a database has at a revision of upstream's."""
    return lineage(service, variant).at(revision).schema.names, (version or revision,)


def steps(on, *services, path="grizzly-icehouse"):
    return [one.step for one in passed_over(on, plan_named(path, services))]


@pytest.mark.parametrize(
    ("revision", "behind"),
    [
        ("22", []),
        ("30", []),
        ("36", ["havana/keystone"]),
        ("40", ["havana/keystone"]),
        ("44", ["havana/keystone", "icehouse/keystone"]),
    ],
)
def test_a_database_passes_over_what_it_has(revision, behind):
    assert steps(cloud(keystone=at("keystone", revision)), "keystone") == behind


def test_each_service_may_be_elsewhere():
    on = cloud(keystone=at("keystone", "44"), nova=at("nova", "161"), glance=at("glance", "29"))
    assert steps(on, "keystone", "nova", "glance") == ["havana/keystone", "icehouse/keystone", "havana/glance"]


def test_a_version_without_its_tables_passes_nothing_over():
    """It was stamped, or a restore lost tables: the tool is to show what comes of it."""
    assert steps(cloud(keystone=(at("keystone", "22")[0], ("44",))), "keystone") == []


@pytest.mark.parametrize("version", ["109", "23000", "a-version-of-nobody", ""])
def test_a_version_that_is_not_upstream_s_passes_nothing_over(version):
    assert steps(cloud(keystone=(at("keystone", "44")[0], (version,))), "keystone") == []


def test_a_database_without_a_version_passes_nothing_over():
    assert steps(cloud(keystone=(at("keystone", "44")[0], ())), "keystone") == []


def test_own_tables_besides_change_nothing():
    tables, version = at("keystone", "44")
    assert len(steps(cloud(keystone=(tables | {"own_billing"}, version)), "keystone")) == 2


@pytest.mark.parametrize(
    ("revision", "behind"),
    [
        ("havana", ["havana/neutron", "ml2"]),
        ("5ac1c354a051", ["havana/neutron", "ml2"]),
        ("icehouse", ["havana/neutron", "icehouse/neutron", "ml2"]),
    ],
)
def test_a_cloud_that_is_on_ml2_is_not_moved_there(revision, behind):
    on = cloud(neutron=at("neutron", revision, "ml2"))
    plan = plan_named("grizzly-icehouse", ["neutron"])
    passed = passed_over(on, plan)
    assert [one.step for one in passed] == behind
    assert adapted(on, plan, passed).site.plugin == "ml2"


@pytest.mark.parametrize("plugin", ["openvswitch", "linuxbridge"])
@pytest.mark.parametrize("revision", ["grizzly", "havana", "icehouse"])
def test_a_cloud_of_an_old_plugin_is_moved(plugin, revision):
    on = cloud(Site(plugin=plugin), neutron=at("neutron", revision, plugin))
    assert "ml2" not in steps(on, "neutron")


def test_a_cloud_that_was_moved_has_the_move_behind_it():
    on = cloud(neutron=at("neutron", "ml2", "openvswitch", version="icehouse"))
    assert steps(on, "neutron") == ["havana/neutron", "icehouse/neutron", "ml2"]


def test_a_move_that_stopped_half_way_is_not_done():
    tables, version = at("neutron", "ml2", "openvswitch", version="icehouse")
    on = cloud(neutron=(tables | {"ovs_network_bindings"}, version))
    assert "ml2" not in steps(on, "neutron")


def test_the_site_may_say_that_it_is_on_ml2():
    on = cloud(Site(plugin="ml2"), neutron=at("neutron", "havana", "ml2"))
    assert "ml2" in steps(on, "neutron")


def test_a_hop_whose_release_has_no_migration_is_run_all_the_same():
    plan = plan_named("caracal-gazpacho")
    heads = {d.name: d.head for service in plan.services for d in plan.first.services[service].databases}
    held = {name: (frozenset(), head) for name, head in heads.items()}
    assert passed_over(cloud(**held), plan) == ()


def test_what_is_said_of_it_names_version_and_release():
    (one, _) = passed_over(cloud(keystone=at("keystone", "44")), plan_named("grizzly-icehouse", ["keystone"]))
    assert one.finding.message == "havana/keystone is not run: keystone is at 44, the end of icehouse"
    assert replace(one, step="x").finding.place == "x"


def test_a_move_between_hops_that_is_done_is_not_done_again():
    on = cloud(neutron=at("neutron", "ml2", "openvswitch", version="icehouse"))
    assert steps(on, "neutron", path="icehouse-kilo") == ["ml2"]
    moved = adapted(
        on, plan_named("icehouse-kilo", ["neutron"]), passed_over(on, plan_named("icehouse-kilo", ["neutron"]))
    )
    assert moved.site.plugin == "ml2"


def test_a_move_between_hops_is_behind_a_database_that_is_beyond_it():
    on = cloud(neutron=(frozenset({"networks", "ports", "networksegments"}), ("kilo",)))
    assert steps(on, "neutron", path="icehouse-liberty") == ["juno/neutron", "kilo/neutron", "ml2"]

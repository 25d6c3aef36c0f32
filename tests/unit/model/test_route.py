"""The planner: which releases a cloud goes through, by what tools take and what data needs."""

import itertools

import pytest

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.model.chain import ordered
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.obstacle import obstacle
from osupgrade.model.plan import find_path, make_plan, path_along
from osupgrade.model.route import (
    KINDS,
    NoRoute,
    alternatives,
    choose,
    seeding_release,
)
from tests.unit.model._releases import MADE

RELEASES = load_releases()
PATHS = load_paths()


def along(source, target, kind="supported", via=(), services=()):
    return choose(RELEASES, RELEASES[source], RELEASES[target], kind, [RELEASES[name] for name in via], services)


def made(source, target, kind="supported", via=(), services=()):
    return choose(MADE, MADE[source], MADE[target], kind, [MADE[name] for name in via], services)


def test_the_supported_route_takes_the_fewest_upgrades_that_upstream_supports():
    assert along("yoga", "epoxy").releases == ("yoga", "zed", "antelope", "caracal", "epoxy")
    assert along("caracal", "gazpacho").releases == ("caracal", "epoxy", "gazpacho")
    assert along("caracal", "dalmatian").releases == ("caracal", "dalmatian")
    assert made("a", "e", services=["one"]).releases == ("a", "c", "e")


def test_every_goes_through_all_releases_between():
    names = [r.name for r in ordered(RELEASES.values())]
    assert list(along("rocky", "hibiscus", "every").releases) == names[names.index("rocky") :]


def test_a_service_begins_where_it_comes_out_of_another_ones_database():
    route = along("rocky", "ussuri", "every")
    assert route.stops["placement"] == ("rocky", "stein", "train", "ussuri")
    assert along("stein", "ussuri", "every").stops["placement"] == ("stein", "train", "ussuri")


def test_a_direct_jump_is_refused_with_the_services_the_reason_and_the_next_stop():
    with pytest.raises(NoRoute, match="from yoga to caracal for keystone") as caught:
        along("yoga", "caracal", "direct")
    assert caught.value.status is Exit.USAGE
    (found,) = caught.value.obstacles
    assert (found.hop.service, found.stops) == ("keystone", ("antelope", "zed"))
    assert "older than zed (2022.2)" in found.reason


@pytest.mark.parametrize(("source", "target"), [("train", "wallaby"), ("wallaby", "antelope"), ("caracal", "gazpacho")])
def test_a_jump_that_every_tool_takes_is_a_route(source, target):
    assert along(source, target, "direct").releases == (source, target)


def test_a_jump_over_a_data_migration_is_refused_with_the_rows_that_need_it():
    with pytest.raises(NoRoute) as caught:
        along("stein", "ussuri", "direct")
    reasons = {one.hop.service: one for one in caught.value.obstacles}
    assert set(reasons) == {"glance", "cinder"}
    assert "volume_type_id is NULL" in reasons["cinder"].reason
    assert reasons["cinder"].stops == ("train",)
    assert reasons["cinder"].instead == "; stop at train first"
    assert "stop at train first" in caught.value.evidence


def test_fewest_stops_where_a_tool_or_data_needs_it_and_each_service_only_for_itself():
    route = made("a", "e", "fewest")
    assert route.releases == ("a", "b", "c", "e")
    assert route.stops == {"one": ("a", "c", "e"), "two": ("a", "b", "e")}
    assert list(route.reasons) == ["b", "c"]
    assert "two: e cannot move two out" in route.reasons["b"][0]
    assert "one: " in route.reasons["c"][0]


def test_fewest_is_never_longer_than_supported_and_every_hop_of_it_is_possible():
    chain = [RELEASES[n] for n in ("rocky", "stein", "train", "wallaby", "yoga", "antelope", "caracal", "hibiscus")]
    for source, target in itertools.combinations(chain, 2):
        fewest = choose(RELEASES, source, target, "fewest")
        assert len(fewest.releases) <= len(choose(RELEASES, source, target).releases)
        for hop in fewest.hops:
            assert obstacle(RELEASES, hop.service, RELEASES[hop.source], RELEASES[hop.target]) is None
        for at in fewest.stops.values():
            assert at[-1] == target.name


def test_every_supported_upgrade_between_two_releases_is_one_the_tools_take():
    for each in RELEASES.values():
        for source in each.upgrades_from:
            assert along(source, each.name, "direct").releases == (source, each.name)


def test_stops_may_be_named_in_order_only():
    assert along("yoga", "epoxy", via=["antelope"]).releases == ("yoga", "antelope", "epoxy")
    with pytest.raises(UsageFault, match="antelope does not come after caracal"):
        along("yoga", "epoxy", via=["caracal", "antelope"])
    with pytest.raises(NoRoute, match="for keystone"):
        along("yoga", "epoxy", via=["caracal"])


def test_there_is_no_way_back_and_no_way_without_a_release_between():
    with pytest.raises(UsageFault, match="does not come after"):
        along("epoxy", "yoga")
    with pytest.raises(UsageFault, match="does not come after"):
        along("epoxy", "epoxy")
    without = {name: release for name, release in RELEASES.items() if name not in ("kilo", "liberty")}
    for kind, found in alternatives(without, RELEASES["icehouse"], RELEASES["rocky"]):
        assert isinstance(found, UsageFault), kind


def test_an_unknown_way_or_service_is_refused():
    with pytest.raises(UsageFault, match="--route must be one of supported, every, fewest, direct"):
        along("yoga", "zed", "quickest")
    with pytest.raises(UsageFault, match="unknown service 'swift'"):
        along("yoga", "zed", services=["swift"])


def test_a_route_narrowed_to_services_is_not_refused_for_the_others():
    assert along("yoga", "caracal", "direct", services=["glance", "nova"]).releases == ("yoga", "caracal")


@pytest.mark.parametrize(
    ("text", "releases"),
    [
        ("yoga-2025.1", ("yoga", "zed", "antelope", "caracal", "epoxy")),
        ("2022.1-2023.1-epoxy", ("yoga", "antelope", "epoxy")),
        ("train-wallaby-direct", ("train", "wallaby")),
        ("caracal-2026.1", ("caracal", "epoxy", "gazpacho")),
    ],
)
def test_a_route_is_named_as_a_path(text, releases):
    assert find_path(PATHS, RELEASES, text).releases == releases


def test_the_name_of_a_route_names_it_again():
    for source, target in itertools.combinations(["rocky", "train", "yoga", "caracal", "hibiscus"], 2):
        for kind in KINDS[:3]:
            route = along(source, target, kind)
            again = find_path(PATHS, RELEASES, route.name)
            assert (again.releases, again.stops) == (
                route.releases,
                {s: at for s, at in route.stops.items() if at != route.releases},
            )


def test_a_route_that_is_a_path_has_what_the_path_has():
    path = path_along(PATHS, along("grizzly", "icehouse"), RELEASES)
    assert path.finish == "ml2"
    assert make_plan(path, RELEASES).steps[-1] == "ml2"


def test_the_plan_of_a_route_has_each_services_own_hops():
    plan = make_plan(path_along(PATHS, along("yoga", "caracal", "fewest"), RELEASES), RELEASES)
    assert "antelope/keystone" in plan.steps
    assert "antelope/nova" not in plan.steps
    assert {step for step in plan.steps if step.startswith("caracal/")} == {f"caracal/{s}" for s in plan.services}


def test_a_cloud_comes_from_the_nearest_older_release_that_is_seeded():
    seeded = {r.name for r in RELEASES.values() if r.seed}
    assert seeding_release(RELEASES, RELEASES["caracal"]).name == "caracal"
    assert seeding_release(RELEASES, RELEASES["hibiscus"]).name == "caracal"
    assert seeding_release(RELEASES, RELEASES["stein"]).name == "rocky"
    assert seeding_release(RELEASES, RELEASES["icehouse"]).name == "grizzly"
    assert {"rocky", "caracal", "grizzly"} <= seeded
    with pytest.raises(UsageFault, match="no cloud can be seeded at a or before it"):
        seeding_release(MADE, MADE["a"])

"""What is in the way of a jump, and where to stop instead."""

import itertools

import pytest

from osupgrade.catalog.releases import load_releases
from osupgrade.model.obstacle import obstacle, obstacle_free
from osupgrade.model.route import NoRoute, choose
from tests.unit.model._releases import MADE


def test_a_data_stop_on_the_way_counts_as_one_at_the_end_does():
    assert "only c fills" in obstacle(MADE, "one", MADE["b"], MADE["e"]).reason
    assert "(on the way, in d)" in obstacle(MADE, "one", MADE["b"], MADE["e"]).reason
    assert obstacle(MADE, "one", MADE["c"], MADE["e"]) is None


def test_where_one_stop_is_not_enough_a_whole_way_is_named():
    releases = load_releases()
    with pytest.raises(NoRoute) as caught:
        choose(releases, releases["rocky"], releases["hibiscus"], "direct")
    found = {one.hop.service: one for one in caught.value.obstacles}
    assert found["keystone"].stops == () and found["keystone"].instead == "; stop at xena, then at antelope first"
    assert found["glance"].way == () and found["glance"].instead == "; stop at train first"
    for one in found.values():
        for way in [(stop,) for stop in one.stops] or [one.way]:
            stops = ["rocky", *way, "hibiscus"]
            for before, after in itertools.pairwise(stops):
                assert obstacle(releases, one.hop.service, releases[before], releases[after]) is None


@pytest.mark.exhaustive
def test_whether_there_is_an_obstacle_is_the_same_with_and_without_its_reason():
    for releases in (MADE, load_releases()):
        for before, after in itertools.permutations(releases.values(), 2):
            for service in after.services:
                free = obstacle_free(releases, service, before, after)
                assert free == (obstacle(releases, service, before, after) is None), (service, before.name, after.name)

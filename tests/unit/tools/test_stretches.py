"""Random stretches of the chain: planned by a seed, and every one of them possible."""

import pytest

from osupgrade.catalog.releases import load_releases
from osupgrade.model.route import stretches
from osupgrade.rehearsal.prepare import load
from tools.stretches import LONGEST, stretch_of

CHAIN = max(stretches(load_releases()), key=len)


def test_equal_seeds_give_equal_stretches_and_others_give_others():
    assert stretch_of(7, CHAIN) == stretch_of(7, CHAIN)
    assert len({stretch_of(seed, CHAIN).path for seed in range(40)}) > 30


@pytest.mark.exhaustive
def test_every_stretch_can_be_planned_and_is_no_longer_than_it_may_be():
    names = [release.name for release in CHAIN]
    for seed in range(20):
        plan = load(stretch_of(seed, CHAIN).request).plan
        assert 0 < names.index(plan.last.name) - names.index(plan.first.name) <= LONGEST


def test_none_goes_beyond_the_last_release_that_is_given():
    names = [release.name for release in CHAIN]
    ends = {stretch_of(seed, CHAIN, "kilo").path.split("-")[1] for seed in range(20)}
    assert max(map(names.index, ends)) == names.index("kilo")

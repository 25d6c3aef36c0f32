"""The shards of a nightly: together they are the whole, apart they share nothing, and none has much more to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osupgrade.model.errors import UsageFault
from osupgrade.nightly.split import CARRIED, CLEAN, SETUP_SECONDS, Shard, Unit, expected, load, split

PLACES = (("grizzly-icehouse", "mysql56"), ("grizzly-icehouse", "mariadb105"), ("caracal-gazpacho", "mariadb1011"))
WHATS = st.one_of(st.sampled_from([CLEAN, CARRIED]), st.integers(0, 60).map(lambda n: f"scenario trap-{n}"))
UNITS = st.lists(
    st.builds(lambda place, what: Unit(*place, what), st.sampled_from(PLACES), WHATS), max_size=120, unique=True
)


@pytest.mark.exhaustive
@given(UNITS, st.integers(1, 12), st.data())
def test_shards_together_are_the_whole_and_apart_share_nothing(units, count, data):
    seconds = {unit: data.draw(st.floats(0.5, 300)) for unit in units}
    shards = split(units, seconds, count)
    assert len(shards) == count
    together = [unit for shard in shards for unit in shard]
    assert sorted(together) == sorted(units)


@pytest.mark.exhaustive
@given(UNITS, st.integers(1, 12), st.randoms())
def test_the_split_depends_on_nothing_but_its_input(units, count, random):
    seconds = expected(units, {})
    again = dict(random.sample(list(seconds.items()), len(seconds)))
    assert split(units, seconds, count) == split(list(units), again, count)


@pytest.mark.exhaustive
@given(UNITS, st.integers(1, 12), st.data())
def test_the_longest_shard_is_no_longer_than_its_share_and_one_unit(units, count, data):
    units = sorted(units)
    seconds = {unit: data.draw(st.floats(0.5, 300)) for unit in units}
    places = {(unit.path, unit.database) for unit in units}
    share = (sum(seconds.values()) + SETUP_SECONDS * (len(places) + count - 1)) / count
    loads = [load(shard, seconds) for shard in split(units, seconds, count)]
    assert max(loads) <= share + max(seconds.values(), default=0.0) + SETUP_SECONDS + 1e-6


@given(UNITS, st.data())
def test_a_sum_is_never_longer_than_itself(units, data):
    """Sums of fractions depend on their order: one shard must hold all there is, whatever the times are."""
    units = sorted(units)
    seconds = {unit: data.draw(st.floats(0.01, 300)) for unit in units}
    assert split(units, seconds, 1) == (tuple(units),)


@given(UNITS, st.integers(1, 12))
def test_each_shard_keeps_the_order_of_the_matrix(units, count):
    for shard in split(units, expected(units, {}), count):
        assert list(shard) == [unit for unit in units if unit in shard]


def matrix(scenarios=50):
    names = [CLEAN, CARRIED, *(f"scenario trap-{n}" for n in range(scenarios))]
    return [Unit(*place, name) for place in PLACES for name in names]


def test_a_matrix_of_known_times_is_split_evenly():
    units = matrix()
    seconds = {unit: 60.0 if not unit.scenario else 4.0 + (n * 7919) % 23 for n, unit in enumerate(units)}
    loads = [load(shard, seconds) for shard in split(units, seconds, 4)]
    assert max(loads) < 1.1 * sum(loads) / 4


def test_scenarios_of_one_laboratory_stay_together_when_that_is_cheaper():
    units = [Unit(*PLACES[0], f"scenario a{n}") for n in range(4)] + [
        Unit(*PLACES[1], f"scenario b{n}") for n in range(4)
    ]
    shards = split(units, dict.fromkeys(units, 5.0), 2)
    assert [{unit.database for unit in shard} for shard in shards] == [{"mysql56"}, {"mariadb105"}]


def test_without_any_history_units_of_a_kind_count_alike():
    units = matrix(4)
    seconds = expected(units, {})
    assert len({seconds[u] for u in units if u.scenario}) == 1
    assert len({seconds[u] for u in units if u.what == CLEAN}) == 1


def test_what_was_never_run_takes_as_long_as_others_of_its_kind():
    units = matrix(3)
    known = {units[2]: 10.0, units[3]: 30.0, units[0]: 77.0}
    seconds = expected(units, known)
    assert seconds[units[2]] == 10.0 and seconds[units[4]] == 20.0
    assert seconds[Unit(*PLACES[1], CLEAN)] == 77.0


@pytest.mark.parametrize("text", ["0/4", "5/4", "4", "a/b", "1/0", "-1/4", "1/4/2", ""])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(UsageFault, match="i/n"):
        Shard.parse(text)


def test_a_shard_and_a_unit_read_what_they_write():
    assert Shard.parse("2/4") == Shard(2, 4) and str(Shard(2, 4)) == "2/4"
    for unit in matrix(1):
        assert Unit.parse(unit.name) == unit
    assert Unit(*PLACES[0], "scenario trap-1").scenario == "trap-1" and Unit(*PLACES[0], CLEAN).scenario == ""

import random

import pytest

from osupgrade.model.fit import Interval, Sample, fit


def grown(function, sizes, noise=0.0, times=1, seed=1):
    chance = random.Random(seed)
    return [Sample(n, function(n) * (1 + chance.uniform(-noise, noise))) for n in sizes for _ in range(times)]


def test_a_line_is_found_and_carried_on():
    growth = fit(grown(lambda n: 0.5 + 0.02 * n, (1, 10, 30)))
    assert not growth.steep
    assert growth.constant == pytest.approx(0.5)
    assert growth.at(100).expected == pytest.approx(2.5)
    assert growth.at(1000).expected == pytest.approx(20.5)


@pytest.mark.parametrize("seed", range(20))
def test_noise_of_ten_percent_stays_within_the_interval(seed):
    growth = fit(grown(lambda n: 0.3 + 0.03 * n, (1, 10, 30), noise=0.1, times=3, seed=seed))
    assert not growth.steep
    found = growth.at(100)
    assert found.expected == pytest.approx(3.3, rel=0.2)
    assert found.low < 3.3 < found.high


def test_nothing_grows_downwards_and_nothing_starts_below_zero():
    assert fit(grown(lambda n: 0.2 - 0.001 * n, (1, 10, 30))).per_unit == 0
    assert fit([Sample(1, 0.001), Sample(10, 0.5), Sample(30, 2.0)]).constant >= 0


@pytest.mark.parametrize("exponent", [1.5, 2.0])
def test_steeper_than_linear_is_seen_and_carried_on_so(exponent):
    growth = fit(grown(lambda n: 0.1 + 0.01 * n**exponent, (1, 3, 10, 30), noise=0.02, times=3))
    assert growth.steep
    assert growth.at(100).expected == pytest.approx(0.1 + 0.01 * 100**exponent, rel=0.15)


@pytest.mark.parametrize("seed", range(20))
def test_a_noisy_line_is_not_called_steep(seed):
    assert not fit(grown(lambda n: 0.05 + 0.05 * n, (1, 10, 30), noise=0.1, times=3, seed=seed)).steep


def test_what_costs_next_to_nothing_is_not_judged():
    assert not fit([Sample(1, 0.001), Sample(10, 0.01), Sample(30, 0.2)]).steep


def test_one_size_tells_a_time_and_no_growth():
    growth = fit([Sample(1, 2.0), Sample(1, 2.2), Sample(1, 9.0)])
    assert (growth.constant, growth.per_unit) == (2.2, 0.0)
    with pytest.raises(ValueError, match="measured"):
        fit([])


def test_the_interval_widens_beyond_what_was_measured():
    growth = fit(grown(lambda n: 1.0 + n, (1, 10)))
    near, far = growth.at(10), growth.at(1000)
    assert far.high / far.expected > near.high / near.expected > 1


def test_intervals_add_up():
    assert Interval(1, 2, 3) + Interval(1, 1, 2) == Interval(2, 3, 5)
    assert Interval(1, 2, 4).times(0.5) == Interval(0.5, 1, 2)

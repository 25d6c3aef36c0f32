"""How a time grows with the size of a cloud: a constant and so much a unit, or steeper than that. Pure.

Sizes are in whatever unit the caller has (the lab's seeded clouds: their scale), times are seconds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

STEEP = 1.4
"""The exponent from which a growth is called steeper than linear. Sorting many rows (n log n) stays below it, and so
does a server that reads a larger table in another way: nova's 186 reads with n^1.36 to scale 30, linear to 1000.
"""
MISFIT = 0.12
"""By how much a line must miss one of the sizes before a curve is looked for: less than that is noise."""
NOTABLE = 0.25
"""Seconds that the largest size must cost before a growth is judged at all: below it, it is noise."""
LEAST_SPREAD = 0.10
"""No interval is narrower than this part of the expected time: so much do two runs differ on an idle machine."""


@dataclass(frozen=True)
class Sample:
    """One measurement."""

    size: float
    seconds: float


@dataclass(frozen=True)
class Interval:
    """An expected time and the two between which it lies, as far as one can know."""

    low: float
    expected: float
    high: float

    def __add__(self, other: Interval) -> Interval:
        """The sum of two; the widths are added, since what makes one slow makes the other slow too."""
        return Interval(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def times(self, factor: float) -> Interval:
        """A multiple of it."""
        return Interval(self.low * factor, self.expected * factor, self.high * factor)


ZERO = Interval(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Growth:
    """``constant + per_unit * size ** exponent`` seconds; the exponent is 1 where the growth is no steeper than linear.

    ``spread`` is the part by which measurements differ from it.
    """

    constant: float
    per_unit: float
    exponent: float
    spread: float
    largest: float
    """The largest size that was measured."""

    @property
    def steep(self) -> bool:
        """Whether it grows steeper than linear."""
        return self.exponent > 1.0

    def at(self, size: float) -> Interval:
        """The time at ``size``; the further beyond what was measured, the wider the interval."""
        expected = self.constant + self.per_unit * size**self.exponent
        beyond = max(0.0, math.log10(size / self.largest)) if size > 0 else 0.0
        spread = max(LEAST_SPREAD, 2 * self.spread) * (1 + beyond)
        return Interval(expected / (1 + spread), expected, expected * (1 + spread))


def fit(samples: Sequence[Sample], *, steepest: float = 3.0) -> Growth:
    """The growth that fits ``samples`` best; raises ValueError without samples. No curve has a greater exponent than
    ``steepest``.

    Noise of times is a part of them, so squares of relative errors are made least. Neither part may be negative: no
    migration takes less than nothing, and none gets faster with rows. Of several measurements of one size the median
    counts, for a busy machine only ever makes some of them slower.
    """
    points = _medians(samples)
    if not points:
        raise ValueError("nothing was measured")
    constant, per_unit = _line(points)
    missed = max(abs((constant + per_unit * point.size) / point.seconds - 1) for point in points)
    power = 1.0
    if steepest > STEEP and missed > MISFIT and _exponent(points) > STEEP:
        constant, per_unit, power = _power(points, steepest)
    spread = _spread(samples, constant, per_unit, power)
    return Growth(constant, per_unit, power, spread, points[-1].size)


def exponent(sizes: tuple[float, float, float], values: tuple[float, float, float]) -> float:
    """The exponent of ``a + b * size ** exponent`` through three points whose values rise; between 0.1 and 4."""
    ratio = (values[2] - values[0]) / (values[1] - values[0])
    low, high = 0.1, 4.0
    for _ in range(40):
        middle = (low + high) / 2
        first, second, third = (size**middle for size in sizes)
        if (third - first) / (second - first) < ratio:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _medians(samples: Sequence[Sample]) -> list[Sample]:
    by_size: dict[float, list[float]] = {}
    for sample in samples:
        by_size.setdefault(sample.size, []).append(max(sample.seconds, 1e-6))
    return [Sample(size, statistics.median(times)) for size, times in sorted(by_size.items())]


def _line(points: Sequence[Sample]) -> tuple[float, float]:
    """Weighted least squares of ``constant + per_unit * size``, both at least 0."""
    return _solve([point.size for point in points], [point.seconds for point in points])


def _solve(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    if len(xs) == 1:
        return ys[0], 0.0
    weights = [1.0 / y**2 for y in ys]
    total = sum(weights)
    mean_x = sum(w * x for w, x in zip(weights, xs, strict=True)) / total
    mean_y = sum(w * y for w, y in zip(weights, ys, strict=True)) / total
    across = sum(w * (x - mean_x) * (y - mean_y) for w, x, y in zip(weights, xs, ys, strict=True))
    along = sum(w * (x - mean_x) ** 2 for w, x in zip(weights, xs, strict=True))
    slope = across / along
    if slope <= 0:
        return mean_y, 0.0
    constant = mean_y - slope * mean_x
    if constant < 0:
        squares = sum(w * x * x for w, x in zip(weights, xs, strict=True))
        return 0.0, sum(w * x * y for w, x, y in zip(weights, xs, ys, strict=True)) / squares
    return constant, slope


def _exponent(points: Sequence[Sample]) -> float:
    """How steep it is between the two largest sizes, once the constant part is taken off; 1 where that says nothing.

    The smallest size is used as the constant part, which can only make a growth look flatter than it is.
    """
    if len(points) < 3 or points[-1].seconds < NOTABLE:
        return 1.0
    first, last, most = points[0], points[-2], points[-1]
    low, high = last.seconds - first.seconds, most.seconds - first.seconds
    # What a middle size adds to the constant must exceed its noise, or the slope is chance.
    if low < 0.2 * first.seconds or low <= 0.01 or high <= low:
        return 1.0
    return exponent((first.size, last.size, most.size), (first.seconds, last.seconds, most.seconds))


def _power(points: Sequence[Sample], steepest: float) -> tuple[float, float, float]:
    """The best ``constant + per_unit * size ** exponent`` over exponents from 1 to ``steepest``."""
    best = (math.inf, 0.0, 0.0, 1.0)
    for hundredths in range(100, round(100 * steepest) + 1, 5):
        power = hundredths / 100
        constant, per_unit = _solve([p.size**power for p in points], [p.seconds for p in points])
        error = sum(((constant + per_unit * p.size**power) / p.seconds - 1) ** 2 for p in points)
        best = min(best, (error, constant, per_unit, power))
    return best[1:]


def _spread(samples: Sequence[Sample], constant: float, per_unit: float, power: float) -> float:
    errors = [
        (constant + per_unit * sample.size**power) / sample.seconds - 1 for sample in samples if sample.seconds > 0
    ]
    return math.sqrt(sum(error**2 for error in errors) / len(errors)) if errors else 0.0

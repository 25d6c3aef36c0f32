"""What a nightly consists of, and who runs what of it. Pure: the same matrix and times give the same shards."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from osupgrade.model.errors import UsageFault

SETUP_SECONDS = 30.0
"""Opening a laboratory for a path on a database, which the first of its scenarios in a shard pays for."""
CLEAN = "clean"
CARRIED = "carried"
AGAIN = "again"
NEW_CONTROLLER = "new-controller"
WHOLE = (CLEAN, CARRIED, NEW_CONTROLLER, AGAIN)
"""Whole rehearsals: of a clean cloud, with the traps that the path's cloud carries, of a cloud that is moved from the
path's first database server to this one, and ten times over."""
_USUAL = {CLEAN: 90.0, CARRIED: 90.0, NEW_CONTROLLER: 60.0, AGAIN: 150.0}
_USUAL_SCENARIO = 15.0
_SHARD = re.compile(r"([1-9]\d*)/([1-9]\d*)\Z")


@dataclass(frozen=True, order=True)
class Unit:
    """The least that is run on its own: one scenario in both lanes, or one whole rehearsal, on one database.

    ``what`` is one of ``WHOLE``, or ``scenario NAME``.
    """

    path: str
    database: str
    what: str

    @property
    def scenario(self) -> str:
        """The scenario's name; '' for a whole rehearsal."""
        return self.what.partition(" ")[2]

    @property
    def name(self) -> str:
        """What reports call it; :meth:`parse` reads it."""
        return f"{self.path} {self.database} {self.what}"

    @classmethod
    def parse(cls, name: str) -> Unit:
        """The unit of that name."""
        path, database, what = name.split(" ", 2)
        return cls(path, database, what)


@dataclass(frozen=True)
class Shard:
    """Which of how many: ``2/4``."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``i/n``; raises UsageFault for anything else."""
        match = _SHARD.match(text)
        if match is None or int(match[1]) > int(match[2]):
            raise UsageFault(f"{text!r} is not a shard: give i/n, such as 1/4 for the first of four")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def expected(units: Iterable[Unit], known: Mapping[Unit, float]) -> Mapping[Unit, float]:
    """How long each unit takes, in seconds: as it did before, else as others of its kind did, else a guess."""
    units = tuple(units)
    kinds: dict[str, list[float]] = {}
    for unit in units:
        if unit in known:
            kinds.setdefault(_kind(unit), []).append(known[unit])
    usual = {kind: statistics.median(times) for kind, times in kinds.items()}
    return {unit: known.get(unit, usual.get(_kind(unit), _USUAL.get(unit.what, _USUAL_SCENARIO))) for unit in units}


def split(units: Iterable[Unit], seconds: Mapping[Unit, float], shards: int) -> tuple[tuple[Unit, ...], ...]:
    """Cut a matrix into shards of which the longest takes as little time as can be.

    Each shard is a stretch of the matrix in its order, so that those of one path and database stay together: every
    laboratory that is opened for scenarios costs time too.
    """
    units = tuple(dict.fromkeys(units))
    low = max((seconds[unit] for unit in units), default=0.0)
    high = load(units, seconds)
    for _ in range(64):  # halves until there is nothing between
        middle = (low + high) / 2
        if len(_cut(units, seconds, middle)) <= shards:
            high = middle
        else:
            low = middle
    cut = _cut(units, seconds, high)
    return (*cut, *((),) * (shards - len(cut)))


def _cut(units: Sequence[Unit], seconds: Mapping[Unit, float], most: float) -> list[tuple[Unit, ...]]:
    """The fewest stretches of which none takes longer than ``most``, but for single units that do."""
    cut: list[list[Unit]] = []
    taken = _Load()
    for unit in units:
        if cut and (longer := taken.and_also(unit, seconds)).seconds <= most:
            cut[-1].append(unit)
            taken = longer
        else:
            cut.append([unit])
            taken = _Load().and_also(unit, seconds)
    return [tuple(each) for each in cut]


@dataclass(frozen=True)
class _Load:
    """What units take, counted one by one; always in the same order, so that a sum is equal to itself."""

    units: float = 0.0
    places: frozenset[tuple[str, str]] = frozenset()

    @property
    def seconds(self) -> float:
        return self.units + SETUP_SECONDS * len(self.places)

    def and_also(self, unit: Unit, seconds: Mapping[Unit, float]) -> _Load:
        place = (unit.path, unit.database)
        places = self.places if not unit.scenario or place in self.places else self.places | {place}
        return _Load(self.units + seconds[unit], places)


def load(units: Sequence[Unit], seconds: Mapping[Unit, float]) -> float:
    """How long units take one after the other, in seconds, the laboratories that scenarios need included."""
    taken = _Load()
    for unit in units:
        taken = taken.and_also(unit, seconds)
    return taken.seconds


def _kind(unit: Unit) -> str:
    return "scenario" if unit.scenario else unit.what

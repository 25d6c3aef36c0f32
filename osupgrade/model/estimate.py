"""What an estimate says. Times are seconds, on the operator's host where it was measured, in the lab otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osupgrade.model.fit import Interval
from osupgrade.model.host import Host


@dataclass(frozen=True)
class MigrationForecast:
    """How long one migration will take, and what that is taken from."""

    step: str
    name: str
    time: Interval
    measured: Mapping[str, float]
    """Seconds in the lab by scale."""
    rows: Mapping[str, int]
    """Rows that it read and changed, by scale."""
    exponent: float
    """Of its growth with the cloud's size: 1 for linear or less."""


@dataclass(frozen=True)
class HopForecast:
    """How long one step will take, and during how much of it the service's API must be down."""

    step: str
    service: str
    time: Interval
    down: Interval
    side_bytes: int
    """Room for the largest table that it rebuilds."""


@dataclass(frozen=True)
class Gain:
    """What a preparation saves in one migration, measured by running it."""

    preparation: str
    title: str
    service: str
    step: str
    migration: str
    takes: float
    """Seconds of the preparation itself, in the lab; it is done before the night, with the APIs up."""
    before: Interval
    after: Interval

    @property
    def saved(self) -> float:
        """What is expected to be saved."""
        return self.before.expected - self.after.expected


@dataclass(frozen=True)
class Estimate:
    """How long the night will take."""

    basis: str
    """What it is taken from, in one sentence."""
    total: Interval
    """All steps one after the other."""
    side_by_side: Interval
    """The services' chains at once, the finish after them."""
    down: Interval
    """During which APIs must be down, steps one after the other."""
    disk_bytes: int
    """Room that must be free on the database's disk before it begins."""
    hops: tuple[HopForecast, ...]
    migrations: tuple[MigrationForecast, ...]
    """The slowest first."""
    gains: tuple[Gain, ...]
    """The migrations worth preparing for, at most three, what saves most first."""
    warnings: tuple[str, ...]
    lab: Host
    host: Host | None = None
    """The operator's, where it was measured."""

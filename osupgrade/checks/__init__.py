"""Invariants: what must be true of a cloud after an upgrade as before. One a file; each compares with a census.

A module here, or in an ``invariants`` package of the content (``osupgrade/openstack/SERVICE/invariants/``), that defines
``check = Check(...)`` is an invariant; adding a file is all there is to do.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from osupgrade.catalog import content
from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.model.stage import Stage


@dataclass(frozen=True)
class Check:
    """One invariant.

    ``census`` reads from a cloud at stage ``seeded`` what must stay true: any value that holds still (tuples, frozen
    sets, mappings). ``compare`` gets the cloud at a later stage and that value, and says what is damaged.
    ``stages`` are those at which it holds; it is run at each that the plan reaches. ``services`` must all be there.
    Which paths it holds on is the paths' own affair (``checks`` in ``images/paths.toml``).
    """

    name: str
    title: str
    services: tuple[str, ...]
    stages: tuple[Stage, ...]
    census: Callable[[Cloud], Any]
    compare: Callable[[Cloud, Any], Iterable[Finding]]
    every_hop: bool = False
    """Whether it also holds after each hop of the first of its services."""


def load_checks() -> Mapping[str, Check]:
    """All invariants by name."""
    found = {}
    names = [f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)]
    for name in (*names, *content.modules("invariants")):
        check = getattr(importlib.import_module(name), "check", None)
        if isinstance(check, Check):
            found[check.name] = check
    return dict(sorted(found.items()))

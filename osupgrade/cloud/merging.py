"""Joining what chains that ran side by side made of one cloud. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from osupgrade.cloud.cloud import Cloud


def merged(base: Cloud, clouds: Sequence[Cloud]) -> Cloud:
    """``base`` with everything that differs in any of ``clouds``.

    They are what its chains made of it; where two changed the same fact, the later one in the order of the chains wins.
    """
    databases = dict(base.databases)
    site: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for cloud in clouds:
        databases |= {name: to for name, to in cloud.databases.items() if base.databases.get(name) != to}
        site |= _changes(base.site, cloud.site)
        others |= _changes(base, cloud)
    others |= {"databases": databases, "site": dataclasses.replace(base.site, **site)}
    return dataclasses.replace(base, **others)


def _changes(base: Any, other: Any) -> dict[str, Any]:
    pairs = {one.name: (getattr(base, one.name), getattr(other, one.name)) for one in dataclasses.fields(base)}
    return {name: now for name, (then, now) in pairs.items() if now is not then and now != then}

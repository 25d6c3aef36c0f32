"""Where an upgraded database differs from a new one of the same release for a known reason: ``differences.toml``.

The reason is in how the database came to be, such as the release that first made it; nothing is wrong with it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache

from osupgrade.catalog import content
from osupgrade.model.chain import since
from osupgrade.schema.diff import Change


@cache
def explained(version: str) -> Mapping[str, str]:
    """``database.place``, or a pattern of them -> why an upgraded database differs there from a new one.

    Those of a release's ``version``: what lies in a table of its own, named after a version, holds from that one on.
    """
    data = tomllib.loads(content.service_file("common", "differences.toml").read_text("utf-8"))
    found = {}
    for database, places in data.items():
        for place, why in places.items():
            if isinstance(why, str):
                found[f"{database}.{place}"] = why
            elif since(place) <= since(version):
                found |= {f"{database}.{each}": reason for each, reason in why.items()}
    return found


def is_explained(database: str, change: Change, version: str) -> bool:
    """Whether a known reason explains a difference, by its place or by what kind of difference it is there.

    One in the character set, collation or engine alone is of the kind ``recoded``.

    ``version`` is that of the release with whose new database it is compared.
    """
    kind = "recoded" if change.same_but_charset else change.kind
    said = (f"{database}.{change.place}", f"{database}.{kind} {change.object} {change.place}")
    return any(fnmatchcase(text, pattern) for text in said for pattern in explained(version))

"""Collations of other servers: each that a server lacks, and the nearest that it has."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Mapping

import sqlalchemy

from osupgrade.lab.database import DatabaseServer
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Finding, Severity

_PARTS = re.compile(r"(?P<charset>[a-z0-9]+)_(?P<rest>\w+)")
_ALIASES = {"utf8mb3": "utf8", "utf8": "utf8mb3"}


def known_collations(server: DatabaseServer) -> frozenset[str]:
    """The collations that a server has, in lower case."""
    rows = server.rows("", "SELECT COLLATION_NAME FROM information_schema.COLLATIONS WHERE COLLATION_NAME IS NOT NULL")
    try:
        full = server.rows(
            "", "SELECT FULL_COLLATION_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY"
        )
    except sqlalchemy.exc.SQLAlchemyError:  # only newer ones of MariaDB have names that hold for several character sets
        full = []
    return frozenset(str(row[0]).lower() for row in (*rows, *full))


def replacements(server: DatabaseServer, wanted: Iterable[str]) -> Mapping[str, str]:
    """For each collation that a server lacks, the one to take; raises UsageFault where there is none."""
    has = known_collations(server)
    found = {}
    for name in sorted(wanted):
        if name not in has and not _taken(server, name):
            found[name] = nearest(name, has)
            if not found[name]:
                raise UsageFault(
                    f"the dump uses the collation {name}, and {server.version} has none like it",
                    hint="use --db to rehearse on the kind of server that the dump is from",
                )
    return found


def nearest(name: str, has: Collection[str]) -> str:
    """The collation among ``has`` that orders and compares most like ``name``; empty where there is none.

    What distinguishes accents and cases must go on doing so, or unique keys break; the rest is a matter of order alone.
    """
    parts = _PARTS.fullmatch(name)
    if not parts:
        return ""
    charset, rest = parts["charset"], parts["rest"]
    if (alias := _ALIASES.get(charset)) and f"{alias}_{rest}" in has:
        return f"{alias}_{rest}"
    exact = rest.endswith(("_bin", "_cs")) or rest in ("bin", "0900_bin")
    if exact:
        kinds = ["uca1400_as_cs"] if rest.endswith("_as_cs") else []
        kinds += ["nopad_bin", "bin"]
    else:
        kinds = ["uca1400_nopad_ai_ci", "0900_ai_ci"] if "_as_" not in rest else ["uca1400_nopad_as_ci", "0900_as_ci"]
        kinds += ["unicode_520_nopad_ci", "unicode_520_ci", "unicode_ci", "general_ci"]
    names = [charset, *([_ALIASES[charset]] if charset in _ALIASES else [])]
    return next((f"{each}_{kind}" for kind in kinds for each in names if f"{each}_{kind}" in has), "")


def remarks(name: str, replaced: Mapping[str, str], version: str) -> tuple[Finding, ...]:
    """What there is to say of collations that were replaced."""
    return tuple(
        Finding(
            "dump",
            Severity.INFO,
            "",
            name,
            f"{name} uses the collation {old}, which {version} does not know: it is restored as {new}",
            "text may sort and compare differently than on the original server",
        )
        for old, new in replaced.items()
    )


def _taken(server: DatabaseServer, name: str) -> bool:
    """Whether a server takes a name that it does not list, such as utf8mb3's for those of utf8."""
    if not re.fullmatch(r"\w+", name):
        return False
    charset = name.partition("_")[0]
    with contextlib.suppress(sqlalchemy.exc.SQLAlchemyError):
        server.rows("", f"SELECT CONVERT('a' USING {charset}) COLLATE {name}")
        return True
    return False

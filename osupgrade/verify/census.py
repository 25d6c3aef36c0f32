"""Comparing what the APIs showed of the cloud before and after, field by field, without I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from osupgrade.model import Evidence, Finding, Severity
from osupgrade.result import ApiCall
from osupgrade.verify.running import Explained

Facts = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Service -> kind of thing -> its id -> what the API says of it."""

_SHOWN = 200


@dataclass(frozen=True)
class Login:
    """A user whose password of before the upgrade is known, and a tenant of his."""

    user: str
    password: str
    tenant: str


@dataclass(frozen=True)
class Census:
    """Everything that a release's APIs showed of the cloud, and how long that took them."""

    release: str
    facts: Facts
    calls: tuple[ApiCall, ...]
    logins: tuple[Login, ...] = ()


def differences(before: Facts, after: Facts, explained: Sequence[Explained] = ()) -> Iterator[Finding]:
    """One finding for each field of each kind that differs, is gone, or for things that are gone or came from nowhere.

    What is new in an answer is no difference, and nothing is said of kinds that one side was not asked for.
    """
    for service in sorted(before.keys() & after.keys()):
        for kind in sorted(before[service].keys() & after[service].keys()):
            yield from _differ(service, kind, before[service][kind], after[service][kind], explained)


def flatten(value: Any, path: str = "") -> dict[str, str]:
    """Every leaf of an answer by its dotted path. Lists have no order in these APIs."""
    if isinstance(value, Mapping):
        leaves: dict[str, str] = {}
        for key, item in value.items():
            leaves.update(flatten(item, f"{path}.{key}" if path else str(key)))
        return leaves
    if isinstance(value, list):
        value = sorted(value, key=lambda item: json.dumps(item, sort_keys=True))
    return {path: json.dumps(value, sort_keys=True)}


def _differ(
    service: str, kind: str, before: Mapping[str, Any], after: Mapping[str, Any], explained: Sequence[Explained]
) -> Iterator[Finding]:
    changed: dict[str, list[tuple[object, ...]]] = {}
    for ident in sorted(before.keys() | after.keys()):
        if ident not in after:
            changed.setdefault("", []).append((ident, "there", "gone"))
        elif ident not in before:
            changed.setdefault("", []).append((ident, "not there", "there"))
        else:
            now = flatten(after[ident])
            for path, value in flatten(before[ident]).items():
                if now.get(path) != value:
                    changed.setdefault(path, []).append((ident, value[:_SHOWN], now.get(path, "not shown")[:_SHOWN]))
    for path, rows in changed.items():
        if any(fnmatchcase(kind, e.kind) and fnmatchcase(path, e.field) for e in explained):
            continue
        what = f"the field {path} of {len(rows)} {kind} changed" if path else f"{len(rows)} {kind} came or went"
        yield Finding(
            source="verify/census",
            severity=Severity.ERROR,
            service=service,
            place=f"API {kind}",
            message=f"{what} with the upgrade",
            consequence="clients and their owners see another cloud than before",
            evidence=Evidence.of(("id", "before", "after"), rows),
        )

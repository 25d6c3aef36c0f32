"""Comparing what the APIs showed of the cloud before and after, field by field, without I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from osupgrade.catalog.running import Explained
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.report import ApiCall

Facts = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Service -> kind of thing -> its id -> what the API says of it."""

GONE, APPEARED = "gone", "new"
"""The name of the field where a whole thing is missing on one side."""
_SHOWN = 200


@dataclass(frozen=True)
class Login:
    """A user whose password of before the upgrade is known, and a tenant of that user."""

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
    """One finding for each field of each kind that differs, and for things that are gone or came from nowhere.

    Those that are ``explained`` are reported with their explanation and are no errors. What is new in an answer is no
    difference, and kinds that were not requested on both sides are left out.
    """
    for service in sorted(before.keys() & after.keys()):
        for kind in sorted(before[service].keys() & after[service].keys()):
            yield from _differ(service, kind, before[service][kind], after[service][kind], explained)


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Every field of an answer by its dotted path; lists are left whole."""
    if not isinstance(value, Mapping):
        return {path: value}
    leaves: dict[str, Any] = {}
    for key, item in value.items():
        leaves.update(flatten(item, f"{path}.{key}" if path else str(key)))
    return leaves


def kept(before: Any, after: Any) -> bool:
    """Whether an answer still holds all that it held before. Lists have no order in these APIs."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return all(key in after and kept(value, after[key]) for key, value in before.items())
    if isinstance(before, list) and isinstance(after, list):
        left = list(after)
        for item in before:
            match = next((candidate for candidate in left if kept(item, candidate)), None)
            if match is None:
                return False
            left.remove(match)
        return not left
    return bool(before == after)


def _differ(
    service: str, kind: str, before: Mapping[str, Any], after: Mapping[str, Any], explained: Sequence[Explained]
) -> Iterator[Finding]:
    changed: dict[str, list[tuple[object, ...]]] = {}
    for ident in sorted(before.keys() | after.keys()):
        if ident not in after:
            changed.setdefault(GONE, []).append((ident, "there", "gone"))
        elif ident not in before:
            changed.setdefault(APPEARED, []).append((ident, "not there", "there"))
        else:
            now = flatten(after[ident])
            for path, value in flatten(before[ident]).items():
                if path not in now or not kept(value, now[path]):
                    shown = _text(now[path]) if path in now else "not shown"
                    changed.setdefault(path, []).append((ident, _text(value), shown))
    for path, rows in changed.items():
        meant = next((e for e in explained if _is(e, service, kind, path)), None)
        what = f"{kind}: {len(rows)} {path}" if path in (GONE, APPEARED) else f"{kind}: {path} changed in {len(rows)}"
        yield Finding(
            source="verify/census",
            severity=Severity.INFO if meant else Severity.ERROR,
            service=service,
            place=f"API {kind}",
            message=f"{what} after the upgrade, as the API shows them",
            consequence=meant.why if meant else "clients and users see a different cloud than before",
            evidence=Evidence.of(("id", "before", "after"), rows),
        )


def _is(known: Explained, service: str, kind: str, path: str) -> bool:
    return fnmatchcase(kind, known.kind) and fnmatchcase(path, known.field) and fnmatchcase(service, known.service)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)[:_SHOWN]

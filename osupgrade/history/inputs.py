"""The digests that say which runs are comparable: of the input for rows, of the machine for times."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from osupgrade.catalog.site import Site
from osupgrade.model.plain import plain
from osupgrade.model.plan import Plan
from osupgrade.scenarios.contract import Scenario

_LENGTH = 16
_HASHING = 2
"""Changes with the way in which contents are hashed: hashes made differently cannot be compared."""


def input_digest(
    plan: Plan,
    images: Mapping[str, str],
    origin: str,
    site: Site,
    naive: bool,
    scenarios: Iterable[Scenario],
    more: Mapping[str, str] | None = None,
) -> str:
    """Digest of all that decides a rehearsal's outcome.

    ``origin`` is the seed's digest or the dumps' hashes, ``images`` name -> tag (a digest of its recipe), ``scenarios``
    those that were injected or whose cures were applied. The calls of the releases' tools are part of the plan.
    """
    parts = {
        "path": [plan.path.name, plan.services, plan.finish.name if plan.finish else ""],
        "releases": [plain(release) for release in plan.releases],
        "images": plain(images),
        "cloud": origin,
        "site": plain(asdict(site)),
        "naive": naive,
        "scenarios": {s.name: _directory(s.directory) for s in scenarios},
        "more": plain(more or {}),
        "hashing": _HASHING,
    }
    return _digest(json.dumps(parts, sort_keys=True).encode())


def host_digest(info: Mapping[str, object]) -> str:
    """Digest of the make of the engine's machine: its processors, memory and system, but not its name.

    ``info`` is the engine's description of itself. CI runners that live for one job are one host if of one make.
    """
    memory = round(int(str(info.get("MemTotal") or 0)) / 1e9)
    facts = [info.get(key) for key in ("Architecture", "NCPU", "OSType", "OperatingSystem", "Driver")]
    return _digest(json.dumps([*facts, memory, _processor()]).encode())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _directory(directory: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            content = path.read_bytes()
            digest.update(f"{path.relative_to(directory)} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:_LENGTH]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_LENGTH]

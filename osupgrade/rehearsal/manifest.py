"""What a run is made of, so that it can be repeated."""

from __future__ import annotations

import dataclasses
import datetime
import sys
from collections.abc import Mapping
from pathlib import Path

from osupgrade import __version__
from osupgrade.catalog.site import Site
from osupgrade.cloud.laboratory import Laboratory
from osupgrade.history.inputs import host_digest
from osupgrade.model.plan import Plan
from osupgrade.model.quoting import shell_join
from osupgrade.model.report import Manifest


def now() -> str:
    """The time as a manifest has it: UTC, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def blank_manifest(started: str) -> Manifest:
    """A manifest that says by which command and when, and of nothing yet what it was made of."""
    return Manifest(
        osupgrade=__version__,
        command="osupgrade " + shell_join(sys.argv[1:]),
        started=started,
        database="",
        images={},
        commits={},
        cloud="",
        site={},
        directory=str(Path.cwd()),
    )


def manifest(
    laboratory: Laboratory,
    plan: Plan,
    origin: str,
    site: Site,
    started: str,
    request: Mapping[str, object] | None = None,
) -> Manifest:
    """What this run is made of; ``started`` is when it began, as :func:`now` gives it."""
    commits = {
        part.step: part.code
        for release in plan.releases
        for part in release.services.values()
        if part.service in plan.services
    }
    client = laboratory.lab.client
    return dataclasses.replace(
        blank_manifest(started),
        database=f"{laboratory.new_database or laboratory.database}: {(laboratory.new or laboratory.server).version}",
        images={name: f"{tag} {client.images.get(tag).id}" for name, tag in laboratory.images.items()},
        commits=commits,
        cloud=origin,
        site=dataclasses.asdict(site),
        host=host_digest(client.info()),
        request=request or {},
    )

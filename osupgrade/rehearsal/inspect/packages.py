"""What of a controller's packages has to be updated by hand."""

from __future__ import annotations

from pathlib import Path

from osupgrade.catalog.loading import read_bounded
from osupgrade.catalog.packages.judge import by_hand, to_know
from osupgrade.catalog.packages.listing import read_listing
from osupgrade.cloud.laboratory import Say, require_sources
from osupgrade.lab.connect import connect
from osupgrade.lab.controller import asked_by
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.lab.release_container import Workshop
from osupgrade.lab.sources import Sources
from osupgrade.model.finding import Finding
from osupgrade.model.plan import Plan
from osupgrade.model.text import counted
from osupgrade.rehearsal.inspect.model import SOURCE


def inspect_packages(file: Path, plan: Plan, say: Say) -> tuple[Finding, ...]:
    """What of a controller's packages must be updated by hand for the plan's last release, and what else to know.

    ``file`` is the output of ``pip freeze``, ``dpkg -l`` or ``rpm -qa``. What the releases require is read from their
    services' trees and from the libraries of their runtimes.
    """
    listing = read_listing(read_bounded(file).decode("utf-8", "replace"), str(file))
    client = connect()
    releases = plan.by_name
    sources = Sources(releases)
    require_sources(sources, plan)
    names = [release.name for release in plan.releases[1:]]
    tags = ImageStore(client).ensure(names, lambda progress: say(str(progress)))
    with Lab(client) as lab:
        workshop = Workshop(lab, releases, sources, tags)
        asked = [asked_by(workshop, name) for name in names]
    say(counted(len(listing.packages), "read {n} package[s] of {manager}", manager=listing.manager))
    return (*by_hand(SOURCE, "controller", listing, asked), *to_know(SOURCE, "controller", listing, asked))

"""Hops over releases that upstream does not support: what a service's own check reports, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from osupgrade.model.chain import since
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.plan import Plan
from osupgrade.model.release import Release

SOURCE = "route"


def jumps(source: Release, target: Release) -> bool:
    """Whether an upgrade from one release straight to the other skips one that upstream requires."""
    return bool(target.upgrades_from) and source.name not in target.upgrades_from


def jump_findings(plan: Plan, releases: Mapping[str, Release]) -> Iterator[Finding]:
    """What to do at each hop of a plan that skips a release, where the release's upgrade check fails because of it."""
    for chain in plan.chains:
        for hop in chain.hops:
            source, target = releases[hop.source], releases[hop.target]
            if not jumps(source, target):
                continue
            for command in target.services[hop.service].check:
                for result in command.on_jumps:
                    if since(target.version) < since(result.since):
                        continue
                    yield Finding(
                        source=SOURCE,
                        severity=Severity.WARNING,
                        service=hop.service,
                        place=f"{hop.target}/{hop.service}",
                        message=f"{target.name}'s upgrade check fails on the jump from {source.name}: {result.check}",
                        consequence=result.remedy,
                    )

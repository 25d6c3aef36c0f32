"""The operator's controller in scenarios: releases put over each other in one environment, as site.toml lists it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from osupgrade.catalog import content
from osupgrade.catalog.packages.judge import by_hand
from osupgrade.catalog.packages.listing import Listing, read_listing
from osupgrade.catalog.packages.needs import Asked, left_old
from osupgrade.cloud.cloud import Cloud, ToolRun
from osupgrade.lab.controller import asked_by, upgraded_in_place
from osupgrade.lab.release_container import Workshop
from osupgrade.model.finding import Finding
from osupgrade.model.stage import Stage
from osupgrade.scenarios.contract import Scenario


@dataclass(frozen=True)
class Controller:
    """A controller that began with the first of ``releases`` and gets each later one's packages where some are missing.

    Its packages are those of the cloud's site.
    """

    cloud: Cloud
    releases: Sequence[str]

    @staticmethod
    def usual(release: str) -> tuple[str, ...]:
        """The packages of a release's own runtime, as site.toml would list them."""
        text = (content.images() / release / "requirements.txt").read_text("utf-8")
        return tuple(line.split()[0] for line in text.splitlines() if "==" in line)

    @property
    def known(self) -> bool:
        """Whether its packages are known, and the releases can be looked into."""
        return bool(self.cloud.site.packages) and self.cloud.workshop is not None

    def findings(self, scenario: Scenario, service: str, at: Stage) -> Iterator[Finding]:
        """At most one: packages that stay too old for the last release."""
        for one in by_hand(scenario.name, service, self._listing, self._later, at):
            yield replace(one, command=scenario.command)

    def updated(self) -> Cloud | None:
        """The cloud whose controller has what the last release requires; None where nothing is too old."""
        there = self._versions
        left = left_old(self._later, there)
        if not left:
            return None
        there |= {one.name: one.target for one in left}
        return self.cloud.with_site(packages=tuple(f"{name}=={version}" for name, version in there.items()))

    def upgrade(self, service: str) -> ToolRun:
        """Run the last release's own upgrade of a service on it."""
        workshop, later = self._workshop, self._later
        path = [asked_by(workshop, self.releases[0]), *later]
        role = f"controller-{self.cloud.lane}".replace("_", "-")
        controller = upgraded_in_place(workshop, path, role, by_hand=not left_old(later, self._versions))
        try:
            command = controller.release.services[service].upgrade[0]
            return controller.tool(service, command, self.cloud.setting)
        finally:
            workshop.lab.remove(controller.container)

    @property
    def _workshop(self) -> Workshop:
        assert self.cloud.workshop is not None
        return self.cloud.workshop

    @property
    def _later(self) -> list[Asked]:
        return [asked_by(self._workshop, release) for release in self.releases[1:]]

    @property
    def _listing(self) -> Listing:
        return read_listing("\n".join(self.cloud.site.packages), "site.toml")

    @property
    def _versions(self) -> dict[str, str]:
        return {name: one.version for name, one in self._listing.packages.items()}

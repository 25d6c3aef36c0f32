"""What is reproduced: a step that failed, the cloud that it began with, and the masks for carrying it elsewhere."""

from __future__ import annotations

import dataclasses
import secrets
from dataclasses import dataclass
from pathlib import Path

from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.route import Step
from osupgrade.dump.choose import read_dumps
from osupgrade.dump.mask.values import Masker
from osupgrade.dump.policy import Policy, load_policy
from osupgrade.dump.sanitize import SanitizeReport, sanitize
from osupgrade.lab.database import DatabaseServer
from osupgrade.model.failure import Failure
from osupgrade.model.plan import Plan
from osupgrade.scenarios.contract import Instead


@dataclass(frozen=True)
class Masking:
    """The key under which values are masked, and what becomes of which column."""

    key: bytes
    policy: Policy

    @classmethod
    def random(cls) -> Masking:
        """Masks that cannot be made again."""
        return cls(secrets.token_bytes(32), load_policy())

    def sanitized(self, server: DatabaseServer, raw: Path, out: Path) -> SanitizeReport:
        """Mask a dump of the lab's own databases, in the server too."""
        return sanitize(server, read_dumps([raw]), out, self.key, self.policy, lambda *_how_far: None, keep_names=True)

    def site(self, site: Site) -> Site:
        """A site without an operator's own names: physical networks get the masks that the databases have."""
        masker = Masker(self.key, self.policy.words, own_prefix=self.policy.own_prefix)
        return dataclasses.replace(
            site, network_vlan_ranges=masker.parts(site.network_vlan_ranges), launch_commands=(), migrations=()
        )


@dataclass(frozen=True)
class Subject:
    """A step that failed, the cloud that it began with, and how it failed.

    ``instead`` is what a scenario named ``instead_of`` does in place of the release's own tool. ``hints`` are values
    that what is wrong is likely to have, ``places`` tables (``database.table``) where it is likely to be.
    """

    plan: Plan
    step: Step
    cloud: Cloud
    failure: Failure
    origin: str
    lane: str = "naive"
    instead: Instead | None = None
    instead_of: str = ""
    hints: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    found_by: tuple[str, ...] = ()
    """The lab's own scenarios whose preflights spoke, each with its title: no values."""

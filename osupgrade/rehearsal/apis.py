"""Asking the real APIs about the cloud: those of the first release before the run, those of the last one after it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import Laboratory, Say
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.plan import Plan
from osupgrade.model.report import StagedFinding, State
from osupgrade.model.stage import VERIFY
from osupgrade.rehearsal.asking import spared
from osupgrade.rehearsal.phases import Ended, PhaseResult
from osupgrade.rehearsal.request import Request
from osupgrade.seed.scale import site_of_copies
from osupgrade.verify.census import Census
from osupgrade.verify.verification import take_census, verify


@dataclass
class Apis:
    """The phase that uses the cloud through its APIs, as far as the request wants it.

    A cloud with traps in it is not compared with what the first release's APIs show: the traps are the difference.
    """

    laboratory: Laboratory
    plan: Plan
    request: Request
    trapped: bool
    run: RunDirectory
    say: Say
    password_of: Callable[[str], str | None]
    _census: Census | None = field(default=None, init=False)

    def before(self, cloud: Cloud) -> Cloud:
        """Note what the first release's own APIs show of the cloud, for the full tour to compare with."""
        if self.request.level == "full" and not self.trapped:
            laboratory = self.laboratory
            self._census = take_census(
                cloud,
                laboratory.lab,
                laboratory.workshop,
                self.plan,
                self.run.path,
                self.say,
                password_of=self.password_of,
            )
        return cloud

    def after(self, ended: Ended) -> PhaseResult:
        """Use the upgraded cloud; one that did not reach its end is not checked."""
        level = self.request.level
        if level is None or ended.result.failed or ended.result.refused:
            return PhaseResult()
        cloud = dataclasses.replace(ended.cloud, site=site_of_copies(ended.cloud.site, self.request.factor))
        laboratory = self.laboratory
        verification, failed = spared(
            "verify",
            "verification",
            self.plan.services[0],
            cloud,
            lambda: verify(
                cloud,
                laboratory.lab,
                laboratory.workshop,
                self.plan,
                level,
                self.run.path,
                self.say,
                password_of=self.password_of,
                before=self._census,
                fast=self.request.fast,
            ),
        )
        findings = verification.findings if verification else (failed,) if failed else ()
        return PhaseResult(
            findings=tuple(StagedFinding(VERIFY, finding, State.UNRESOLVED) for finding in findings),
            calls=verification.calls if verification else (),
        )

"""The derived preflights of a rehearsal: rows that migrations are known to lose, or to stop at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy.exc

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.plan import Plan
from osupgrade.model.report import StagedFinding, State
from osupgrade.model.stage import SEEDED
from osupgrade.model.step import Outcome
from osupgrade.rehearsal.phases import Ended, PhaseResult
from osupgrade.rehearsal.survey import Surveyor
from osupgrade.schema.foresight import foresee


@dataclass
class Foresight:
    """Compares the cloud's rows with the constraints of the migrations ahead, once ``surveyor`` knows its revisions.

    Constraints whose outcome was never tried are left out: the rehearsal itself tries them.
    """

    plan: Plan
    surveyor: Surveyor
    _found: dict[str, tuple[Finding, ...]] = field(default_factory=dict)

    def before(self, cloud: Cloud) -> Cloud:
        """Look for such rows before anything is cured."""
        for service, survey in self.surveyor.surveys.items():

            def rows(sql: str, parameters: Sequence[Any], database: str = survey.database) -> list[tuple[Any, ...]]:
                return cloud.server.rows(database, sql, parameters)

            identity = survey.study.identity
            try:
                found = foresee(
                    rows, survey.schema, identity.line, identity.revision.name, self.plan.last.name, untried=False
                )
                self._found[service] = tuple(found)
            except sqlalchemy.exc.DBAPIError:
                # Data that cannot be compared is no finding here: the migrations are about to read it themselves.
                self._found[service] = ()
        return cloud

    def after(self, ended: Ended) -> PhaseResult:
        """The findings that no trap has made too, and that the run has not refuted."""
        traps = {".".join(staged.finding.place.split(".")[:2]) for staged in ended.result.findings}
        stopped = [step.service for step in ended.result.steps if step.outcome is Outcome.FAILED]
        parts = [self.plan.last.services[one] for one in stopped if one in self.plan.last.services]
        failed = {*stopped, *(database.name for part in parts for database in part.databases)}
        return PhaseResult(
            tuple(
                StagedFinding(SEEDED, finding, State.UNRESOLVED)
                for service, findings in self._found.items()
                for finding in findings
                if finding.place not in traps and (finding.severity is not Severity.ERROR or service in failed)
            )
        )

"""A cloud's schemas around a rehearsal: surveyed before anything is cured, judged after the last step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.plan import Plan
from osupgrade.model.report import Customisation, LaneResult, SchemaVerdict, StagedFinding, State
from osupgrade.model.stage import SEEDED, VERIFY
from osupgrade.model.step import Diagnosis, Outcome, StepResult
from osupgrade.model.text import counted
from osupgrade.rehearsal.covered import covered
from osupgrade.rehearsal.phases import Ended, PhaseResult
from osupgrade.schema.catalogue import covers, revision_name, variant_of
from osupgrade.schema.diff import described
from osupgrade.schema.own_data import OwnData
from osupgrade.schema.reading import Rows
from osupgrade.schema.survey import Aftermath, Survey, aftermath, survey
from osupgrade.schema.verdicts import Verdict

NO_WORDS = Diagnosis("the tool printed no reason for its failure")


@dataclass
class Surveyor:
    """Looks at a cloud's schemas before the first hop, and judges them after the last.

    Services and releases that the catalogue does not know are left out.
    """

    plan: Plan
    _before: dict[str, Survey] = field(default_factory=dict)

    @property
    def surveys(self) -> Mapping[str, Survey]:
        """Each service's survey before the first hop; empty until :meth:`before`."""
        return self._before

    def before(self, cloud: Cloud) -> Cloud:
        """Note what each service's schema is, and what in it is the operator's own, with its data's checksum."""
        first, last = self.plan.first, self.plan.last
        for name in (known.name for known in self.plan.databases()):
            if cloud.has(name) and covers(name, first.name, last.name):
                expected = variant_of(name, cloud.site)
                self._before[name] = survey(
                    _rows(cloud), name, cloud.databases[name], expected=expected, release=last.name
                )
        return cloud

    def after(self, ended: Ended) -> PhaseResult:
        """The fate of each customisation, and how the schemas that came out differ from what they should be."""
        result, cloud = ended.result, ended.cloud
        verdicts: list[SchemaVerdict] = []
        found: list[StagedFinding] = []
        for service, before in self._before.items():
            steps = [step for step in result.steps if service in (step.service, *self._databases_of(step.service))]
            if not steps:
                continue
            failed = next((step for step in steps if step.outcome is Outcome.FAILED), None)
            stopped = (failed.diagnosis or NO_WORDS) if failed else None
            reached = self._reached(before, steps)
            after = aftermath(_rows(cloud), before, cloud.databases[service], reached, stopped)
            own = tuple(_customisation(service, verdict, before, after) for verdict in _own(before, after))
            verdicts.append(SchemaVerdict(service, reached, after.exact, own))
            found += [StagedFinding(VERIFY, finding, State.UNRESOLVED) for finding in after.findings]
            known = _known_before(before, result, failed)
            found += [StagedFinding(SEEDED, finding, State.UNRESOLVED) for finding in known]
        return PhaseResult(tuple(found), schemas=tuple(verdicts))

    def _databases_of(self, service: str) -> tuple[str, ...]:
        """The databases of a service at the plan's last release; none for a step that is no service's."""
        part = self.plan.last.services.get(service)
        return tuple(database.name for database in part.databases) if part else ()

    def _reached(self, before: Survey, steps: Sequence[StepResult]) -> str:
        """The revision whose schema should be there now; a finishing move is in a lineage under its name.

        A database that was made as the move leaves it has a lineage without the move.
        """
        line, finish = before.study.identity.line, self.plan.finish
        moved = finish is not None and steps[-1].step == finish.name and steps[-1].outcome is not Outcome.FAILED
        if finish is not None and moved and line.position(finish.name) is not None:
            return finish.name
        ran = [step for step in steps if step.outcome is not Outcome.SKIPPED] or steps
        versions = ran[-1].versions_after.get(before.service, ())
        known = [name for name in (*versions, revision_name(versions)) if line.position(name) is not None]
        return known[-1] if known else before.study.identity.revision.name


def _own(before: Survey, after: Aftermath) -> tuple[Verdict, ...]:
    """What became of the customisations. A database that is no known release, or not whole, has none to tell."""
    return () if before.study.identity.foreign else after.verdicts


def _known_before(before: Survey, result: LaneResult, failed: StepResult | None) -> Iterator[Finding]:
    """What was there to say of a database as a whole at the start, unless a trap says it too.

    Where its steps came through they have refuted that they would stop; that its version is wrong is still true.
    """
    identity, traps = before.study.identity, [staged.finding for staged in result.findings]
    for finding in identity.findings if identity.foreign else before.study.whole:
        if covered(finding, traps):
            continue
        if failed:
            yield finding
        elif finding.severity is Severity.ERROR:
            yield replace(finding, severity=Severity.WARNING)


def _customisation(service: str, verdict: Verdict, before: Survey, after: Aftermath) -> Customisation:
    change = verdict.change
    return Customisation(
        service=service,
        object=change.object,
        place=change.place,
        definition=described(change.after) if change.after else "removed",
        fate=verdict.fate,
        words=verdict.words,
        revision=verdict.revision,
        error=verdict.error,
        data=_data(before.own_data.get(change.place), after.own_data, change.place),
        mend=verdict.mend,
    )


def _data(was: OwnData | None, after: Mapping[str, OwnData | None], place: str) -> str:
    """What became of the own data at a place, in a few words; nothing where there was none, or it was not looked at."""
    if was is None or place not in after or not was.values:
        return ""
    now = after[place]
    rows = counted(was.values, "{n} row[s] of your data")
    if now is None:
        return counted(was.values, "{rows} [is|are] gone", rows=rows)
    if now == was:
        return f"{rows}, unchanged (same checksum)"
    return f"{rows} before, {now.values} now" if now.values != was.values else f"{rows}, changed"


def _rows(cloud: Cloud) -> Rows:
    return lambda sql, parameters: cloud.server.rows("", sql, parameters)

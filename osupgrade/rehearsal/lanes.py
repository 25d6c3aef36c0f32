"""A scenario's two lanes and what they must show: the trap fails exactly as described, and the cure works."""

from __future__ import annotations

import dataclasses
import re
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from osupgrade.catalog.site import Site
from osupgrade.checks import Check
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.copies import Snapshot, copied, with_coming
from osupgrade.cloud.laboratory import SEEDED_SHELF, Laboratory
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.errors import LabFault
from osupgrade.model.events import EventLog
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.plan import Plan
from osupgrade.model.report import LaneReport, LaneResult, ScenarioReport, State
from osupgrade.model.step import Outcome
from osupgrade.rehearsal.cures import Cures
from osupgrade.rehearsal.runner import Runner
from osupgrade.scenarios.contract import Blocks, Lane, RestoreFails, Scenario, Silent
from osupgrade.verify.verification import verify


def judge_naive(
    scenario: Scenario, result: LaneResult, logs: Mapping[str, str], promised: Collection[str]
) -> tuple[str, ...]:
    """What the naive lane did not show, or showed besides the stated symptom.

    ``logs`` has each step's log, ``promised`` are the invariants that hold at the end of the route.
    """
    symptom = scenario.symptom
    problems: list[str] = []
    found = [s for s in result.findings if s.finding.source == scenario.name]
    if not found:
        problems.append("its own preflight did not find the trap")
    if isinstance(symptom, RestoreFails):
        if not re.search(symptom.error, result.refused):
            problems.append(
                f"the restore should fail with /{symptom.error}/, but it reported: {result.refused or 'nothing'}"
            )
        return tuple(problems)
    if result.refused:
        return (*problems, f"the cloud could not be set up: {result.refused}")
    failed = {step.step: step for step in result.failed}
    red = {s.finding.source for s in result.unresolved if s.finding.source in result.checked}
    if isinstance(symptom, Blocks):
        step = failed.pop(symptom.step, None)
        if step is None:
            problems.append(f"{symptom.step} should fail but did not")
        else:
            if not re.search(symptom.error, logs.get(symptom.step, ""), re.DOTALL):
                said = step.diagnosis.error if step.diagnosis else "no error"
                problems.append(f"{symptom.step} failed with a different error from /{symptom.error}/: {said}")
            versions = ", ".join(v for versions in step.versions_after.values() for v in versions)
            if symptom.version is not None and versions != symptom.version:
                problems.append(f"{symptom.step} left the database at {versions or 'nothing'}, not {symptom.version}")
        breaks: set[str] = set()
    else:
        if not any(evidence.total for name, evidence in result.probes.items() if name == scenario.name):
            problems.append("the silent damage did not appear")
        breaks = set(symptom.breaks) & set(promised)
    problems += [f"{name} also failed, which the symptom does not state" for name in failed]
    problems += [
        f"the invariant {name} is also broken, which the symptom does not state" for name in sorted(red - breaks)
    ]
    problems += [f"the invariant {name} should be broken but holds" for name in sorted(breaks - red)]
    return tuple(problems)


def judge_shown(scenario: Scenario, lane: Lane, findings: Sequence[Finding]) -> tuple[str, ...]:
    """What the real APIs should have shown of a naive lane's damage and did not, or showed besides."""
    symptom = scenario.symptom
    shows = symptom.shows if isinstance(symptom, Silent) and lane == "naive" else ()
    said = [f.message for f in findings if f.severity is Severity.ERROR]
    problems = [f"the APIs should show /{one}/ but do not" for one in shows if not any(re.search(one, s) for s in said)]
    problems += [f"the APIs show: {s}" for s in said if not any(re.search(one, s) for one in shows)]
    return tuple(problems)


def judge_cured(scenario: Scenario, result: LaneResult) -> tuple[str, ...]:
    """What still went wrong although the cure was applied."""
    problems = [f"the cloud could not be set up: {result.refused}"] if result.refused else []
    for step in result.failed:
        error = step.diagnosis.error if step.diagnosis else "; ".join(step.problems)
        problems.append(f"{step.step} failed: {error}")
    problems += [f"{s.finding.source} at {s.stage}: {s.finding.message}" for s in result.unresolved]
    if any(evidence.total for name, evidence in result.probes.items() if name == scenario.name):
        problems.append("the silent damage is still there")
    mine = [s for s in result.findings if s.finding.source == scenario.name]
    if not any(s.state is State.CURED for s in mine):
        problems.append("nothing was cured")
    return tuple(problems)


def describe(symptom: Blocks | Silent | RestoreFails) -> str:
    """A symptom in words."""
    if isinstance(symptom, Blocks):
        at = f", and stays at {symptom.version}" if symptom.version else ""
        return f"{symptom.step} fails: /{symptom.error}/{at}"
    if isinstance(symptom, Silent):
        text = f"silent, shows at {symptom.at}" + (f", breaks {', '.join(symptom.breaks)}" if symptom.breaks else "")
        return text + "".join(f"; the APIs then show: {one}" for one in symptom.shows)
    return f"the restore fails: /{symptom.error}/"


@dataclass(frozen=True)
class LaneRunner:
    """Runs scenarios' lanes on one laboratory, each on its own copy of the shelved cloud.

    ``plan_for`` gives the plan narrowed to a scenario's services. ``universal`` are scenarios that every cloud of the
    path carries; their cures are applied in all lanes but their own naive one. ``lanes`` are those to run,
    ``ask_apis_in`` those after which the last release's APIs are queried, of silent scenarios that say what these show.
    """

    laboratory: Laboratory
    shelved: Mapping[str, str]
    known: Sequence[Scenario]
    checks: Sequence[Check]
    site: Site
    run: RunDirectory
    plan_for: Callable[[Scenario], Plan]
    cures: type[Cures] = Cures
    ask_apis_in: tuple[Lane, ...] = ()
    lanes: Sequence[Lane] = ("naive", "cured")

    def all(
        self, scenarios: Sequence[Scenario], jobs: int, on_report: Callable[[ScenarioReport], None]
    ) -> list[ScenarioReport]:
        """Run both lanes of each scenario, ``jobs`` scenarios side by side; reports in the order given."""
        pool = ThreadPoolExecutor(max(1, jobs))
        try:
            futures = [pool.submit(self.one, scenario) for scenario in scenarios]
            reports = []
            for future in futures:
                reports.append(future.result())
                on_report(reports[-1])
            return reports
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def one(self, scenario: Scenario) -> ScenarioReport:
        """The lanes of one scenario; one that breaks is reported as a problem and does not affect the others."""
        if reason := scenario.not_on.get(self.laboratory.database):
            return ScenarioReport(scenario.name, scenario.title, describe(scenario.symptom), (), reason)
        lanes = tuple(self._spared(scenario, lane) for lane in self.lanes)
        return ScenarioReport(scenario.name, scenario.title, describe(scenario.symptom), lanes)

    def _spared(self, scenario: Scenario, lane: Lane) -> LaneReport:
        try:
            return self.lane(scenario, lane)
        except LabFault:
            raise
        except Exception as fault:  # an operator's own scenario may raise anything
            frames = [
                f for f in traceback.extract_tb(fault.__traceback__) if f.filename.startswith(str(scenario.directory))
            ]
            where = f"{frames[-1].filename}:{frames[-1].lineno}: " if frames else ""
            nothing = LaneResult(self.plan_for(scenario).path.name, scenario.services, (), (), 0.0)
            said = str(getattr(fault, "orig", fault))
            return LaneReport(lane, nothing, (f"the scenario broke: {where}{type(fault).__name__}: {said}",))

    def lane(self, scenario: Scenario, lane: Lane) -> LaneReport:
        """One lane of one scenario, on a fresh copy of the cloud that is dropped afterwards."""
        plan = self.plan_for(scenario)
        key = f"{scenario.name}-{lane}"
        here = self.run.lane(key)
        prefix = f"{lane[0]}_{scenario.name.replace('-', '_')}"[:48]
        wanted = {d.name for release in plan.releases for d in plan.databases(release)}
        seeded = Snapshot(SEEDED_SHELF, self.shelved).only(wanted)
        none = self.laboratory.cloud(dataclasses.replace(self.site, **scenario.site), prefix, {}, here.path / "logs")
        with copied(none, prefix, seeded) as held, with_coming(held, plan, prefix) as cloud:
            with EventLog(here.events) as events:
                runner = Runner(
                    plan=plan,
                    run=here,
                    events=events,
                    known=self._looking(scenario),
                    injected=(scenario,),
                    checks=() if scenario.replaces else self.checks,
                    may_cure=_willing(scenario, lane, self.known),
                    lane=lane,
                    jobs=2,
                    cures=self.cures,
                    observe=False,
                )
                ran = runner.go(cloud)
            shown = self._shown(scenario, lane, plan, ran.cloud, ran.result, here)
        result = ran.result
        if lane == "naive":
            problems = judge_naive(scenario, result, _logs(here, result), plan.path.checks)
        else:
            problems = judge_cured(scenario, result)
        return LaneReport(lane, result, (*problems, *shown), str(here.path.relative_to(self.run.path)))

    def _shown(
        self, scenario: Scenario, lane: Lane, plan: Plan, cloud: Cloud, result: LaneResult, here: RunDirectory
    ) -> tuple[str, ...]:
        """What is wrong with what the APIs show, those of the damaged service alone."""
        symptom = scenario.symptom
        if lane not in self.ask_apis_in or not isinstance(symptom, Silent) or not symptom.shows or result.failed:
            return ()
        alone = dataclasses.replace(plan, chains=tuple(c for c in plan.chains if c.service == scenario.services[0]))
        laboratory = self.laboratory
        verification = verify(cloud, laboratory.lab, laboratory.workshop, alone, "smoke", here.path, lambda _text: None)
        return judge_shown(scenario, lane, verification.findings)

    def _looking(self, scenario: Scenario) -> Sequence[Scenario]:
        return [s for s in self.known if s.name == scenario.name or (s.universal and not scenario.replaces)]


def _willing(scenario: Scenario, lane: Lane, known: Sequence[Scenario]) -> Callable[[str], bool]:
    universal = {s.name for s in known if s.universal}
    if lane == "cured":
        return lambda name: name == scenario.name or name in universal
    return lambda name: name != scenario.name and name in universal


def _logs(run: RunDirectory, result: LaneResult) -> Mapping[str, str]:
    return {
        step.step: run.log(step.step).read_text("utf-8", "replace")
        for step in result.steps
        if step.outcome is not Outcome.SKIPPED and run.log(step.step).exists()
    }

"""Running a plan on a cloud: at each stage inject, look, cure, and look again; between stages the real tools.

The same code runs a rehearsal, a naive lane and a cured lane; they differ in what is injected and what may be cured.
"""

from __future__ import annotations

import itertools
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.exc import DBAPIError

from osupgrade.checks import Check
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.steps import relocate, run_finish, run_hop
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.errors import Fault, LabFault, UsageFault
from osupgrade.model.events import EventLog, Kind
from osupgrade.model.finding import Evidence, Finding, Severity, Sql
from osupgrade.model.plan import Chain, Plan
from osupgrade.model.release import Hop
from osupgrade.model.report import LaneResult, StagedFinding, State
from osupgrade.model.stage import SEEDED, VERIFY, Stage
from osupgrade.model.step import Outcome, StepResult
from osupgrade.scenarios.contract import Lane, Preflight, RestoreFails, Scenario

MayCure = Callable[[str], bool]
"""Whether the findings of the scenario of this name may be cured."""


def cure_none(_name: str) -> bool:
    """Cure nothing."""
    return False


def cure_all(_name: str) -> bool:
    """Cure everything that has a cure."""
    return True


class Refused(Exception):
    """The cloud cannot even be brought to where its hops are done; the text says why."""


@dataclass
class Rehearsal:
    """One run of a plan on one cloud.

    ``known`` are the scenarios whose preflights look at the cloud; ``injected`` those put into it. ``lane`` says which
    of the scenarios' replacements of steps apply. ``keep_schema`` writes the schema after each stage.
    """

    plan: Plan
    cloud: Cloud
    run: RunDirectory
    events: EventLog
    known: Sequence[Scenario] = ()
    injected: Sequence[Scenario] = ()
    checks: Sequence[Check] = ()
    may_cure: MayCure = cure_all
    lane: Lane = "cured"
    jobs: int = 5
    keep_schema: Callable[[Cloud, str], str] | None = None
    told_before: Sequence[Finding] = ()
    """Findings made before the cloud stood, such as those about its dumps."""
    until: str = ""
    """A step before which to stop, with everything done that leads there."""
    departure: Callable[[Cloud], tuple[Cloud, Sequence[Finding]]] | None = None
    """Done once the traps are in the cloud and before anything is cured: gives the cloud on which the hops are done,
    and what was lost on the way there. May raise Refused."""
    surveyor: Callable[[Cloud], None] | None = None
    """Sees the cloud at ``seeded`` as the operator has it: every trap put in, nothing cured yet."""
    observe: bool = True
    """Whether every single migration is observed."""
    _steps: list[StepResult] = field(default_factory=list)
    _findings: list[StagedFinding] = field(default_factory=list)
    _census: dict[str, Any] = field(default_factory=dict)
    _probes: dict[str, Evidence] = field(default_factory=dict)
    _checked: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _began: float = 0.0

    def go(self) -> LaneResult:
        """Run the whole plan; raises Fault only for what is not the cloud's doing."""
        try:
            return self._go()
        except DBAPIError as fault:
            self._require_database(str(fault.orig))
            raise

    def _go(self) -> LaneResult:
        self._began = time.monotonic()
        refused = self._seeded()
        if not refused:
            self._all_chains()
            self._finish()
            if not self.until:
                self._stage(VERIFY, self.plan.services)
        return LaneResult(
            path=self.plan.path.name,
            services=self.plan.services,
            steps=tuple(self._steps),
            findings=tuple(self._findings),
            seconds=time.monotonic() - self._began,
            probes=self._probes,
            checked=dict(self._checked),
            injected=tuple(s.name for s in self.injected),
            refused=refused,
            planned=self.plan.steps,
        )

    def _seeded(self) -> str:
        relocate(self.cloud, self.plan.first)
        for scenario in self.injected:
            try:
                self._inject(SEEDED, scenario)
            except UsageFault as fault:
                if not isinstance(scenario.symptom, RestoreFails):
                    raise
                # There is no database to look at, but a dump; only this scenario knows where it lies.
                self._look(SEEDED, scenario)
                mine = [s for s in self._findings if s.finding.source == scenario.name]
                if not mine or any(s.state is State.STANDING for s in mine):
                    return f"{fault.message}\n{fault.evidence}".strip()
        if self.departure:
            try:
                self.cloud, lost = self.departure(self.cloud)
            except Refused as refused:
                return str(refused)
            self._record(SEEDED, lost, State.STANDING)
        if self.surveyor:
            self.surveyor(self.cloud)
        self._record(SEEDED, self.told_before, State.STANDING)
        self._stage(SEEDED, self.plan.services, inject=False)
        # After the cures of this stage: what the operator mends on purpose before the first hop is no damage.
        for check in self.checks:
            if self._applies(check):
                self._census[check.name] = check.census(self.cloud)
        return ""

    def _all_chains(self) -> None:
        leading = [chain for chain in self.plan.chains if self.until in {hop.step for hop in chain.hops}]
        pool = ThreadPoolExecutor(max(1, self.jobs))
        try:
            for future in as_completed([pool.submit(self._chain, chain) for chain in leading or self.plan.chains]):
                future.result()
        finally:
            # A chain that still waits for a tool ends when the lab removes the tool's container.
            pool.shutdown(wait=False, cancel_futures=True)

    def _chain(self, chain: Chain) -> None:
        for hop in chain.hops:
            self._stage(Stage.before(hop.step), (chain.service,))
            if hop.step == self.until or not self._hop(hop):
                return
            self._stage(Stage.after(hop.step), (chain.service,))

    def _hop(self, hop: Hop) -> bool:
        self.events.tell(Kind.STEP_STARTED, f"{hop.source} to {hop.target}", step=hop.step, service=hop.service)
        source, release = (next(r for r in self.plan.releases if r.name == n) for n in (hop.source, hop.target))
        result = run_hop(
            self.cloud,
            release,
            hop.service,
            self.run.log(hop.step),
            self.run.config(hop.step),
            source=source,
            instead=self._replacement(hop.step),
            record=self.run.record(hop.step) if self.observe else None,
        )
        return self._ended(result)

    def _finish(self) -> None:
        finish = self.plan.finish
        if finish is None or self.until not in ("", finish.name):
            return
        if any(s.service == finish.service and s.outcome is Outcome.FAILED for s in self._steps):
            return
        self._stage(Stage.before(finish.name), self.plan.services)
        if self.until:
            return
        self.events.tell(Kind.STEP_STARTED, finish.command.name, step=finish.name, service=finish.service)
        result = run_finish(
            self.cloud,
            finish,
            self.plan.last,
            self.run.log(finish.name),
            self.run.config(finish.name),
            instead=self._replacement(finish.name),
            record=self.run.record(finish.name) if self.observe else None,
        )
        if self._ended(result):
            self._stage(Stage.after(finish.name), self.plan.services)

    def _require_database(self, evidence: str) -> None:
        """A tool that fails because the server went away tells nothing about the cloud."""
        if not self.cloud.server.alive():
            raise LabFault(
                "the database server stopped in the middle of the rehearsal",
                hint="look whether memory or disk ran out, then rehearse again",
                evidence=evidence,
            )

    def _ended(self, result: StepResult) -> bool:
        if result.outcome is Outcome.FAILED:
            self._require_database(result.diagnosis.error if result.diagnosis else "")
        started = time.monotonic() - self._began - result.seconds
        result = replace(result, started=max(0.0, round(started, 3)))
        with self._lock:
            self._steps.append(result)
        self._record(Stage.after(result.step), _unobserved(result), State.STANDING)
        error = result.diagnosis.error if result.diagnosis else "; ".join(result.problems)
        self.events.tell(Kind.STEP_ENDED, error, step=result.step, service=result.service, outcome=result.outcome.value)
        return result.outcome is not Outcome.FAILED

    def _replacement(self, step: str) -> Any:
        for scenario in self.injected:
            if (self.lane, step) in scenario.replacements:
                return scenario.replacements[self.lane, step]
        return None

    def _stage(self, stage: Stage, services: Sequence[str], *, inject: bool = True) -> None:
        """Everything that hangs on a stage, in this order: inject, look, cure and look again, probe, check."""
        if inject:
            self._inject(stage)
        for scenario in self.known:
            if scenario.services[0] in services:
                self._look(stage, scenario)
        for scenario in self.injected:
            for at, probe in scenario.probes:
                if at == stage:
                    self._probes[scenario.name] = probe(self.cloud)
            for at, verification in scenario.verifications:
                if at == stage and self.lane == "cured":
                    self._record(stage, verification(self.cloud), State.STANDING)
        for check in self.checks:
            if stage in check.stages and check.name in self._census and self._reached(check, stage):
                self._checked[check.name] += 1
                findings = list(check.compare(self.cloud, self._census[check.name]))
                self._record(stage, findings, State.STANDING)
                outcome = "failed" if findings else "passed"
                self.events.tell(Kind.CHECKED, check.title, step=str(stage), outcome=outcome)
        if self.keep_schema:
            for service in services:
                for database in self._databases(service):
                    self.run.schema(str(stage), database).write_text(self.keep_schema(self.cloud, database), "utf-8")

    def _inject(self, stage: Stage, *scenarios: Scenario) -> None:
        for scenario in scenarios or self.injected:
            for at, function in scenario.injections:
                if at == stage:
                    function(self.cloud)
                    self.events.tell(Kind.INJECTED, scenario.title, step=str(stage), service=scenario.services[0])

    def _look(self, stage: Stage, scenario: Scenario) -> None:
        for stages, preflight in scenario.preflights:
            its_own = stage in stages
            if not its_own and not (SEEDED in stages and stage in self._between(scenario.services[0])):
                continue
            found = self._ask(scenario, preflight)
            if not its_own:
                found = self._new(scenario, found)
            due = [f for f in found if f.cure and (f.cure.at is None or f.cure.at == stage)]
            later = [f for f in found if f.cure and f.cure.at not in (None, stage)]
            self._record(stage, [f for f in found if f.cure is None], State.STANDING)
            willing = self.may_cure(scenario.name)
            self._record(stage, later, State.SCHEDULED if willing else State.STANDING)
            if not (due and willing):
                self._record(stage, due, State.STANDING)
                continue
            started = time.monotonic()
            try:
                self._apply(stage, scenario, due)
            except (UsageFault, DBAPIError) as refusal:
                if isinstance(refusal, DBAPIError):
                    self._require_database(str(refusal.orig))
                self._record(stage, [*due, _refused(due[0], refusal)], State.STANDING)
                continue
            share = (time.monotonic() - started) / len(due)
            # What is left of a finding speaks with other numbers than before, so it is not told by being equal.
            left = [
                f for f in self._ask(scenario, preflight) if (f.cure.at in (None, stage) if f.cure else f not in found)
            ]
            self._record(stage, [f for f in due if f.place not in {g.place for g in left}], State.CURED, share)
            self._record(stage, left, State.STANDING)

    def _between(self, service: str) -> frozenset[Stage]:
        """After each hop of a service that another one follows: what is looked for at the start may have come since."""
        hops = [hop for chain in self.plan.chains if chain.service == service for hop in chain.hops]
        return frozenset(Stage.after(hop.step) for hop in hops[:-1])

    def _new(self, scenario: Scenario, found: Sequence[Finding]) -> list[Finding]:
        """What stands there besides what is known, and besides what a later stage of its own looks for and cures."""
        known = [s.finding for s in self._findings if s.finding.source == scenario.name and s.state is not State.CURED]
        return [f for f in found if f not in known and not (f.cure and f.cure.at)]

    def _ask(self, scenario: Scenario, preflight: Preflight) -> list[Finding]:
        try:
            return list(preflight(self.cloud))
        except Fault:
            raise
        except Exception as fault:  # one broken preflight must not take the others down
            where = traceback.extract_tb(fault.__traceback__)[-1]
            return [
                Finding(
                    source=scenario.name,
                    severity=Severity.ERROR,
                    service=scenario.services[0],
                    place=f"{where.filename}:{where.lineno}",
                    message=f"the preflight itself failed: {type(fault).__name__}: {fault}",
                )
            ]

    def _apply(self, stage: Stage, scenario: Scenario, findings: Sequence[Finding]) -> None:
        if stage in scenario.treatments:
            self.cloud = scenario.treatments[stage](self.cloud, findings) or self.cloud
        else:
            apply_statements(self.cloud, findings)
        for finding in findings:
            assert finding.cure is not None
            self.events.tell(Kind.CURED, finding.cure.summary, step=str(stage), service=finding.service)

    def _record(self, stage: Stage, findings: Iterable[Finding], state: State, cured_in: float = 0.0) -> None:
        for finding in findings:
            with self._lock:
                self._findings.append(StagedFinding(stage, finding, state, cured_in))
            self.events.tell(
                Kind.FINDING, finding.message, step=str(stage), service=finding.service, outcome=state.value
            )

    def _applies(self, check: Check) -> bool:
        return check.name in self.plan.path.checks and set(check.services) <= set(self.plan.services)

    def _reached(self, check: Check, stage: Stage) -> bool:
        """An invariant of the path's end says nothing of a service that stopped half-way."""
        stopped = {s.service for s in self._steps if s.outcome is Outcome.FAILED}
        return stage != VERIFY or not stopped & set(check.services)

    def _databases(self, service: str) -> Iterable[str]:
        for database in self.plan.last.services[service].databases:
            if self.cloud.has(database.name):
                yield database.name


def _unobserved(result: StepResult) -> Iterable[Finding]:
    for text in result.unobserved:
        yield Finding(
            source="observe",
            severity=Severity.INFO,
            service=result.service,
            place=result.step,
            message=f"its migrations could not all be observed: {text}",
            consequence="times and rows of single migrations may be missing; the step itself is judged without them",
        )


def _refused(finding: Finding, refusal: UsageFault | DBAPIError) -> Finding:
    """What to say of a cure whose precondition does not hold; the finding itself stands."""
    said = refusal.message if isinstance(refusal, UsageFault) else str(refusal.orig)
    hint = refusal.hint if isinstance(refusal, UsageFault) else "carry the cure out by hand, statement by statement"
    return Finding(
        finding.source, Severity.ERROR, finding.service, finding.place, f"its cure is refused: {said}", hint or ""
    )


def apply_statements(cloud: Cloud, findings: Sequence[Finding]) -> None:
    """Carry out the findings' cures as they are stated; a run of statements on one database in one session."""
    steps = [step for finding in findings if finding.cure for step in finding.cure.steps if isinstance(step, Sql)]
    for service, group in itertools.groupby(steps, key=lambda step: step.service):
        cloud.execute(service, *(step.statement for step in group))

"""Running a plan on a cloud: at each stage inject, look, cure, and look again; between stages the real tools.

The same code runs a rehearsal, a naive lane and a cured lane; they differ in what is injected and what may be cured.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from sqlalchemy.exc import DBAPIError

from osupgrade.checks import Check
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.gates import Gates, waiting_last
from osupgrade.cloud.merging import merged
from osupgrade.cloud.passed import Passed, adapted, passed_over
from osupgrade.cloud.route import Step, finish_steps, service_steps
from osupgrade.cloud.steps import relocate
from osupgrade.dump.limits import limits
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.errors import UsageFault
from osupgrade.model.events import EventLog, Kind
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.plan import SERVER, Plan, Segment, ServerMove
from osupgrade.model.report import LaneResult, State
from osupgrade.model.stage import SEEDED, VERIFY, Stage
from osupgrade.model.step import Outcome, StepResult
from osupgrade.rehearsal.asking import error_text, looked, require_alive
from osupgrade.rehearsal.cures import Cures, MayCure, cure_all
from osupgrade.rehearsal.ledger import Ledger
from osupgrade.rehearsal.servers import Moved
from osupgrade.scenarios.contract import Instead, Lane, RestoreFails, Scenario, ScenarioFault, call


class Refused(Exception):
    """The cloud cannot even be brought to where its hops are done; the text says why."""


class Arriving(Protocol):
    """Something that is done once the traps are in the cloud and before anything is cured."""

    def before(self, cloud: Cloud) -> Cloud:
        """The cloud on which the steps run, the same one or another. May raise Refused."""
        ...


@dataclass(frozen=True)
class Ran:
    """What came of a run, and the cloud as its last step left it."""

    result: LaneResult
    cloud: Cloud


@dataclass(frozen=True)
class Runner:
    """Takes clouds along a plan. It holds only what it was given: :meth:`go` may be called several times.

    ``known`` are the scenarios whose preflights look at the cloud; ``injected`` those put into it. ``lane`` says which
    of the scenarios' replacements of steps apply.
    """

    plan: Plan
    run: RunDirectory
    events: EventLog
    known: Sequence[Scenario] = ()
    injected: Sequence[Scenario] = ()
    checks: Sequence[Check] = ()
    may_cure: MayCure = cure_all
    lane: Lane = "cured"
    jobs: int = 6
    keep_schema: Callable[[Cloud, str], str] | None = None
    """Gives the schema of one database, which is kept after each stage."""
    known_before: Sequence[Finding] = ()
    """Findings made before the cloud was in the database, such as those about its dumps."""
    until: str = ""
    """A step before which to stop, with everything done that leads there."""
    arriving: Sequence[Arriving] = ()
    cures: type[Cures] = Cures
    """Applies the cures."""
    moving: Callable[[Cloud, ServerMove], Moved] | None = None
    """Migrates the cloud to another server; required if the plan has such steps."""
    observe: bool = True
    """Whether every single migration is observed."""

    def go(self, cloud: Cloud) -> Ran:
        """Take the cloud along the whole plan; raises Fault only for what is not the cloud's doing."""
        ledger = Ledger(self.events)
        course = _Course(self, ledger, self.cures(self.may_cure, ledger, self.events), time.monotonic())
        try:
            return course.go(cloud)
        except (DBAPIError, ScenarioFault) as fault:
            cause = fault.__cause__ if isinstance(fault, ScenarioFault) else fault
            if isinstance(cause, DBAPIError):
                require_alive(cloud, error_text(cause))
            raise


@dataclass(frozen=True)
class _Course:
    """One run. Each chain has a cloud value of its own; the ledger is all that they share."""

    runner: Runner
    ledger: Ledger
    cures: Cures
    began: float
    passed: Mapping[str, Passed] = field(default_factory=dict)
    """The steps that the cloud had behind it when it came."""
    census: Mapping[str, Any] = field(default_factory=dict)
    """What the invariants noted of the cloud before the first step."""

    def go(self, cloud: Cloud) -> Ran:
        plan = self.runner.plan
        cloud, refused = self._arrived(cloud)
        if not refused:
            passed = passed_over(cloud, plan)
            course = dataclasses.replace(self, passed={one.step: one for one in passed})
            cloud = course.seeded(adapted(cloud, plan, passed))
            course = dataclasses.replace(course, census=course.noted(cloud))
            cloud = course.chains(cloud)
            cloud = course.finish(cloud)
            if not self.runner.until:
                cloud = course.stage(cloud, VERIFY, plan.services)
        injected = tuple(scenario.name for scenario in self.runner.injected)
        return Ran(self.ledger.result(plan, time.monotonic() - self.began, injected, refused), cloud)

    def _arrived(self, cloud: Cloud) -> tuple[Cloud, str]:
        """Put the traps in and look at the cloud as it is then; why it cannot go on, or nothing."""
        relocate(cloud, self.runner.plan.first)
        for scenario in self.runner.injected:
            try:
                self._inject(cloud, SEEDED, scenario)
            except UsageFault as fault:
                if isinstance(fault, ScenarioFault) or not isinstance(scenario.symptom, RestoreFails):
                    raise
                # There is no database to look at, but a dump; only this scenario knows where it lies.
                cloud = self.cures.look(cloud, SEEDED, scenario)
                mine = self.ledger.of(scenario.name)
                if not mine or any(found.state is State.UNRESOLVED for found in mine):
                    return cloud, f"{fault.message}\n{fault.evidence}".strip()
        for phase in self.runner.arriving:
            try:
                cloud = phase.before(cloud)
            except Refused as refused:
                return cloud, str(refused)
        return cloud, ""

    def seeded(self, cloud: Cloud) -> Cloud:
        """Look at the cloud before its first step, and cure what is due then."""
        self.ledger.record(SEEDED, self.runner.known_before, State.UNRESOLVED)
        self.ledger.record(SEEDED, [one.finding for one in self.passed.values()], State.UNRESOLVED)
        return self.stage(cloud, SEEDED, self.runner.plan.services, inject=False)

    def noted(self, cloud: Cloud) -> Mapping[str, Any]:
        """Taken after the cures at the start: what the operator fixes on purpose before the first step is no damage."""
        taken = {}
        for check in self.runner.checks:
            if self._applies(check):
                value, failed = looked(check.name, "invariant", _service(check), cloud, partial(check.census, cloud))
                if failed is None:
                    taken[check.name] = value
                else:
                    self.ledger.record(SEEDED, [failed], State.UNRESOLVED)
        return taken

    def chains(self, cloud: Cloud) -> Cloud:
        """Every chain, several at a time; the cloud with what each of them changed."""
        gates = Gates(self.runner.plan)
        for segment in self.runner.plan.segments:
            cloud = self._segment(cloud, segment, gates)
            if self.runner.until in {step for chain in segment.chains for step in chain.steps}:
                return cloud
            if segment.move:
                if self.runner.until == segment.move.name:
                    return cloud
                cloud = self._move(cloud, segment.move)
                if SERVER in self.ledger.stopped:
                    return cloud
        return cloud

    def _segment(self, cloud: Cloud, segment: Segment, gates: Gates) -> Cloud:
        plan, until = self.runner.plan, self.runner.until
        chains = [service_steps(plan, chain) for chain in waiting_last(plan, segment.chains)]
        leading = [steps for steps in chains if until in {step.name for step in steps}]
        stopped = self.ledger.stopped
        pool = ThreadPoolExecutor(max(1, self.runner.jobs))
        try:
            running = []
            for steps in leading or chains:
                if steps and steps[0].service in stopped:
                    gates.close([step.name for step in steps])
                else:
                    running.append(pool.submit(self._chain, cloud, steps, gates))
            for future in as_completed(running):
                future.result()
        finally:
            gates.close([step.name for steps in chains for step in steps])
            # A chain that still waits for a tool ends when the lab removes the tool's container.
            pool.shutdown(wait=False, cancel_futures=True)
        return merged(cloud, [future.result() for future in running])

    def _move(self, cloud: Cloud, move: ServerMove) -> Cloud:
        """Migrate the cloud to another server; the same cloud if that server refuses the dumps."""
        runner, plan = self.runner, self.runner.plan
        assert runner.moving is not None
        cloud = self.stage(cloud, Stage.before(move.name), plan.services)
        runner.events.tell(Kind.STEP_STARTED, f"to {move.database}", step=move.name)
        moved = runner.moving(cloud, move)
        self._ended(cloud, moved.result, moved.findings)
        return self.stage(moved.cloud, Stage.after(move.name), plan.services)

    def _chain(self, cloud: Cloud, steps: Sequence[Step], gates: Gates) -> Cloud:
        try:
            for step in steps:
                if not self._is_done(step):
                    if not gates.passes(step.name):
                        return cloud
                    cloud = self.stage(cloud, Stage.before(step.name), (step.service,))
                    if step.name == self.runner.until or not self._run(cloud, step):
                        return cloud
                    cloud = self.stage(cloud, Stage.after(step.name), (step.service,))
                gates.ended(step.name)
            return cloud
        finally:
            gates.close([step.name for step in steps])

    def finish(self, cloud: Cloud) -> Cloud:
        """The steps that come after all chains, one after the other, until one of them fails."""
        plan, until = self.runner.plan, self.runner.until
        steps = finish_steps(plan)
        if until and until not in {step.name for step in steps}:
            return cloud
        for step in steps:
            if self.ledger.stopped & {step.service, SERVER}:
                return cloud
            if self._is_done(step):
                continue
            cloud = self.stage(cloud, Stage.before(step.name), plan.services)
            if step.name == until or not self._run(cloud, step):
                return cloud
            cloud = self.stage(cloud, Stage.after(step.name), plan.services)
        return cloud

    def _is_done(self, step: Step) -> bool:
        """Whether the cloud had the step behind it when it came: then nothing that is attached to it is done either."""
        one = self.passed.get(step.name)
        if one is not None:
            before = [ended for ended in self.ledger.steps if ended.service == step.service]
            held = before[-1].versions_after if before else one.versions
            self.ledger.ended(StepResult(step.name, step.service, one.release, Outcome.SKIPPED, 0.0, None, held, held))
        return one is not None

    def _run(self, cloud: Cloud, step: Step) -> bool:
        """Run a step; whether what follows it may run too."""
        runner = self.runner
        runner.events.tell(Kind.STEP_STARTED, step.title, step=step.name, service=step.service)
        result = step.run(
            cloud,
            runner.run.log(step.name),
            runner.run.config(step.name),
            instead=self._instead(step.name),
            record=runner.run.record(step.name) if runner.observe else None,
        )
        self._ended(cloud, result, _unobserved(result))
        return result.outcome is not Outcome.FAILED

    def _ended(self, cloud: Cloud, result: StepResult, findings: Iterable[Finding]) -> None:
        """Write down a step that ends now, and what was found in it; raises Fault where the server is gone."""
        if result.outcome is Outcome.FAILED:
            require_alive(cloud, result.diagnosis.error if result.diagnosis else "")
        started = time.monotonic() - self.began - result.seconds
        self.ledger.ended(dataclasses.replace(result, started=max(0.0, round(started, 3))))
        self.ledger.record(Stage.after(result.step), findings, State.UNRESOLVED)

    def _instead(self, step: str) -> Instead | None:
        for scenario in self.runner.injected:
            if (self.runner.lane, step) in scenario.replacements:
                return partial(call, scenario, scenario.replacements[self.runner.lane, step])
        return None

    def stage(self, cloud: Cloud, stage: Stage, services: Sequence[str], *, inject: bool = True) -> Cloud:
        """Everything that is attached to a stage, in this order: inject, look, cure and look again, probe, check."""
        if inject:
            for scenario in self.runner.injected:
                self._inject(cloud, stage, scenario)
        looking = [one for one in self.runner.known if one.services[0] in services and self._may_bite(one)]
        cured = self.ledger.cured
        for scenario in looking:
            again = stage in self._between(scenario.services[0]) and self._ahead(scenario)
            cloud = self.cures.look(cloud, stage, scenario, again=again)
        if self.ledger.cured > cured:
            for scenario in looking:
                self.cures.look_back(cloud, stage, scenario)
        self._probe(cloud, stage)
        self._check(cloud, stage)
        if self.runner.keep_schema:
            for service in services:
                for database in self._databases(cloud, service):
                    text = self.runner.keep_schema(cloud, database)
                    self.runner.run.schema(str(stage), database).write_text(text, "utf-8")
        return cloud

    def _may_bite(self, scenario: Scenario) -> bool:
        """Whether a step is still to come at which the scenario's trap is met."""
        return not self.passed or not set(scenario.hops) & set(self.runner.plan.steps) <= self.passed.keys()

    def _ahead(self, scenario: Scenario) -> bool:
        """Whether a step at which the scenario's trap is met has not been run yet."""
        mine = set(scenario.hops) & set(self.runner.plan.steps)
        return not mine or not mine <= {ended.step for ended in self.ledger.steps}

    def _inject(self, cloud: Cloud, stage: Stage, scenario: Scenario) -> None:
        for at, function in scenario.injections:
            if at == stage:
                call(scenario, function, cloud, seconds=limits().change)
                self.runner.events.tell(Kind.INJECTED, scenario.title, step=str(stage), service=scenario.services[0])

    def _probe(self, cloud: Cloud, stage: Stage) -> None:
        for scenario in self.runner.injected:
            for at, probe in scenario.probes:
                if at == stage:
                    self.ledger.probed(scenario.name, call(scenario, probe, cloud, seconds=limits().look))
            for at, verification in scenario.verifications:
                if at == stage and self.runner.lane == "cured":
                    found = call(scenario, verification, cloud, seconds=limits().look)
                    self.ledger.record(stage, found, State.UNRESOLVED)

    def _check(self, cloud: Cloud, stage: Stage) -> None:
        for check in self.runner.checks:
            if not _holds_at(check, stage) or check.name not in self.census or not self._reached(check, stage):
                continue
            before = self.census[check.name]
            findings, failed = looked(
                check.name, "invariant", _service(check), cloud, partial(_compared, check, cloud, before)
            )
            if failed is not None:
                self.ledger.record(stage, [failed], State.UNRESOLVED)
                continue
            self.ledger.record(stage, findings or (), State.UNRESOLVED)
            self.ledger.checked(stage, check.name, check.title, failed=bool(findings))

    def _between(self, service: str) -> frozenset[Stage]:
        """After each step of a service that another one follows: what the start looks for may have come since."""
        steps = [hop.step for chain in self.runner.plan.chains if chain.service == service for hop in chain.hops]
        return frozenset(Stage.after(step) for step in steps[:-1])

    def _applies(self, check: Check) -> bool:
        plan = self.runner.plan
        return check.name in plan.path.checks and set(check.services) <= set(plan.services)

    def _reached(self, check: Check, stage: Stage) -> bool:
        """An invariant of the path's end says nothing of a service that stopped halfway."""
        return stage != VERIFY or not self.ledger.stopped & set(check.services)

    def _databases(self, cloud: Cloud, service: str) -> Iterable[str]:
        for database in self.runner.plan.last.services[service].databases:
            if cloud.has(database.name):
                yield database.name


def _holds_at(check: Check, stage: Stage) -> bool:
    if check.every_hop and stage.moment == "after":
        return stage.step.partition("/")[2] == check.services[0]
    return stage in check.stages


def _service(check: Check) -> str:
    """The service that a finding about the check itself is of; an invariant of the whole cloud is of none."""
    return check.services[0] if check.services else ""


def _compared(check: Check, cloud: Cloud, before: Any) -> list[Finding]:
    return list(check.compare(cloud, before))


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

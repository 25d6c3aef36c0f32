"""The outcome of a rehearsal: its report, with the exit status, the verdict and the next command, decided once."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import Laboratory
from osupgrade.dump.start import onward_from
from osupgrade.history import History, judge_by_past
from osupgrade.history.inputs import input_digest
from osupgrade.model.errors import Exit
from osupgrade.model.finding import Finding
from osupgrade.model.findings import settled
from osupgrade.model.plan import Plan
from osupgrade.model.report import KeptDatabase, LaneResult, Manifest, RunReport, StagedFinding, State
from osupgrade.model.step import Outcome
from osupgrade.rehearsal.judge import Judged
from osupgrade.rehearsal.manifest import manifest
from osupgrade.rehearsal.prepare import Prepared, Task
from osupgrade.rehearsal.request import Request


@dataclass(frozen=True)
class Circumstances:
    """What a report has of a run besides its findings. ``where`` is the run's directory."""

    manifest: Manifest
    seconds: float
    where: str
    kept: KeptDatabase | None = None


def outcome(task: Task, judged: Judged, around: Circumstances, history: History | None = None) -> RunReport:
    """The report of a rehearsal. Past runs have a say: a difference from the last one that came through is an error."""
    request, plan = task.request, task.plan
    report = RunReport(
        kind="rehearsal",
        manifest=around.manifest,
        exit_status=Exit.CAME_THROUGH if judged.result.came_through else Exit.DID_NOT,
        verdict="",
        next_command="",
        seconds=around.seconds,
        result=dataclasses.replace(judged.result, findings=_with_commands(task, judged.result.findings)),
        api=judged.calls,
        schemas=judged.schemas,
        rows=judged.rows,
        sizes=judged.sizes,
        invariants={check.name: check.title for check in task.checks},
        level=request.level or "",
        times=request.times,
        strategy=judged.strategy,
        hashes=judged.hashes,
        contents=judged.contents,
        estimate=judged.estimate,
        kept=around.kept,
    )
    return conclude(report, plan, request, around.where, history)


def conclude(report: RunReport, plan: Plan, request: Request, where: str, history: History | None) -> RunReport:
    """The report of all findings, with the outcome: comparison with past runs, exit status, verdict, next command."""
    differences, notes = judge_by_past(report, history)
    assert report.result is not None
    result = dataclasses.replace(report.result, findings=(*report.result.findings, *differences))
    differs = report.result.came_through and not result.came_through
    return dataclasses.replace(
        report,
        result=result,
        exit_status=Exit.CAME_THROUGH if result.came_through else Exit.DID_NOT,
        verdict=DIFFERS if differs else sentence(result, plan),
        next_command=accepting(where) if differs else next_command(result, where, request, plan.last.name),
        notes=(*report.notes, *notes),
    )


DIFFERS = "the cloud came through, but its data differs from the last passing run of the same input"


def accepting(where: str) -> str:
    """What to run when a difference from an earlier run is meant."""
    return f"osupgrade report {where} --accept  (if the difference is meant)"


def sentence(result: LaneResult, plan: Plan) -> str:
    """The verdict in one sentence."""
    if result.refused:
        return "the cloud could not be set up"
    if result.came_through and _idle(result):
        return f"the cloud is at {plan.end} already: there was nothing to run"
    if result.came_through:
        return f"the cloud came through from {_begun(result, plan)} to {plan.end}"
    parts = []
    if result.failed:
        parts.append(f"it stopped at {', '.join(step.step for step in result.failed)}")
    if result.unresolved:
        errors = len(settled(result.unresolved))
        parts.append(f"{errors} error{'s are' if errors > 1 else ' is'} unresolved")
    return f"the cloud did not come through: {' and '.join(parts)}"


def _begun(result: LaneResult, plan: Plan) -> str:
    """The release that the whole cloud had when it came: every hop up to it was passed over."""
    begun = plan.first.name
    moves = {move.name for move in plan.moves}
    for release in plan.releases[1:]:
        hops = [step for step in result.steps if step.release == release.name and step.step not in moves]
        if not hops or any(step.outcome is not Outcome.SKIPPED for step in hops):
            break
        begun = release.name
    return begun


def _idle(result: LaneResult) -> bool:
    """Whether every step was passed over."""
    return bool(result.steps) and all(step.outcome is Outcome.SKIPPED for step in result.steps)


def next_command(result: LaneResult, where: str, request: Request, last: str) -> str:
    """What the operator does next; ``last`` is the release at which the rehearsal ended."""
    if result.came_through and _idle(result) and (command := onward_from(last, map(str, request.dumps))):
        return command
    if result.came_through:
        return f"osupgrade report {where} --runbook"
    # A cure that was applied and did not hold, or was refused, does not help a second time.
    curable = {s.finding.source for s in result.unresolved if s.finding.cure and not request.may_cure(s.finding.source)}
    if curable:
        applied = request.cures if isinstance(request.cures, tuple) else ()
        return f"{request.command(sorted({*applied, *curable}))}  # the cures are in {where}/report.html"
    logs = [step.log for step in result.failed if step.log]
    return f"read {where}/logs/{logs[0]}" if logs else f"read {where}/report.html"


def trying(findings: Sequence[Finding], request: Request, scenarios: Sequence[str]) -> tuple[Finding, ...]:
    """The findings, each that a scenario can cure with the command that does it on this very cloud."""
    return tuple(
        dataclasses.replace(finding, command=request.command([finding.source]))
        if finding.cure and finding.source in scenarios
        else finding
        for finding in findings
    )


def _with_commands(task: Task, findings: Sequence[StagedFinding]) -> tuple[StagedFinding, ...]:
    names = [scenario.name for scenario in task.known]
    return tuple(
        dataclasses.replace(staged, finding=trying([staged.finding], task.request, names)[0]) for staged in findings
    )


def circumstances(prepared: Prepared, judged: Judged, started: str, seconds: float, where: str) -> Circumstances:
    """What only the open laboratory can say; with ``keep``, everything is left up."""
    task, laboratory = prepared.task, prepared.laboratory
    request = task.request
    made = manifest(laboratory, task.plan, prepared.brought.origin, request.site, started, request.data())
    made = dataclasses.replace(made, input=_input_of(task, laboratory, prepared.brought.origin, judged.result))
    return Circumstances(made, seconds, where, _keep(laboratory, judged.cloud) if request.keep else None)


def _input_of(task: Task, laboratory: Laboratory, origin: str, result: LaneResult) -> str:
    """The digest by which later runs know that they are of the same input; see ``history.inputs``."""
    moves = [f"{move.database}@{move.release}" for move in task.plan.servers]
    names = [*task.plan.path.releases, laboratory.database, *filter(None, [laboratory.new_database])]
    names += laboratory.others
    scenarios = {s.name: s for s in (*task.known, *task.injected)}
    used = {*result.injected, *(s.finding.source for s in result.findings if s.state is State.CURED)}
    return input_digest(
        plan=task.plan,
        images={name: laboratory.images[name] for name in names},
        origin=origin,
        site=task.request.site,
        naive=task.request.naive,
        scenarios=[s for name, s in sorted(scenarios.items()) if name in used],
        more={"new": laboratory.new_database} if laboratory.new else {"servers": " ".join(moves)} if moves else {},
    )


def _keep(laboratory: Laboratory, cloud: Cloud) -> KeptDatabase:
    """Leave everything up; how to reach the database."""
    laboratory.lab.leave_running()
    login = cloud.lab_server.admin
    return KeptDatabase(login.host, login.port, login.user, login.password, dict(cloud.databases))

"""Doing a hop: the later release's own tool on the cloud's databases, with the evidence for its verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from osupgrade.cloud import Cloud
from osupgrade.engine.exec import ToolRun
from osupgrade.engine.workshop import Overlay, render
from osupgrade.model import Command, Finish, Outcome, Release, ServiceRelease, StepResult
from osupgrade.verdict import Versions, diagnose, judge, judge_check


def versions(cloud: Cloud, part: ServiceRelease) -> Versions:
    """What the version tables of a service's databases hold."""
    return {d.name: cloud.versions(d.name, d.version_table) for d in part.databases if cloud.has(d.name)}


def relocate(cloud: Cloud, release: Release) -> None:
    """Tell the databases of a copy where they themselves now are (nova's cell mappings hold whole URLs)."""
    for part in release.services.values():
        if not part.relocate or not all(cloud.has(d.name) for d in part.databases):
            continue
        assert cloud.workshop is not None
        context = cloud.workshop.release(release.name).context(cloud.setting)
        for sql in part.relocate:
            cloud.execute(sql.service, render(sql.statement, context))


def run_hop(
    cloud: Cloud,
    release: Release,
    service: str,
    log: Path,
    config: Path,
    *,
    create: bool = False,
    overlay: Overlay | None = None,
    instead: Callable[[Cloud], Sequence[ToolRun]] | None = None,
) -> StepResult:
    """Take a service's databases to ``release``; ``create`` makes the schema on empty ones.

    ``instead`` runs in place of the release's own calls; when it runs nothing, the hop was skipped. The log and the
    configuration are kept at the paths given.
    """
    part = release.services[service]
    before = versions(cloud, part)
    started = time.monotonic()
    runs: list[tuple[str, ToolRun, tuple[int, ...]]] = []
    if instead is not None:
        done = instead(cloud)
        log.write_text("".join(run.output for run in done), "utf-8")
        runs = [(" ".join(run.argv[-3:]), run, (0,)) for run in done]
    else:
        for command in part.create if create else part.upgrade:
            run = _call(cloud, release.name, service, command, log, config, overlay)
            runs.append((command.name, run, command.accepts))
            if run.exit_status not in command.accepts:
                break
    seconds = time.monotonic() - started
    after = versions(cloud, part)
    if instead is not None and not runs:
        return StepResult(part.step, service, release.name, Outcome.SKIPPED, seconds, None, before, after)
    problems = judge(part.databases, after, [(name, run.exit_status, accepts) for name, run, accepts in runs])
    if not problems and not create:
        for command in part.check:
            run = _call(cloud, release.name, service, command, log, config, overlay)
            runs.append((command.name, run, command.accepts))
            problems += judge_check(command.name, run.exit_status, command.accepts, run.output, command.ignores)
    if not problems:
        for sql in part.started:
            cloud.execute(sql.service, sql.statement)
    return StepResult(
        step=part.step,
        service=service,
        release=release.name,
        outcome=Outcome.FAILED if problems else Outcome.PASSED,
        seconds=seconds,
        exit_status=runs[-1][1].exit_status,
        versions_before=before,
        versions_after=after,
        problems=problems,
        diagnosis=diagnose("\n".join(run.output for _, run, _ in runs)) if problems else None,
        log=log.name,
    )


def run_finish(
    cloud: Cloud,
    finish: Finish,
    release: Release,
    log: Path,
    config: Path,
    instead: Callable[[Cloud], Sequence[ToolRun]] | None = None,
) -> StepResult:
    """Do the last move of a path, such as ``ml2``; judged by its exit status and the tables that it must leave."""
    part = release.services[finish.service]
    before = versions(cloud, part)
    started = time.monotonic()
    if instead is not None:
        runs = tuple(instead(cloud))
        log.write_text("".join(run.output for run in runs), "utf-8")
    else:
        runs = (_call(cloud, release.name, finish.service, finish.command, log, config, None),)
    seconds = time.monotonic() - started
    after = versions(cloud, part)
    if not runs:
        return StepResult(finish.name, finish.service, release.name, Outcome.SKIPPED, seconds, None, before, after)
    missing = sorted(set(finish.tables) - cloud.tables(finish.service))
    statuses = [(finish.command.name, run.exit_status, finish.command.accepts) for run in runs]
    problems = judge(part.databases, after, statuses, missing)
    return StepResult(
        step=finish.name,
        service=finish.service,
        release=release.name,
        outcome=Outcome.FAILED if problems else Outcome.PASSED,
        seconds=seconds,
        exit_status=runs[-1].exit_status,
        versions_before=before,
        versions_after=after,
        problems=problems,
        diagnosis=diagnose("\n".join(run.output for run in runs)) if problems else None,
        log=log.name,
    )


def _call(
    cloud: Cloud, release: str, service: str, command: Command, log: Path, config: Path, overlay: Overlay | None
) -> ToolRun:
    assert cloud.workshop is not None
    container = cloud.workshop.release(release)
    return container.tool(service, command, cloud.setting, log=log, overlay=overlay, keep_config=config)

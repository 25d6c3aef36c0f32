"""Doing a hop: the later release's own tool on the cloud's databases, with the evidence for its verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from osupgrade.cloud.arrival import take_over
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.judge import Versions, diagnose, judge, judge_check, judge_start, judge_work
from osupgrade.lab.exec import ToolRun
from osupgrade.lab.observer.record import Observed
from osupgrade.lab.observer.recorder import Recorder
from osupgrade.lab.release_container import Overlay, render
from osupgrade.model.release import Arrival, Command, Finish, Release, ServiceRelease
from osupgrade.model.step import Outcome, StepResult
from osupgrade.schema.catalogue import expected_tables, line_of, revision_name


def versions(cloud: Cloud, part: ServiceRelease) -> Versions:
    """What the version tables of a service's databases hold."""
    return {
        d.name: cloud.versions(d.name, d.version_table, d.repositories) for d in part.databases if cloud.has(d.name)
    }


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
    source: Release | None = None,
    create: bool = False,
    first: str = "",
    overlay: Overlay | None = None,
    instead: Callable[[Cloud], Sequence[ToolRun]] | None = None,
    record: Path | None = None,
) -> StepResult:
    """Take a service's databases to ``release``; ``create`` makes the schema on empty ones.

    ``first`` is a directory in the release's container that comes first on its tools' PYTHONPATH.

    With ``source``, the release that the hop starts from, a tool that skipped it does not pass: databases must have
    stood at its head before, and must have the tables afterwards that ``release`` brings.
    ``instead`` runs in place of the release's own calls; when it runs nothing, the hop was skipped. The log and the
    configuration are kept at the paths given; with ``record``, a path too, every migration is observed.
    """
    part = release.services[service]
    cloud = observed(cloud, record)
    before = versions(cloud, part)
    started = time.monotonic()
    runs: list[tuple[str, ToolRun, tuple[int, ...]]] = []
    come = _comes(cloud, part, source)
    origin = None if come or source is None else source.services.get(service)
    stood = versions(cloud, origin) if origin else {}
    if come:
        run = take_over(cloud, come, lambda command: _call(cloud, release.name, service, command, log, config, overlay))
        runs.append((come.command.name, run, come.command.accepts))
    if instead is not None:
        done = instead(cloud)
        log.write_text("".join(run.output for run in done), "utf-8")
        runs = [(" ".join(run.argv[-3:]), run, (0,)) for run in done]
    else:
        for command in () if come and not runs[0][1].ok else part.create if create else part.upgrade:
            run = _call(cloud, release.name, service, command, log, config, overlay, first)
            runs.append((command.name, run, command.accepts))
            if run.exit_status not in command.accepts:
                break
    seconds = time.monotonic() - started
    after = versions(cloud, part)
    seen = _seen(cloud, part.step, service)
    calls = {name: run.seconds for name, run, _ in runs}
    if instead is not None and not runs:
        return StepResult(part.step, service, release.name, Outcome.SKIPPED, seconds, None, before, after)
    missing: list[str] = []
    skipped: tuple[str, ...] = ()
    if source is not None and origin is not None:
        missing = sorted(_brought(cloud, service, source, release, before) - cloud.tables(part.databases[0].name))
        if instead is None and not _within(cloud, service, source, before):
            skipped = judge_start(origin.databases, stood, source.name)
    statuses = [(name, run.exit_status, accepts) for name, run, accepts in runs]
    unfinished = [text for name, run, _ in runs for text in judge_work(name, run.output, part.unfinished)]
    problems = (*skipped, *judge(part.databases, after, statuses, missing), *unfinished)
    if not problems and not create:
        for command in part.check:
            run = _call(replace(cloud, recorder=None), release.name, service, command, log, config, overlay)
            runs.append((command.name, run, command.accepts))
            problems += judge_check(command.name, run.exit_status, command.accepts, run.output, command.ignores)
    if not problems:
        for each in part.started:
            cloud.execute(each.written.service, each.written.statement)
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
        calls=calls,
        migrations=seen.migrations,
        unobserved=seen.faults,
    )


def _comes(cloud: Cloud, part: ServiceRelease, source: Release | None) -> Arrival | None:
    """How the service comes to its own database, where this hop is the one that takes it there."""
    if source is None or part.arrival is None or part.service in source.services:
        return None
    return part.arrival if not cloud.tables(part.arrival.database) else None


def _within(cloud: Cloud, service: str, source: Release, before: Versions) -> bool:
    """Whether the database stood between the source's head and the hop's own, as after a cure that stamps it there."""
    line = None if cloud.site.core_plugin else line_of(service, cloud.site, source.name)
    if line is None:
        return False
    database = source.services[service].databases[0]
    start = line.position(revision_name(database.head))
    stood = line.position(revision_name(before.get(database.name, ())))
    return start is not None and stood is not None and stood >= start


def _brought(cloud: Cloud, service: str, source: Release, release: Release, before: Versions) -> frozenset[str]:
    """The tables that a release makes and the one before it has not, as far as the catalogue knows this plugin set.

    Of a database that was on the way already, only those that were still to come.
    """
    if cloud.site.core_plugin:
        return frozenset()
    line = line_of(service, cloud.site, source.name, release.name)
    if line is not None and _within(cloud, service, source, before):
        stood = line.position(revision_name(before.get(source.services[service].databases[0].name, ())))
        if stood is not None:
            return line.head(release.name).schema.names - line.revisions[stood].schema.names
    old = expected_tables(service, source.name, cloud.site)
    return expected_tables(service, release.name, cloud.site) - old if old else frozenset()


def run_finish(
    cloud: Cloud,
    finish: Finish,
    release: Release,
    log: Path,
    config: Path,
    instead: Callable[[Cloud], Sequence[ToolRun]] | None = None,
    record: Path | None = None,
) -> StepResult:
    """Do the last move of a path, such as ``ml2``; judged by its exit status and the tables that it must leave."""
    part = release.services[finish.service]
    cloud = observed(cloud, record)
    before = versions(cloud, part)
    started = time.monotonic()
    if instead is not None:
        runs = tuple(instead(cloud))
        log.write_text("".join(run.output for run in runs), "utf-8")
    else:
        runs = (_call(cloud, release.name, finish.service, finish.command, log, config, None),)
    seconds = time.monotonic() - started
    after = versions(cloud, part)
    seen = _seen(cloud, finish.name, finish.service)
    calls = {finish.command.name: seconds}
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
        calls=calls,
        migrations=seen.migrations,
        unobserved=seen.faults,
    )


def _call(
    cloud: Cloud,
    release: str,
    service: str,
    command: Command,
    log: Path,
    config: Path,
    overlay: Overlay | None,
    first: str = "",
) -> ToolRun:
    assert cloud.workshop is not None
    container = cloud.workshop.release(release)
    return container.tool(
        service,
        command,
        cloud.setting,
        log=log,
        overlay=overlay,
        keep_config=config,
        recorder=cloud.recorder,
        first=first,
    )


def observed(cloud: Cloud, record: Path | None) -> Cloud:
    """The same cloud, with what its tools do to it written down in ``record``."""
    if record is None:
        return cloud
    watcher = cloud.lab_server.watcher
    return replace(cloud, recorder=Recorder(record, f"{watcher.user}:{watcher.password}"))


def _seen(cloud: Cloud, step: str, service: str) -> Observed:
    return cloud.recorder.read(step, service, cloud.databases) if cloud.recorder else Observed()

"""Doing a hop: the later release's own tool on the cloud's databases, with the evidence for its verdict."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from osupgrade.catalog.revisions import behind, known
from osupgrade.cloud.arrival import take_over
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.endless import watched
from osupgrade.cloud.judge import Versions, diagnose, judge, judge_check, judge_start, judge_work
from osupgrade.cloud.jumps import jumps
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


def relocate(cloud: Cloud, release: Release, services: Sequence[str] = ()) -> None:
    """Tell the databases of a copy where they themselves now are (nova's cell mappings hold whole URLs).

    Those of some services alone, where ``services`` names them.
    """
    for part in release.services.values():
        if (
            (services and part.service not in services)
            or not part.relocate
            or not all(cloud.has(d.name) for d in part.databases)
        ):
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
    been at its head before, and must have the tables afterwards that ``release`` brings.
    ``instead`` runs in place of the release's own calls; when it runs nothing, the hop was skipped. The log and the
    configuration are kept at the paths given; with ``record``, a path too, every migration is observed.
    """
    part = release.services[service]
    cloud = observed(cloud, record)
    before = versions(cloud, part)
    started = time.monotonic()
    arrival = _arrival(cloud, part, source)
    origin = source.services.get(service) if source and not arrival else None
    start = versions(cloud, origin) if origin else {}

    tools = _Tools(cloud, release.name, service, log, config, overlay, first)
    runs = _arrived(cloud, arrival, replace(tools, first="").one)
    checked: list[_Done] = []
    if instead is not None:
        runs = _instead(cloud, instead, log)
    elif all(done.run.ok for done in runs):
        called, checked = _calls(part.create, (), tools) if create else _calls(part.upgrade, part.check, tools)
        runs += called
    seconds = time.monotonic() - started - sum(done.run.seconds for done in checked)
    after = versions(cloud, part)
    seen = _seen(cloud, part.step, service)
    if not runs:
        return StepResult(part.step, service, release.name, Outcome.SKIPPED, seconds, None, before, after)
    problems = _skipped(cloud, origin, start, source, release, before) if origin and source and not instead else ()
    missing = _brought(cloud, service, source, release, before) if origin and source else frozenset()
    gone = sorted(missing - cloud.tables(part.databases[0].name))
    problems += _stopped(runs) + judge(part.databases, after, [done.status for done in runs], gone)
    problems += tuple(text for done in runs for text in judge_work(done.name, done.run.output, part.unfinished))
    if problems:
        checked = []  # a failed hop is judged by its own problems alone
    elif not create:
        unseen = replace(tools, cloud=replace(cloud, recorder=None), first="")
        checked, problems = _checks(part, checked, unseen.one, source is not None and jumps(source, release))
    if not problems:
        for each in part.started:
            cloud.execute(each.written.service, each.written.statement)
    calls = {done.name: done.run.seconds for done in runs}
    result = StepResult(part.step, service, release.name, Outcome.PASSED, seconds, None, before, after, calls=calls)
    return _judged(result, [*runs, *checked], problems, log, seen)


@dataclass(frozen=True)
class _Done:
    """A call that was made, by its name, and the exit statuses that count as success."""

    name: str
    run: ToolRun
    accepts: tuple[int, ...] = (0,)

    @classmethod
    def of(cls, command: Command, run: ToolRun) -> _Done:
        return cls(command.name, run, command.accepts)

    @property
    def status(self) -> tuple[str, int, tuple[int, ...]]:
        return self.name, self.run.exit_status, self.accepts


def _calls(commands: Sequence[Command], checks: Sequence[Command], tools: _Tools) -> tuple[list[_Done], list[_Done]]:
    """Run the commands one after the other, up to the first that fails; those of one program by one process.

    The process of the last ones goes on with those ``checks`` that it can run, so that most of their program need not
    be imported again; what was run, of each.
    """
    runs: list[_Done] = []
    groups = [tuple(group) for _, group in itertools.groupby(commands, lambda c: (c.entry, c.gettext))]
    for each in groups:
        more = tuple(check for check in checks if each is groups[-1] and check.gettext == each[0].gettext)
        ran = tools.run(each, more)
        done = [_Done.of(command, run) for command, run in zip(each, ran, strict=False)]
        runs += done
        if len(done) < len(each) or done[-1].run.exit_status not in each[-1].accepts:
            break
        if more:
            return runs, [_Done.of(check, run) for check, run in zip(more, ran[len(each) :], strict=False)]
    return runs, []


def _checks(
    part: ServiceRelease, done: Sequence[_Done], call: Callable[[Command], ToolRun], jumped: bool
) -> tuple[list[_Done], tuple[str, ...]]:
    """Run those of the service's own upgrade checks that are not ``done``; all of them, and what they report.

    Where releases were ``jumped``, what a check says about that is known beforehand (cloud.jumps).
    """
    ran = {one.name: one.run for one in done}
    runs: list[_Done] = []
    problems: tuple[str, ...] = ()
    for command in part.check:
        run = ran.get(command.name) or call(command)
        runs.append(_Done.of(command, run))
        ignored = (*command.ignores, *(one.check for one in command.on_jumps if jumped))
        problems += judge_check(command.name, run.exit_status, command.accepts, run.output, ignored)
    return runs, problems + _stopped(runs)


def _stopped(runs: Sequence[_Done]) -> tuple[str, ...]:
    """What would not have ended, whatever the tool made of that."""
    return tuple(f"`{done.name}`: {done.run.stopped}" for done in runs if done.run.stopped)


def _instead(cloud: Cloud, instead: Callable[[Cloud], Sequence[ToolRun]], log: Path) -> list[_Done]:
    """What runs in place of the release's own calls."""
    done = instead(cloud)
    log.write_text("".join(run.output for run in done), "utf-8")
    return [_Done(" ".join(run.argv[-3:]), run) for run in done]


def _arrival(cloud: Cloud, part: ServiceRelease, source: Release | None) -> Arrival | None:
    """How the service comes to its own database, where this hop is the one that takes it there."""
    if source is None or part.arrival is None or part.service in source.services:
        return None
    return part.arrival if not cloud.tables(part.arrival.database) else None


def _arrived(cloud: Cloud, arrival: Arrival | None, call: Callable[[Command], ToolRun]) -> list[_Done]:
    """What was called to take a service to its own database; nothing where it has one."""
    return [_Done.of(arrival.command, take_over(cloud, arrival, call))] if arrival else []


def _on_the_way(service: str, source: Release, release: Release, before: Versions) -> bool:
    """Whether every database is at the source's head or beyond, and none beyond the hop's own, by their revisions."""
    begins = {d.name: d.head for d in source.services[service].databases}
    ends = {d.name: d.head for d in release.services[service].databases}
    return all(
        known(name, before.get(name, ()))
        and behind(name, before[name], head)
        and behind(name, ends.get(name, ()), before[name])
        for name, head in begins.items()
        if name in before
    )


def _within(cloud: Cloud, service: str, source: Release, release: Release, before: Versions) -> bool:
    """Whether the database stood between the source's head and the hop's own, as after a cure that stamps it there."""
    if _on_the_way(service, source, release, before):
        return True
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
    if line is not None and _within(cloud, service, source, release, before):
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
        runs = _instead(cloud, instead, log)
    else:
        tools = _Tools(cloud, release.name, finish.service, log, config)
        runs = [_Done.of(finish.command, tools.one(finish.command))]
    seconds = time.monotonic() - started
    after = versions(cloud, part)
    seen = _seen(cloud, finish.name, finish.service)
    calls = {finish.command.name: seconds}
    if not runs:
        return StepResult(finish.name, finish.service, release.name, Outcome.SKIPPED, seconds, None, before, after)
    missing = sorted(set(finish.tables) - cloud.tables(finish.service))
    problems = _stopped(runs) + judge(part.databases, after, [done.status for done in runs], missing)
    result = StepResult(
        finish.name, finish.service, release.name, Outcome.PASSED, seconds, None, before, after, calls=calls
    )
    return _judged(result, runs, problems, log, seen)


def _judged(
    result: StepResult, runs: Sequence[_Done], problems: tuple[str, ...], log: Path, seen: Observed
) -> StepResult:
    """The result of a step with its evidence: failed where there is a problem."""
    return replace(
        result,
        outcome=Outcome.FAILED if problems else Outcome.PASSED,
        exit_status=runs[-1].run.exit_status,
        problems=problems,
        diagnosis=diagnose("\n".join(done.run.output for done in runs)) if problems else None,
        log=log.name,
        migrations=seen.migrations,
        unobserved=seen.faults,
    )


def _skipped(
    cloud: Cloud, origin: ServiceRelease, start: Versions, source: Release, release: Release, before: Versions
) -> tuple[str, ...]:
    """The problems with where the hop began; none where the database was on its way to this release already."""
    if _within(cloud, origin.service, source, release, before):
        return ()
    return judge_start(origin.databases, start, source.name)


@dataclass(frozen=True)
class _Tools:
    """A release's tools for one service, on a cloud; what :func:`run_hop` was given besides."""

    cloud: Cloud
    release: str
    service: str
    log: Path
    config: Path
    overlay: Overlay | None = None
    first: str = ""

    def one(self, command: Command) -> ToolRun:
        """Run one command."""
        return self.run([command])[0]

    def run(self, commands: Sequence[Command], checks: Sequence[Command] = ()) -> list[ToolRun]:
        """Run commands of one program, up to the first that fails, and then checks if the same process can."""
        cloud, service = self.cloud, self.service
        assert cloud.workshop is not None
        container = cloud.workshop.release(self.release)
        given: dict[str, Any] = {
            "log": self.log,
            "overlay": self.overlay,
            "keep_config": self.config,
            "recorder": cloud.recorder,
        }
        # What comes first on a tool's path, such as a seeder's script, may read its own command line.
        importable = not self.first and all(":" in command.entry for command in (*commands, *checks))
        runs: list[ToolRun] = []
        with watched(cloud.lab_server, cloud.held_by(self.release, service)) as endless:
            if importable:
                runs = container.tools(service, [*commands, *checks], cloud.setting, unrecorded=len(checks), **given)
            else:
                for command in commands:
                    runs.append(container.tool(service, command, cloud.setting, first=self.first, **given))
                    if runs[-1].exit_status not in command.accepts:
                        break
        last = min(len(runs), len(commands)) - 1
        return [*runs[:last], endless.explained(runs[last]), *runs[last + 1 :]]


def observed(cloud: Cloud, record: Path | None) -> Cloud:
    """The same cloud, with what its tools do to it written down in ``record``."""
    if record is None:
        return cloud
    watcher = cloud.lab_server.watcher
    return replace(cloud, recorder=Recorder(record, f"{watcher.user}:{watcher.password}"))


def _seen(cloud: Cloud, step: str, service: str) -> Observed:
    return cloud.recorder.read(step, service, cloud.databases) if cloud.recorder else Observed()

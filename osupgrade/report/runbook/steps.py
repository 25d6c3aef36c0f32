"""The steps of the night as plain values: what is typed, how it is seen to have worked, the way back. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from osupgrade.catalog.render import render_text
from osupgrade.model.plan import Plan
from osupgrade.model.quoting import literal, shell_word
from osupgrade.model.release import Command, Database, Finish, FinishOperator, Release, ServiceRelease
from osupgrade.model.report import RunReport
from osupgrade.model.stage import SEEDED, Stage
from osupgrade.model.step import Outcome, StepResult
from osupgrade.model.text import duration, size
from osupgrade.report.digest import between, moved, phases
from osupgrade.report.runbook.commands import command_line, control
from osupgrade.report.runbook.facts import (
    OLD,
    SQL,
    Treatment,
    backup_at,
    old_client,
    site_of,
    started,
    treatments,
)


@dataclass(frozen=True)
class Check:
    """A command that shows whether a step worked, and what it prints then: words, or values."""

    command: str
    words: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One step; its ``kind`` decides what the template says about it, from the fields that the kind has."""

    kind: str
    title: str
    expected: str
    """How long it takes."""
    commands: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    restore: tuple[str, ...] = ()
    """Databases that the way back restores from their dumps."""
    again: str = ""
    """A service whose steps are then repeated from the first one."""
    service: str = ""
    release: Release | None = None
    following: Release | None = None
    on_old: bool = False
    """Whether it is done on the old controller."""
    moved: bool = False
    failed: str = ""
    """The error with which it failed in the rehearsal."""
    treatment: Treatment | None = None
    online: tuple[str, ...] = ()
    """Commands that may run while the API is up."""
    upgrade_checks: tuple[Command, ...] = ()
    titles: tuple[str, ...] = ()
    unsupported_from: str = ""
    """The release before it on the route, where upstream does not support the upgrade from there."""
    note: str = ""
    """What the release's own data says to operators, in Markdown."""
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By service: what its API answered in the rehearsal."""


def steps(report: RunReport, plan: Plan) -> tuple[Step, ...]:
    """Every step from stopping the old services to starting the new ones."""
    return tuple(_Steps(report, plan).all())


class _Steps:
    def __init__(self, report: RunReport, plan: Plan) -> None:
        self.report = report
        self.plan = plan
        self.done: Mapping[str, StepResult] = {s.step: s for s in report.result.steps} if report.result else {}
        self.treatments = treatments(report)
        self.moved = moved(report)
        self.site: Mapping[str, Any] = site_of(report)

    def all(self) -> Iterator[Step]:
        first = self.plan.first
        yield self._stop(first)
        yield from self._back_up()
        yield from self._cures(SEEDED)
        yield from self._moves(first)
        yield from self._new_servers(first)
        for release, following in itertools.pairwise((*self.plan.releases[1:], None)):
            assert release is not None
            yield from self._release(release)
            yield from self._moves(release)
            yield from self._new_servers(release)
            if following and started(self.plan, release):
                yield from self._in_between(release, following)
        if self.plan.finish:
            yield from self._finish(self.plan.finish)
        yield self._look()
        yield self._start()

    def _stop(self, running: Release) -> Step:
        on_old = self.moved and running is self.plan.first
        wanted = ", ".join(literal(database.name) for database in self.plan.databases(running))
        query = f"SELECT user, host, db FROM information_schema.processlist WHERE db IN ({wanted})"
        return Step(
            kind="stop",
            title=f"Stop what writes to the databases{', on the old controller' if on_old else ''}",
            expected="a few minutes; from here the APIs are down",
            commands=(control(running, self._running(running), "stop"),),
            checks=(Check(f'{OLD if on_old else SQL} -e "{query}"', "no row"),),
        )

    def _back_up(self) -> Iterator[Step]:
        names = self._names(self.plan.first)
        yield Step(
            kind="dump",
            title="Dump the databases" + (" on the old server" if self.moved else ""),
            expected=self._phase("dump" if self.moved else "backup") or "as long as your nightly dump takes",
            commands=_dump(names, ".old.cnf" if self.moved else ".my.cnf"),
            checks=(_DUMPED,),
        )
        if self.moved:
            yield Step(
                kind="take-over",
                title="Restore them on the new server",
                expected=self._phase("restore") or "longer than making the dumps",
                commands=(f"for d in {names}; do zcat $BACKUP/$d.sql.gz | {SQL}; done",),
                checks=(_counted(names),),
            )

    def _in_between(self, release: Release, following: Release) -> Iterator[Step]:
        """The services run at a release before the next one, which asks for what they write."""
        written = started(self.plan, release)
        yield Step(
            kind="between",
            title=f"Start {release.name}'s services, on every compute host too",
            expected="until all of them have reported",
            commands=(control(release, self._running(release), "start"),),
            checks=tuple(Check(f'{SQL} {each.written.service} -e "{each.unfinished}"', "no row") for each in written),
            release=self.plan.first,
            following=following,
            titles=tuple(each.title for each in written),
        )
        yield self._stop(release)
        yield Step(
            kind="dump",
            title="Dump the databases again",
            expected="as long as before",
            commands=(backup_at(release), *_dump(self._names(release), ".my.cnf")),
            checks=(_DUMPED,),
        )

    def _release(self, release: Release) -> Iterator[Step]:
        about = self._about_finish(release)
        before = self.plan.releases[self.plan.releases.index(release) - 1].name
        yield Step(
            kind="install",
            title=f"Install {release.name}'s packages ({release.version}), starting nothing",
            expected="depends on your mirror",
            release=release,
            titles=self._running(release),
            unsupported_from="" if before in release.upgrades_from else before,
            note=render_text(about.before, {"site": self.site}),
        )
        for chain in self.plan.chains:
            for hop in chain.hops:
                if hop.target == release.name:
                    yield from self._hop(release, release.services[chain.service])

    def _hop(self, release: Release, part: ServiceRelease) -> Iterator[Step]:
        yield from self._cures(Stage.before(part.step))
        before = self.plan.releases[self.plan.releases.index(release) - 1]
        dumped = before is self.plan.first or started(self.plan, before)
        yield Step(
            kind="hop",
            title=f"{part.service} to {release.name}",
            expected=self._time(part.step),
            commands=(
                *self._created(release, part),
                *(command_line(release, part, each, self.site) for each in (*part.upgrade, *part.check)),
            ),
            checks=tuple(_at_head(database) for database in part.databases),
            restore=tuple(database.name for database in part.databases),
            again="" if dumped else part.service,
            failed=self._problem(part.step),
            online=tuple(command.name for command in part.upgrade if command.online),
            upgrade_checks=part.check,
        )
        yield from self._cures(Stage.after(part.step))

    def _running(self, release: Release) -> tuple[str, ...]:
        """The services that a release has of those that take part."""
        return tuple(service for service in self.plan.services if service in release.services)

    def _created(self, release: Release, part: ServiceRelease) -> Iterator[str]:
        """Make the databases that the service gets with this release, and fill one that it takes over from another."""
        earlier = self.plan.releases[: self.plan.releases.index(release)]
        there = {database.name for each in earlier for database in self.plan.databases(each)}
        new = [database.name for database in part.databases if database.name not in there]
        for name in new:
            yield f'{SQL} -e "CREATE DATABASE {name} CHARACTER SET utf8"'
        if part.arrival and part.arrival.database in new:
            arrival = part.arrival
            dumper = "mysqldump --defaults-file=$HOME/.my.cnf --single-transaction"
            yield f"{dumper} {arrival.source} {' '.join(arrival.tables)} | {SQL} {arrival.database}"
            yield command_line(release, part, arrival.command, self.site)

    def _moves(self, release: Release) -> Iterator[Step]:
        """What a release's own tool does between two hops."""
        for chain in self.plan.chains:
            for move in chain.moves_at(release.name):
                yield from self._finish(move)

    def _new_servers(self, release: Release) -> Iterator[Step]:
        """The migration of all databases to another server, before the next release's tools run."""
        for move in self.plan.servers:
            if move.release != release.name:
                continue
            names = self._names(release)
            yield from self._cures(Stage.before(move.name))
            yield Step(
                kind="new-server",
                title=f"Migrate the databases to the new server ({move.database} in the rehearsal)",
                expected=self._time(move.name),
                commands=(
                    "cp -p $HOME/.my.cnf $HOME/.old.cnf; " + old_client(),
                    "editor $HOME/.my.cnf  # the new server's address, account and password",
                    backup_at(release),
                    *_dump(names, ".old.cnf"),
                    f"for d in {names}; do zcat $BACKUP/$d.sql.gz | {SQL}; done",
                ),
                checks=(_DUMPED, _counted(names)),
                failed=self._problem(move.name),
                note=release.operator.new_server,
            )
            yield from self._cures(Stage.after(move.name))

    def _finish(self, finish: Finish) -> Iterator[Step]:
        release = self.plan.release(finish.release)
        part = release.services[finish.service]
        yield from self._cures(Stage.before(finish.name))
        checks = []
        if finish.tables:
            names = ", ".join(map(literal, finish.tables))
            query = (
                "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = "
                f"{literal(part.databases[0].name)} AND table_name IN ({names})"
            )
            checks = [Check(f'{SQL} -N -e "{query}"', values=(str(len(finish.tables)),))]
        yield Step(
            kind="finish",
            title=f"Move {finish.service} to {finish.name}",
            expected=self._time(finish.name),
            commands=(command_line(release, part, finish.command, self.site),),
            checks=tuple(checks),
            restore=tuple(database.name for database in part.databases),
            again=finish.service,
            failed=self._problem(finish.name),
        )
        yield from self._cures(Stage.after(finish.name))

    def _look(self) -> Step:
        checked = self.report.result.checked if self.report.result else {}
        return Step(
            kind="look",
            title="Check before anybody can write",
            expected="a minute",
            moved=self.moved,
            titles=tuple(self.report.invariants.get(name, name) for name in sorted(checked)),
        )

    def _start(self) -> Step:
        last = self.plan.last
        answers: dict[str, list[str]] = {}
        for call in self.report.api:
            answers.setdefault(call.service, []).append(call.name)
        return Step(
            kind="start",
            title=f"Start {last.name}'s services",
            expected="some minutes, and again until the agents have reported",
            commands=(control(last, self.plan.services, "start"),),
            release=last,
            moved=self.moved,
            note=self._about_finish(last).starting,
            answers=answers,
        )

    def _cures(self, stage: Stage) -> Iterator[Step]:
        for treatment in self.treatments:
            if treatment.at != stage or treatment.early:
                continue
            services = sorted({finding.service for finding in treatment.findings} & set(self.plan.services))
            names = [database.name for s in services for database in self.plan.last.services[s].databases]
            took = f"{duration(treatment.seconds)} in the rehearsal" if treatment.seconds is not None else ""
            url = shell_word(self.plan.path.name) + " --url mysql://READER:PASSWORD@DATABASE-HOST/"
            yield Step(
                kind="cure",
                title=f"Cure: {treatment.cure.summary}",
                expected=took or "not rehearsed: the rehearsal did not apply it",
                checks=(Check(f"osupgrade inspect --path {url}"),) if stage == SEEDED else (),
                restore=tuple(names),
                treatment=treatment,
            )

    def _about_finish(self, release: Release) -> FinishOperator:
        """What a release's data says of a move that the plan makes at its end, or that is still to come."""
        at = self.plan.releases.index(release)
        ahead = [move.name for move in self.plan.moves if list(self.plan.by_name).index(move.release) >= at]
        return next((release.operator.finishes[n] for n in ahead if n in release.operator.finishes), FinishOperator())

    def _names(self, release: Release) -> str:
        return " ".join(database.name for database in self.plan.databases(release))

    def _time(self, step: str) -> str:
        result = self.done.get(step)
        if result is None or result.outcome is Outcome.SKIPPED:
            return "not reached in the rehearsal"
        hops = self.report.estimate.hops if self.report.estimate else ()
        estimated = next((f", {between(hop.time)} estimated" for hop in hops if hop.step == step), "")
        return f"{duration(result.seconds)} in the rehearsal{estimated}"

    def _phase(self, name: str) -> str:
        phase = phases(self.report).get(name)
        if phase is None:
            return ""
        of = f" for {size(phase.bytes)}" if phase.bytes else ""
        return f"{duration(phase.seconds)} in the rehearsal{of}"

    def _problem(self, step: str) -> str:
        result = self.done.get(step)
        if not result or result.outcome is not Outcome.FAILED:
            return ""
        return " ".join(result.diagnosis.error.split()) if result.diagnosis else "; ".join(result.problems)


_DUMPED = Check(
    'for f in $BACKUP/*.sql.gz; do echo "$f: $(zcat $f | tail -1)"; done',
    "a line for each file that ends with: Dump completed",
)


def _dump(names: str, file: str) -> tuple[str, ...]:
    dumper = f"mysqldump --defaults-file=$HOME/{file} --single-transaction --routines --triggers --databases $d"
    return (f"for d in {names}; do", f"  {dumper} | gzip > $BACKUP/$d.sql.gz", "done")


def _counted(names: str) -> Check:
    tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = '$d' AND table_type = 'BASE TABLE'"
    count = "SELECT COUNT(*) FROM \\`${t//\\`/\\`\\`}\\`"
    return Check(
        f'for d in {names}; do {OLD} -N -r -e "{tables}" | while IFS= read -r t; do\n'
        f'  echo "$({OLD} -N $d -e "{count}" </dev/null) $({SQL} -N $d -e "{count}" </dev/null) $d.$t"\n'
        "done; done | awk '$1 != $2'",
        "nothing: each table has as many rows on both servers",
    )


def _at_head(database: Database) -> Check:
    return Check(
        f'{SQL} -N {database.name} -e "SELECT {database.version_column} FROM {database.version_table}"',
        values=database.head,
    )

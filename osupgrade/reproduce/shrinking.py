"""Shrinking a failing step to the few rows that it takes, and writing what is left as a scenario."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.site import Site
from osupgrade.checks import load_checks
from osupgrade.cloud.laboratory import Laboratory, Say
from osupgrade.dump.shrink import Candidate, Shrunk, Table, everything, minimal, shrink_rows, shrink_tables
from osupgrade.dump.write import write_dump
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab.database import DatabaseServer
from osupgrade.model.failure import Failure
from osupgrade.model.plan import make_plan
from osupgrade.model.step import StepResult
from osupgrade.model.text import counted
from osupgrade.rehearsal.lanes import LaneRunner
from osupgrade.rehearsal.treated import shelved_cloud
from osupgrade.reproduce.rerun import NotAgain
from osupgrade.reproduce.scenario_writer import Left, describe, write_scenario
from osupgrade.reproduce.subject import Masking, Subject
from osupgrade.reproduce.trials import Trials, known_line, narrowed, tables_in, tables_named
from osupgrade.scenarios.contract import Scenario
from osupgrade.scenarios.loading import load_scenarios
from osupgrade.schema.reading import read_schema
from osupgrade.seed.description import load_description

TABLES_SECONDS = 40.0
"""For leaving out empty tables, which only makes the result nicer to read."""


@dataclass(frozen=True)
class Reduced:
    """A written scenario: what is left, of how much, and the problems of its naive lane."""

    directory: Path
    left: Left
    rows_before: int
    shrunk: Shrunk
    failure: Failure
    seconds: float
    problems: tuple[str, ...]


def shrink_subject(
    laboratory: Laboratory,
    subject: Subject,
    directory: Path,
    masking: Masking | None,
    minutes: float,
    known: Iterable[Scenario],
    say: Say,
) -> Reduced:
    """Shrink the cloud, mask what is left, write it as a scenario, and run its naive lane.

    Raises NotAgain when the whole cloud does not fail in the same way, or what is left does not once it is masked.
    """
    started = time.monotonic()
    step, server = subject.step, laboratory.server
    with tempfile.TemporaryDirectory(prefix="osupgrade-shrink-") as scratch:
        place = Path(scratch)
        (place / "logs").mkdir()
        trials = Trials(subject.cloud, subject.plan, step, place / "logs")
        tables = trials.tables()
        whole = everything(tables)
        say(f"before shrinking: {_amount(whole.count, len(tables))}")
        trials.reference = _seen(trials.failure(whole), subject.failure, masked=False)
        if narrowed(step, trials.reference, subject.cloud.site) and not trials.fails(whole):
            trials.narrow = False
        before = {logical: read_schema(server, name) for logical, name in trials.databases.items()}
        shrunk = shrink_rows(
            tables,
            trials.fails,
            suspects=lambda table: trials.suspects(table, subject.hints),
            likely=subject.places | tables_in(f"{trials.reference.text} {trials.reference.statement}", tables),
            on_trial=_trial_shown(say, started),
            enough=lambda: time.monotonic() - started > minutes * 60,
        )
        small = trials.build(shrunk.candidate, "small_")
        site = subject.cloud.site
        if masking:
            say(counted(shrunk.candidate.count, "masking the {n} row[s] that [is|are] left"))
            site = _masked(server, small, masking, place, site, say)
        last = Trials(laboratory.cloud(site, "small", small), subject.plan, step, place / "logs", narrow=trials.narrow)
        tables = last.tables()
        last.reference = _seen(last.failure(everything(tables)), trials.reference, masked=masking is not None)
        result = last.last
        assert result is not None
        site = least_site(last, everything(tables))
        named = tables_named(step, last.reference, site, tables)
        final = last.build(_fewer_tables(last, tables, named, _trial_shown(say, started)), "")
        left = describe(server, final, step, known_line(step, site), before)
        _write(directory, subject, site, last.reference, result, left, final, laboratory, shrunk, masking is not None)
    say("running the naive lane of what was written")
    problems = naive_lane(laboratory, directory, known, say)
    return Reduced(directory, left, whole.count, shrunk, last.reference, time.monotonic() - started, problems)


def _masked(
    server: DatabaseServer, small: Mapping[str, str], masking: Masking, place: Path, site: Site, say: Say
) -> Site:
    """Mask the databases where they are; the site that belongs to them then."""
    write_dump(server, list(small.values()), place / "small.sql")
    report = masking.sanitized(server, place / "small.sql", place / "masked.sql")
    for what in report.left:
        say(f"left out: {what}")
    return masking.site(site)


def _fewer_tables(
    trials: Trials, tables: Sequence[Table], named: frozenset[str], on_trial: Callable[[Candidate, bool], None]
) -> Candidate:
    """What is left when tables go that the failure does not need, within ``TABLES_SECONDS``."""
    until = time.monotonic() + TABLES_SECONDS
    whole = everything(tables)
    return shrink_tables(
        tables, whole, trials.fails, named=named, on_trial=on_trial, enough=lambda: time.monotonic() > until
    ).candidate


def least_site(trials: Trials, whole: Candidate) -> Site:
    """The site with as many of its facts as usual as the failure allows; the trials go on with it."""
    given, usual = trials.cloud.site, Site()
    own = [f.name for f in dataclasses.fields(Site) if getattr(given, f.name) != getattr(usual, f.name)]

    def fails(names: Sequence[str]) -> bool:
        site = dataclasses.replace(usual, **{name: getattr(given, name) for name in names})
        trials.cloud = dataclasses.replace(trials.cloud, site=site)
        return trials.fails(whole)

    if own:
        fails(minimal(own, fails))
    return trials.cloud.site


def _seen(found: Failure | None, wanted: Failure, *, masked: bool) -> Failure:
    if found is not None and (found.alike(wanted) if masked else found == wanted):
        return found
    how = "succeeds" if found is None else "fails differently"
    raise NotAgain(
        f"{wanted.step} {how} once the remaining rows are masked" if masked else f"{wanted.step} {how} this time",
        hint="--unmasked keeps all values as they are" if masked else "",
        evidence=f"expected {wanted}" + (f"\ngot      {found}" if found else ""),
    )


def _amount(rows: int, tables: int) -> str:
    return f"{counted(rows, '{n} row[s]')} in {counted(tables, '{n} table[s]')}"


def _trial_shown(say: Say, started: float) -> Callable[[Candidate, bool], None]:
    def on_trial(candidate: Candidate, failed: bool) -> None:
        gone = counted(len(candidate.gone), ", without {n} table[s]") if candidate.gone else ""
        outcome = "same error" if failed else "not the same error"
        seconds = time.monotonic() - started
        say(f"{seconds:4.0f} s: {_amount(candidate.count, len(candidate.tables))}{gone}: {outcome}")

    return on_trial


def _write(
    directory: Path,
    subject: Subject,
    site: Site,
    failure: Failure,
    result: StepResult,
    left: Left,
    databases: Mapping[str, str],
    laboratory: Laboratory,
    shrunk: Shrunk,
    masked: bool,
) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".shrunk-", dir=directory.parent) as scratch:
        half = Path(scratch) / directory.name
        half.mkdir()
        write_dump(laboratory.server, list(databases.values()), half / "cloud.sql")
        write_scenario(
            half,
            into=directory.parent,
            step=subject.step,
            site=site,
            failure=failure,
            result=result,
            left=left,
            complete=shrunk.complete,
            masked=masked,
            found_by=subject.found_by,
        )
        half.rename(directory)


def naive_lane(laboratory: Laboratory, directory: Path, known: Iterable[Scenario], say: Say) -> tuple[str, ...]:
    """Run the naive lane of a scenario directory on the default seeded cloud; its problems, if it fails differently."""
    found = load_scenarios([directory.parent])
    (scenario,) = found.chosen([directory.name])
    with tempfile.TemporaryDirectory(prefix="osupgrade-lane-") as scratch:
        run = RunDirectory.make(Path(scratch), "lane")
        _, shelved = shelved_cloud(laboratory, load_description(None), run.path / "logs", say)
        runner = LaneRunner(
            laboratory=laboratory,
            shelved=shelved,
            known=[*(s for s in known if s.applies(laboratory.plan) and s.name != scenario.name), scenario],
            checks=tuple(load_checks().values()),
            site=Site(),
            run=run,
            plan_for=lambda s: make_plan(laboratory.plan.path, load_releases(), s.services),
        )
        return runner.lane(scenario, "naive").problems

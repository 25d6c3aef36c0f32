"""Proving scenarios: each trap must fail as described when nothing is cured, and do no harm when it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from osupgrade.catalog import content
from osupgrade.catalog.releases import usual_path
from osupgrade.catalog.site import Site
from osupgrade.checks import load_checks
from osupgrade.cloud.laboratory import Say, open_laboratory
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.errors import Exit
from osupgrade.model.plan import Plan
from osupgrade.model.quoting import shell_join
from osupgrade.model.report import RunReport, ScenarioReport
from osupgrade.rehearsal.lanes import LaneRunner
from osupgrade.rehearsal.manifest import manifest, now
from osupgrade.rehearsal.treated import shelved_cloud
from osupgrade.scenarios.contract import Lane, Scenario
from osupgrade.scenarios.loading import BrokenScenario
from osupgrade.seed.description import load_description

_SHOWED = {"naive": "failed as expected", "cured": "were cured"}


@dataclass(frozen=True)
class Trial:
    """What is to be proved. ``known`` are all scenarios of the path, ``broken`` the files that could not be read.

    ``plan_for`` gives the plan narrowed to what a scenario concerns.
    """

    plan: Plan
    chosen: Sequence[Scenario]
    known: Sequence[Scenario]
    plan_for: Callable[[Scenario], Plan]
    site: Site = field(default_factory=Site)
    database: str = "auto"
    jobs: int = 3
    broken: Sequence[BrokenScenario] = ()
    ask_apis_in: tuple[Lane, ...] = ()
    """The lanes after which the real APIs are queried, where a scenario says what these show."""
    lanes: Sequence[Lane] = ("naive", "cured")


def prove(trial: Trial, run: RunDirectory, say: Say, on_report: Callable[[ScenarioReport], None]) -> RunReport:
    """Run the wanted lanes of each scenario, each on its own copy of the cloud; ``on_report`` gets each that ended.

    Raises Fault for what is not a scenario's doing. Leaving removes everything that was started.
    """
    started, began = time.monotonic(), now()
    with open_laboratory(trial.plan, say, database=trial.database) as laboratory:
        origin, shelved = shelved_cloud(laboratory, load_description(None), run.path / "logs", say)
        runner = LaneRunner(
            laboratory=laboratory,
            shelved=shelved,
            known=trial.known,
            checks=tuple(load_checks().values()),
            site=trial.site,
            run=run,
            plan_for=trial.plan_for,
            ask_apis_in=trial.ask_apis_in,
            lanes=trial.lanes,
        )
        reports = runner.all(trial.chosen, trial.jobs, on_report)
        showed = " and ".join(_SHOWED[lane] for lane in trial.lanes)
        bad = [report.name for report in reports if not report.passed]
        return RunReport(
            kind="scenarios",
            manifest=manifest(laboratory, trial.plan, origin, trial.site, began),
            exit_status=Exit.DID_NOT if bad or trial.broken else Exit.CAME_THROUGH,
            verdict=_verdict(reports, f"scenarios {showed}"),
            next_command=_again(trial, bad) if bad else f"open {run.path}/report.html",
            seconds=time.monotonic() - started,
            scenarios=tuple(reports),
            invariants={check.name: check.title for check in load_checks().values()},
            notes=tuple(f"broken: {b.name} ({b.file}:{b.line}): {b.reason}" for b in trial.broken),
        )


def _verdict(reports: Sequence[ScenarioReport], showed: str) -> str:
    ran = [report for report in reports if not report.skipped]
    good = sum(report.passed for report in ran)
    left = f", {len(reports) - len(ran)} not run on this database" if len(ran) < len(reports) else ""
    return f"{good} of {len(ran)} {showed}{left}"


def _again(trial: Trial, names: Sequence[str]) -> str:
    """The command that runs these scenarios again: the same lanes, on the same path and database."""
    words = ["osupgrade", "scenarios", "run"]
    if trial.plan.path.name != usual_path():
        words += ["--path", trial.plan.path.name]
    if trial.database not in ("auto", trial.plan.path.databases[0]):
        words += ["--db", trial.database]
    if len(trial.lanes) == 1:
        words += ["--lane", *trial.lanes]
    if trial.ask_apis_in:
        words.append("--verify")
    places = {scenario.directory.parent for scenario in trial.chosen if scenario.name in names}
    for place in sorted(places - {content.scenarios()}):
        words += ["--scenarios", str(place)]
    return shell_join([*words, *names])

"""Replaying an archive: its step must fail here as it did where it was packed."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from rich.console import Console

from osupgrade.cloud.laboratory import Laboratory, Say, choose_database, open_laboratory
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab.connect import connect
from osupgrade.model.errors import Exit
from osupgrade.model.failure import failure_of
from osupgrade.model.quoting import shell_join
from osupgrade.model.report import LaneResult, RunReport
from osupgrade.model.step import Outcome, StepResult
from osupgrade.rehearsal.manifest import manifest, now
from osupgrade.report.write import write_reports
from osupgrade.reproduce.archive import Packed, unpack
from osupgrade.reproduce.opening import is_small, packed_database, plan_of
from osupgrade.reproduce.packing import replay, unlike
from osupgrade.scenarios.loading import ScenarioSet


def replay_archive(archive: Path, found: ScenarioSet, runs: Path, console: Console, say: Say) -> int:
    """Let an archive's step fail here; the evidence is a run directory of its own."""
    started, began = time.monotonic(), now()
    with tempfile.TemporaryDirectory(prefix="osupgrade-reproduce-") as scratch:
        packed = unpack(archive, Path(scratch))
        plan, step, instead = plan_of(packed, found)
        database = choose_database(connect(), plan, packed_database(packed), say)
        others = unlike(packed, step, database)
        run = RunDirectory.make(runs, "reproduce")
        with (
            run.marked_when_stopped("this replay"),
            open_laboratory(plan, say, database=database, memory=is_small(packed)) as laboratory,
        ):
            say(f"running {step.name} on what was packed")
            result = replay(laboratory, packed, plan, step, instead, run)
            sentence, status = _judged(result, packed, laboratory)
            again = shell_join(["osupgrade", "reproduce", str(archive), "--shrink"])
            report = RunReport(
                kind="rehearsal",
                manifest=manifest(
                    laboratory, plan, f"archive {archive.name}: {packed.facts.origin}", packed.site, began
                ),
                exit_status=status,
                verdict=sentence,
                next_command=again if status == Exit.CAME_THROUGH else "",
                seconds=time.monotonic() - started,
                result=LaneResult(plan.path.name, plan.services, (result,), (), result.seconds, planned=(step.name,)),
                notes=others,
            )
        write_reports(report, run)
        run.finish()
    for other in others:
        console.print(f"differs from where it was packed: {other}", markup=False, soft_wrap=True)
    console.print(sentence, markup=False, soft_wrap=True)
    console.print(f"evidence: {run.path}/report.html", markup=False, soft_wrap=True)
    return status


def _judged(result: StepResult, packed: Packed, laboratory: Laboratory) -> tuple[str, Exit]:
    wanted = packed.facts.failure
    if result.outcome is not Outcome.FAILED:
        return f"not reproduced: {wanted.step} succeeds here; expected {wanted}", Exit.DID_NOT
    got = failure_of(result, laboratory.server.databases())
    if got == wanted:
        return f"reproduced: {got}", Exit.CAME_THROUGH
    return f"not reproduced: it fails differently; expected {wanted}; got {got}", Exit.DID_NOT

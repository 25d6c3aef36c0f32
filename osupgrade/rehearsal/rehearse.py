"""A whole rehearsal, from a loaded request to its report: prepare, run, judge, and report the outcome."""

from __future__ import annotations

import time

from osupgrade.cloud.laboratory import open_laboratory
from osupgrade.dump.choose import version_of_server
from osupgrade.history import History
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab.connect import adopt_context
from osupgrade.lab.relay import elsewhere
from osupgrade.lab.server_settings import start_options
from osupgrade.model.errors import UsageFault
from osupgrade.model.events import EventLog, Kind
from osupgrade.model.report import RunReport
from osupgrade.rehearsal.estimate.measure import durable_options
from osupgrade.rehearsal.judge import judge
from osupgrade.rehearsal.manifest import now
from osupgrade.rehearsal.outcome import circumstances, outcome
from osupgrade.rehearsal.prepare import Task, prepare
from osupgrade.rehearsal.request import LARGE


def rehearse(task: Task, run: RunDirectory, events: EventLog, history: History | None = None) -> RunReport:
    """Rehearse, and judge the result; the evidence is written to the run directory as it arises.

    Raises Fault for what is not the cloud's doing. Leaving removes everything that was started, unless it is kept.
    """
    started, began = time.monotonic(), now()
    request = task.request
    if request.keep:
        require_reachable()
    settings = start_options(request.survey) if request.survey else ()
    with open_laboratory(
        task.plan,
        lambda text: events.tell(Kind.LAB, text),
        database=request.database,
        server_version=version_of_server(task.dumps, request.survey),
        new=request.new_database,
        durable=bool(request.estimate),
        memory=not task.dumps and request.factor < LARGE and not request.estimate,
        options=lambda memory: (*(durable_options(memory) if request.estimate else ()), *settings),
        # An estimate restores into the server that it measures.
        dumps=() if request.estimate else task.dumps,
        survey=request.survey,
        how_far=lambda progress: events.tell(Kind.PROGRESS, str(progress)),
    ) as laboratory:
        prepared = prepare(task, laboratory, run, events)
        ran = prepared.runner.go(prepared.cloud)
        judged = judge(prepared, ran)
        if not judged.result.came_through:
            # Where a container or a network is gone, what was found out is about the lab and not about the cloud.
            laboratory.lab.require_whole()
        around = circumstances(prepared, judged, began, time.monotonic() - started, str(run.path))
    return outcome(task, judged, around, history)


def require_reachable() -> None:
    """Raise UsageFault when the engine is elsewhere: a database that is left up there cannot be reached from here."""
    adopt_context()
    if machine := elsewhere():
        raise UsageFault(
            f"--keep would leave the database up on {machine}, where it can be reached while this command runs only",
            hint=f"rehearse without --keep, or on {machine} itself",
        )

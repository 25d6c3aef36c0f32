"""Which of the derived findings a rehearsal reports, once its steps have run on the same rows."""

import dataclasses
from types import SimpleNamespace

import pytest

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.plan import SERVER, find_path, make_plan
from osupgrade.model.report import StagedFinding, State
from osupgrade.model.stage import SEEDED
from osupgrade.model.step import Outcome, StepResult
from osupgrade.rehearsal.foresight import Foresight
from osupgrade.rehearsal.survey import Surveyor
from osupgrade.schema.catalogue import lineage

from .. import _reports as samples

RELEASES = load_releases()
PLAN = make_plan(find_path(load_paths(), RELEASES, "grizzly-icehouse"), RELEASES)
LINE = lineage("nova")
START = next(revision for revision in LINE.revisions if revision.release == "grizzly")


def rows_of(table):
    """A server on which only the query about one table finds rows."""
    return lambda _database, sql, _parameters: [(1, "x", 2)] if f"`{table}`" in sql and "GROUP BY" in sql else []


def looked(table):
    surveyor = Surveyor(PLAN)
    identity = SimpleNamespace(line=LINE, revision=START)
    surveyor._before["nova"] = SimpleNamespace(
        database="main_nova", schema=START.schema, study=SimpleNamespace(identity=identity)
    )
    foresight = Foresight(PLAN, surveyor)
    foresight.before(SimpleNamespace(server=SimpleNamespace(rows=rows_of(table))))
    return foresight


def reported(foresight, result):
    return [staged.finding.place for staged in foresight.after(SimpleNamespace(result=result)).findings]


def test_rows_that_a_migration_deletes_silently_are_a_warning_although_every_step_passed():
    (staged,) = looked("floating_ips").after(SimpleNamespace(result=samples.GREEN.result)).findings
    assert (staged.stage, staged.state, staged.finding.severity) == (SEEDED, State.UNRESOLVED, Severity.WARNING)
    assert staged.finding.place == "nova.floating_ips"


def test_a_trap_that_spoke_of_the_same_table_is_enough():
    trap = StagedFinding(SEEDED, Finding("a-trap", Severity.ERROR, "nova", "nova.floating_ips", "twice"), State.CURED)
    result = dataclasses.replace(samples.GREEN.result, findings=(trap,))
    assert reported(looked("floating_ips"), result) == []


@pytest.mark.parametrize(("result", "places"), [(samples.GREEN.result, []), (samples.FAILED.result, ["nova.quotas"])])
def test_a_predicted_stop_is_reported_only_where_the_service_stopped(result, places):
    foresight = looked("no table of these")
    foresight._found["nova"] = (Finding("foresight", Severity.ERROR, "nova", "nova.quotas", "stops"),)
    assert reported(foresight, dataclasses.replace(result, findings=())) == places


def test_a_move_to_another_server_that_failed_is_no_service():
    step = StepResult("mariadb1011", SERVER, "havana", Outcome.FAILED, 1.0)
    result = dataclasses.replace(samples.GREEN.result, steps=(*samples.GREEN.result.steps, step))
    assert reported(looked("floating_ips"), result) == ["nova.floating_ips"]

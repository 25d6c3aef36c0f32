"""Against which revision a database is held after a rehearsal."""

from types import SimpleNamespace

import pytest

from osupgrade.catalog.releases import plan_named
from osupgrade.model.finding import Cure, Evidence, Finding, Severity
from osupgrade.model.report import LaneResult, StagedFinding, State
from osupgrade.model.stage import SEEDED
from osupgrade.model.step import Outcome, StepResult
from osupgrade.rehearsal.survey import Surveyor, _known_before
from osupgrade.schema.catalogue import lineage
from osupgrade.schema.identify import study
from osupgrade.schema.snapshot import Schema


def step(name, outcome, version):
    held = {"neutron": (version,)}
    return StepResult(name, "neutron", "icehouse", outcome, 0.0, None, held, held)


@pytest.mark.parametrize(("variant", "reached"), [("ml2", "icehouse"), ("openvswitch", "ml2")])
def test_a_database_made_for_ml2_has_no_move_to_it(variant, reached):
    line = lineage("neutron", variant)
    identity = SimpleNamespace(line=line, revision=line.at("5ac1c354a051"))
    before = SimpleNamespace(service="neutron", study=SimpleNamespace(identity=identity))
    steps = [
        step("icehouse/neutron", Outcome.PASSED, "icehouse"),
        step("ml2", Outcome.SKIPPED, "5ac1c354a051"),
    ]
    assert Surveyor(plan_named("grizzly-icehouse"))._reached(before, steps) == reached


def result(*findings):
    staged = tuple(StagedFinding(SEEDED, finding, State.UNRESOLVED) for finding in findings)
    return LaneResult("p", ("glance",), (), staged, 1.0)


def told(schema, claim, *, failed=False, traps=()):
    before = SimpleNamespace(study=study("glance", schema, claim))
    stopped = step("havana/glance", Outcome.FAILED, "22") if failed else None
    return [(f.severity, f.place) for f in _known_before(before, result(*traps), stopped)]


GLANCE = lineage("glance").head("grizzly").schema


def test_a_wrong_version_is_told_of_a_rehearsal_too():
    assert told(GLANCE, ("22",)) == []
    assert told(GLANCE, ("29",)) == [(Severity.WARNING, "migrate_version")]
    assert told(GLANCE, ("29",), failed=True) == [(Severity.ERROR, "migrate_version")]


def test_a_part_of_a_database_is_told_for_what_it_is():
    part = Schema(tuple(table for table in GLANCE.tables if table.name in ("images", "migrate_version")))
    assert told(part, ("22",), failed=True) == [(Severity.ERROR, "migrate_version")]


def test_what_a_trap_says_too_is_told_once():
    rows = Evidence.of(("table",), [("migrate_version",)])
    trap = Finding("trap", Severity.ERROR, "glance", "migrate_version", "wrong", evidence=rows, cure=Cure("mend"))
    assert told(GLANCE, ("29",), failed=True, traps=(trap,)) == []

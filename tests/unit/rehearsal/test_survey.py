"""Against which revision a database is held after a rehearsal."""

from types import SimpleNamespace

import pytest

from osupgrade.catalog.releases import plan_named
from osupgrade.model.step import Outcome, StepResult
from osupgrade.rehearsal.survey import Surveyor
from osupgrade.schema.catalogue import lineage


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

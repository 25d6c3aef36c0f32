"""Every scenario in both lanes against the pinned tools: the trap bites as stated, and the cure holds."""

import pytest

from osupgrade.checks import load_checks
from osupgrade.lanes import LaneRunner
from osupgrade.plan import make_plan
from osupgrade.releases import load_paths, load_releases, root
from osupgrade.rundir import RunDirectory
from osupgrade.scenario import load_scenarios
from osupgrade.site import Site

PATH = "grizzly-icehouse"
KNOWN = [s for s in load_scenarios([root() / "scenarios"]).scenarios.values() if s.path == PATH]


@pytest.fixture(scope="module")
def runner(laboratory, tmp_path_factory):
    releases = load_releases()
    first = laboratory.plan.first
    return LaneRunner(
        laboratory=laboratory,
        shelved={d.name: d.name for part in first.services.values() for d in part.databases},
        known=KNOWN,
        checks=tuple(load_checks().values()),
        site=Site(),
        run=RunDirectory.make(tmp_path_factory.mktemp("runs"), "scenarios"),
        plan_for=lambda scenario: make_plan(load_paths()[PATH], releases, scenario.services),
    )


@pytest.mark.parametrize("scenario", KNOWN, ids=lambda scenario: scenario.name)
def test_the_trap_bites_as_stated_and_is_cured(runner, scenario):
    report = runner.one(scenario)
    assert {lane.lane: lane.problems for lane in report.lanes} == {"naive": (), "cured": ()}

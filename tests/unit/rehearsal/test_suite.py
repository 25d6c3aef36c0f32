"""What is to be typed after a run of scenarios."""

import shlex
from dataclasses import replace
from pathlib import Path

from osupgrade.catalog.releases import plan_named
from osupgrade.cli import app
from osupgrade.cli.lazy import whole
from osupgrade.rehearsal.prepare import all_scenarios
from osupgrade.rehearsal.suite import Trial, _again
from osupgrade.scenarios import Scenario, Silent

MINE = Scenario(title="t", services=("nova",), symptom=Silent("verify"), name="mine", directory=Path("/my own/mine"))


def trial(path, **changes):
    plan = plan_named(path)
    known = all_scenarios().applying(plan)
    return replace(Trial(plan=plan, chosen=(*known, MINE), known=known, plan_for=lambda _: plan), **changes)


def test_the_command_is_the_same_run_of_what_failed():
    words = shlex.split(_again(trial("caracal-gazpacho", lanes=("naive",), ask_apis_in=("naive", "cured")), ["mine"]))
    assert words[:3] == ["osupgrade", "scenarios", "run"]
    assert words[3:] == ["--path", "caracal-gazpacho", "--lane", "naive", "--verify", "--scenarios", "/my own", "mine"]
    whole(app).commands["scenarios"].commands["run"].make_context("run", words[3:])


def test_what_is_usual_is_not_said():
    assert _again(trial("grizzly-icehouse"), ["nova-direct-jump"]) == "osupgrade scenarios run nova-direct-jump"

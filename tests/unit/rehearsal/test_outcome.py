"""The next command after a rehearsal helps: it applies what was not applied, and gives up nothing that was."""

import shlex
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from osupgrade.catalog.releases import plan_named
from osupgrade.model.finding import Cure, Finding, Severity
from osupgrade.model.step import Outcome, StepResult
from osupgrade.rehearsal.outcome import next_command, sentence
from osupgrade.rehearsal.request import Request


def found(source):
    return SimpleNamespace(finding=Finding(source, Severity.ERROR, "nova", "nova", "m", "c", cure=Cure("mend it", ())))


def after(cures, *unresolved):
    result = SimpleNamespace(came_through=False, unresolved=[found(name) for name in unresolved], failed=())
    return next_command(result, "runs/x", Request(cures=cures), "icehouse")


def cured_by(command):
    words = shlex.split(command, comments=True)
    return words[words.index("--cure") + 1].split(",")


def test_a_naive_run_leads_to_the_cures_of_what_is_unresolved():
    assert cured_by(after("none", "b", "a")) == ["a", "b"]


def test_it_can_be_pasted_into_a_shell_as_printed():
    command = after("none", "b", "a")
    assert "report.html" in command  # where the cures are
    done = subprocess.run(["bash", "-nc", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert shlex.split(command, comments=True)[-1] == "a,b"


def test_cures_that_were_asked_for_are_kept():
    assert cured_by(after(("mine",), "other")) == ["mine", "other"]


@pytest.mark.parametrize("cures", ["all", ("tried",)])
def test_a_cure_that_did_not_hold_is_not_proposed_again(cures):
    assert after(cures, "tried") == "read runs/x/report.html"


@pytest.mark.parametrize(("log", "said"), [("a.log", "read runs/x/logs/a.log"), (None, "read runs/x/report.html")])
def test_a_step_without_a_log_is_read_about_in_the_report(log, said):
    result = SimpleNamespace(came_through=False, unresolved=(), failed=(SimpleNamespace(log=log),))
    assert next_command(result, "runs/x", Request(), "icehouse") == said


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("icehouse", "osupgrade rehearse 'a b.sql' --from icehouse --to juno"),
        ("hibiscus", "osupgrade report runs/x --runbook"),
    ],
)
def test_a_cloud_that_had_every_step_behind_it_is_rehearsed_from_there(last, said):
    idle = SimpleNamespace(came_through=True, steps=(SimpleNamespace(outcome=Outcome.SKIPPED),))
    request = Request(dumps=(Path("a b.sql"),))
    assert next_command(idle, "runs/x", request, last) == said
    ran = SimpleNamespace(came_through=True, steps=(*idle.steps, SimpleNamespace(outcome=Outcome.PASSED)))
    assert next_command(ran, "runs/x", request, last) == "osupgrade report runs/x --runbook"


@pytest.mark.parametrize(
    ("passed_over", "begun"),
    [((), "grizzly"), (("havana/nova",), "grizzly"), (("havana/nova", "havana/neutron"), "havana")],
)
def test_the_verdict_names_the_release_that_the_whole_cloud_had(passed_over, begun):
    plan = plan_named("grizzly-icehouse", ("nova", "neutron"))
    steps = tuple(
        StepResult(
            hop.step,
            chain.service,
            hop.target,
            Outcome.SKIPPED if hop.step in passed_over else Outcome.PASSED,
            1.0,
            None,
            {},
            {},
        )
        for chain in plan.chains
        for hop in chain.hops
    )
    result = SimpleNamespace(refused="", came_through=True, steps=steps)
    assert sentence(result, plan) == f"the cloud came through from {begun} to ml2"

"""What users see of recorded runs stays as it is, or is changed on purpose: `make golden`, and read the difference."""

import dataclasses
import re

import pytest

from tools.golden import GOLDEN, anonymous, outputs, recorded, rendered

REPORTS = recorded()
NOW = outputs(REPORTS)
PATH = re.compile(r"(?<![\w.<>`])/(?:home|root|tmp|work|var/tmp|Users|opt|mnt)/[\w./-]+")


@pytest.mark.parametrize("name", sorted(NOW))
def test_what_users_see_has_not_changed_by_accident(name):
    assert NOW[name].splitlines() == (GOLDEN / name).read_text("utf-8").splitlines(), "meant so? `make golden`"


def test_nothing_is_kept_that_is_not_compared():
    assert {str(file.relative_to(GOLDEN)) for file in GOLDEN.rglob("*.*")} == set(NOW)


def test_one_run_failed_and_one_came_through():
    """Between them they have what a report can show of a rehearsal."""
    passed, failed = REPORTS["passed"], REPORTS["failed"]
    assert (passed.exit_status, failed.exit_status) == (0, 1)
    assert passed.api and passed.strategy and passed.schemas and passed.rows
    assert any(step.diagnosis for step in failed.result.steps)
    assert {found.state.value for found in failed.result.findings} == {"cured", "standing"}


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_a_recorded_run_is_real(name):
    """Its images and commits are those of pinned code; none is made up."""
    manifest = REPORTS[name].manifest
    assert all(re.search(r" sha256:[0-9a-f]{64}$", image) for image in manifest.images.values())
    assert all(re.fullmatch(r"[0-9a-f]{40}", commit) for commit in manifest.commits.values())
    assert len(set(manifest.commits.values())) == len(manifest.commits)


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_a_change_of_the_run_is_seen_in_each_report(name):
    report = REPORTS[name]
    changed = dataclasses.replace(report, result=dataclasses.replace(report.result, steps=report.result.steps[:-1]))
    before, after = rendered(report), rendered(changed)
    assert {file for file in before if after[file] != before[file]} >= {"report.json", "junit.xml"}


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_a_recorded_run_tells_nothing_of_its_machine(name):
    assert anonymous(REPORTS[name]) == REPORTS[name]
    assert [line for text in rendered(REPORTS[name]).values() for line in text.splitlines() if PATH.search(line)] == []

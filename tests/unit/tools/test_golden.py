"""What users see of one recorded run stays as it is, or is changed on purpose: `make golden`, and read the difference."""

import dataclasses

import pytest

from osupgrade.report.json import read_json
from tools.golden import GOLDEN, anonymous, outputs

REPORT = read_json(GOLDEN / "report.json")
NOW = outputs(REPORT)


@pytest.mark.parametrize("name", sorted(NOW))
def test_what_users_see_has_not_changed_by_accident(name):
    assert NOW[name].splitlines() == (GOLDEN / name).read_text("utf-8").splitlines(), "meant so? `make golden`"


def test_nothing_is_kept_that_is_not_compared():
    assert {file.name for file in GOLDEN.iterdir()} == set(NOW)


def test_a_change_of_the_run_is_seen_in_each_report():
    changed = dataclasses.replace(REPORT, result=dataclasses.replace(REPORT.result, steps=REPORT.result.steps[:-1]))
    after = outputs(changed)
    assert {name for name in NOW if after[name] != NOW[name]} >= {"report.json", "junit.xml"}


def test_a_recorded_run_tells_nothing_of_its_machine():
    assert anonymous(REPORT) == REPORT

"""The drawing of cases, which needs no server."""

import pytest

from tools.customisations import KINDS, gather


@pytest.mark.exhaustive
def test_cases_are_drawn_the_same_for_the_same_seed():
    cases = gather(40, 1)
    assert cases == gather(40, 1)
    assert cases != gather(40, 2)


@pytest.mark.exhaustive
def test_cases_differ_and_are_of_every_kind():
    cases = gather(150, 0)
    assert len({(case.service, case.statement) for case in cases}) == 150
    assert {case.kind for case in cases} == set(KINDS)

"""The drawing of cases, which needs no server."""

import pytest

from tools.customisations import KINDS, gather


@pytest.mark.parametrize("seed", range(2))
def test_cases_are_drawn_the_same_for_the_same_seed(seed):
    cases = gather(200, seed)
    assert cases == gather(200, seed)
    assert len({(case.service, case.statement) for case in cases}) == 200
    assert {case.kind for case in cases} == set(KINDS)

"""Whether a version table holds the end of a release, with what earlier releases may have left in it."""

import pytest

from osupgrade.catalog.versions import ends_at, numbers


@pytest.mark.parametrize(
    ("versions", "numbered"),
    [((), ()), (("9", "109", "79"), (109, 79, 9)), (("79", "rocky"), ()), (("\u0661",), ())],
)
def test_numbers_are_the_highest_first(versions, numbered):
    assert numbers(versions) == numbered


@pytest.mark.parametrize(
    ("versions", "head", "there"),
    [
        (("161",), ("161",), True),
        (("160",), ("161",), False),
        (("b", "a"), ("a", "b"), True),
        (("a",), ("a", "b"), False),
        (("109", "79", "79", "79"), ("79", "79", "79"), True),
        (("79", "79", "79"), ("109", "79", "79", "79"), False),
        (("109", "79", "79", "71"), ("79", "79", "79"), False),
        (("109", "79"), ("79",), False),
        ((), (), False),
        (("161",), (), False),
    ],
)
def test_an_end_is_known_with_the_row_of_a_repository_that_is_gone(versions, head, there):
    assert ends_at(versions, head) is there

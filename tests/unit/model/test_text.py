"""Durations in words."""

import pytest

from osupgrade.model.text import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (99.9, "99.9 s"), (99.96, "1 min 40 s"), (3599.7, "1 h 00 min"), (7510, "2 h 05 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text

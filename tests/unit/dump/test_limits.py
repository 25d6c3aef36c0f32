"""Limits that the environment raises."""

import pytest

from osupgrade.dump.limits import VARIABLE, limits
from osupgrade.model.errors import UsageFault


def test_limits_that_cannot_be_are_refused(monkeypatch):
    for words in ("speed=3", "ratio", "ratio=-1", "ratio=nan"):
        monkeypatch.setenv(VARIABLE, words)
        with pytest.raises(UsageFault, match=VARIABLE):
            limits()
    monkeypatch.setenv(VARIABLE, "statement=5, ratio=7")
    assert (limits().statement, limits().ratio) == (5, 7)

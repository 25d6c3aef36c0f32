"""Stages as people write them."""

import pytest

from osupgrade.model.stage import SEEDED, VERIFY, Stage


@pytest.mark.parametrize(
    "text", ["seeded", "before:havana/nova", "after:havana/nova", "before:ml2", "after:ml2", "verify"]
)
def test_a_stage_is_written_as_it_is_read(text):
    assert str(Stage.parse(text)) == text


def test_the_named_ones():
    assert (Stage.parse("seeded"), Stage.parse("verify")) == (SEEDED, VERIFY)
    assert Stage.before("ml2") == Stage.parse("before:ml2") and Stage.after("havana/nova").moment == "after"


@pytest.mark.parametrize(
    "text", ["", "sedded", "havana/nova", "during:havana/nova", "after:", "after:a/b/c", "verify\n"]
)
def test_what_is_none_is_answered_with_those_there_are(text):
    with pytest.raises(ValueError, match=r"is not a stage; valid stages: seeded, before:RELEASE/SERVICE"):
        Stage.parse(text)

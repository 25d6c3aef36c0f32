"""What is said of a build that says nothing itself: how long it has taken, and how long it will, where that is known."""

import pytest

from osupgrade.lab.images import Progress


@pytest.mark.parametrize(
    ("progress", "said", "share"),
    [
        (Progress("nova", "6/9 RUN pip", "building", 30.4), "image nova: 6/9 RUN pip", None),
        (Progress("nova", "6/9 RUN pip", "building", 30.4, None, True), "image nova: 6/9 RUN pip (30 s so far)", None),
        (
            Progress("nova", "6/9 RUN pip", "building", 30.4, 29.6, True),
            "image nova: 6/9 RUN pip (30 s so far, about 30 s left)",
            pytest.approx(30.4 / 60),
        ),
        (
            Progress("nova", "6/9 RUN pip", "building", 70.0, 0.0, True),
            "image nova: 6/9 RUN pip (70 s so far, any moment now)",
            1.0,
        ),
        (Progress("nova", "", "built", 81.3), "image nova: built in 81 s", None),
        (Progress("nova", "", "present"), "image nova: present", None),
    ],
)
def test_a_build_says_its_time(progress, said, share):
    assert str(progress) == said
    assert progress.share == share

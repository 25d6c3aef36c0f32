"""The forms of times, numbers, sentences and names on a page."""

import pytest

from osupgrade.report.html.text import breakable, count, moment, sentence


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nova stopped", "Nova stopped."),
        ("is it?", "Is it?"),
        ("", ""),
        ("`db sync` <b> failed", "<code>db sync</code> &lt;b&gt; failed."),
    ],
)
def test_a_message_is_a_sentence_and_no_markup(text, shown):
    assert sentence(text) == shown


def test_a_name_may_be_broken_and_stays_text():
    assert breakable("nova.instances_<i>") == "nova.<wbr>instances_&lt;i&gt;"


def test_numbers_and_times():
    assert count(1234567).replace("\N{NARROW NO-BREAK SPACE}", " ") == "1 234 567" and count(None) == "–"
    assert moment("2026-11-27T20:05:00+00:00") == "27 Nov 2026, 20:05 UTC"
    assert moment("some day") == "some day"

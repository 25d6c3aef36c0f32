"""What the APIs answer before and after an upgrade, compared field by field."""

import pytest

from osupgrade.catalog.running import Explained, load_running
from osupgrade.model.finding import Severity
from osupgrade.verify.census import differences, kept


def test_a_field_that_changed_is_a_finding_and_one_that_is_new_is_not():
    before = {"nova": {"servers": {"1": {"name": "a", "flavor": {"id": "7"}, "tags": ["x", "y"]}}}}
    after = {"nova": {"servers": {"1": {"name": "b", "flavor": {"id": "7"}, "tags": ["y", "x"], "more": 1}}}}
    (found,) = differences(before, after)
    assert found.severity is Severity.ERROR
    assert found.message.startswith("servers: name changed in 1")
    assert found.evidence.rows == (("1", '"a"', '"b"'),)


def test_things_that_are_gone_and_things_that_appeared_are_findings():
    found = list(differences({"nova": {"servers": {"1": {}}}}, {"nova": {"servers": {"2": {}}}}))
    assert sorted(f.message.split(" after ")[0] for f in found) == ["servers: 1 gone", "servers: 1 new"]


def test_an_explained_difference_is_told_with_its_reason_and_is_no_error():
    explained = [Explained("servers", "na*", "names are longer now")]
    (found,) = differences({"n": {"servers": {"1": {"name": 1}}}}, {"n": {"servers": {"1": {}}}}, explained)
    assert found.severity is Severity.INFO
    assert found.consequence == "names are longer now"


def test_the_content_explains_new_things_by_the_word_of_the_comparison():
    """A file of the content may hold the word that a finding shows: changed in one place alone, it explains nothing."""
    explained = load_running("icehouse").explained
    (found,) = differences({"keystone": {"credentials": {}}}, {"keystone": {"credentials": {"1": {}}}}, explained)
    assert found.severity is Severity.INFO


def test_an_explanation_holds_for_its_own_service_only():
    explained = [Explained("quotas", "*", "classes", "nova")]
    before, after = {"quotas": {"t": {"limit": 1}}}, {"quotas": {"t": {"limit": 2}}}
    for service, severity in (("nova", Severity.INFO), ("neutron", Severity.ERROR)):
        (found,) = differences({service: before}, {service: after}, explained)
        assert found.severity is severity


def test_what_was_not_asked_on_both_sides_is_not_compared():
    assert not list(differences({"nova": {"servers": {"1": {}}}}, {"glance": {}}))


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ([{"a": 1}, {"a": 2}], [{"a": 2, "b": 0}, {"a": 1}], True),
        ([{"a": 1}], [{"a": 1}, {"a": 1}], False),
        ([1, 1], [1, 2], False),
        ({"a": None}, {}, False),
        ("x", "x", True),
    ],
)
def test_an_answer_holds_all_that_it_held_before(before, after, same):
    assert kept(before, after) is same

"""The order of releases, and what a person may call them."""

import pytest

from osupgrade.catalog.releases import load_releases
from osupgrade.model.chain import known_release, ordered, release_named, releases_between, since
from osupgrade.model.errors import UsageFault
from tests.unit.model._releases import MADE

RELEASES = load_releases()


def test_releases_are_ordered_by_version_and_known_by_name_and_id():
    assert [r.name for r in ordered(RELEASES.values())][-2:] == ["gazpacho", "hibiscus"]
    for each in RELEASES.values():
        assert known_release(RELEASES, each.name) is known_release(RELEASES, each.version) is each
    with pytest.raises(UsageFault, match=r"unknown release '2024\.10'") as caught:
        known_release(RELEASES, "2024.10")
    assert "caracal (2024.1)" in caught.value.hint


def test_a_point_release_comes_where_its_version_does():
    assert since("2014.1") == since("2014.1.5.dev3") == (2014, 1)
    assert since("2023.2") < since("2024.1")


def test_a_version_names_its_own_release_alone():
    assert release_named(MADE, "2001.1") is MADE["a"] and release_named(MADE, " A ") is MADE["a"]
    assert release_named(MADE, "2001") is None and release_named(MADE, "2001.10") is None


def test_the_releases_between_two_are_without_the_two():
    assert [r.name for r in releases_between(MADE, MADE["a"], MADE["d"])] == ["b", "c"]
    assert releases_between(MADE, MADE["a"], MADE["b"]) == ()

"""Lists of packages, as three package managers print them."""

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.packages.listing import read_listing
from osupgrade.model.errors import UsageFault

from ._listings import DPKG, PIP, RPM


@pytest.mark.parametrize(("text", "manager"), [(PIP, "pip"), (DPKG, "dpkg"), (RPM, "rpm")])
def test_three_managers_say_the_same(text, manager):
    listing = read_listing(text, "list.txt")
    assert listing.manager == manager
    assert {name: one.version for name, one in listing.packages.items()} == {
        "six": "1.2.0",
        "oslo-config": "1.1.1",
        "sqlalchemy": "0.7.8",
        "python-keystoneclient": "0.2.5",
    }


def test_a_listing_keeps_the_names_that_its_manager_knows():
    packages = read_listing(DPKG, "list.txt").packages
    assert packages["sqlalchemy"].listed == "python-sqlalchemy"


@pytest.mark.parametrize("text", ["", "hello world\n", "Name Version\n---- -------\n"])
def test_what_lists_nothing_is_refused(text):
    with pytest.raises(UsageFault, match=r"list\.txt lists no installed packages") as caught:
        read_listing(text, "list.txt")
    assert "rpm -qa" in caught.value.hint


def test_the_labs_own_frozen_sets_are_listings():
    for release in ("grizzly", "havana", "icehouse"):
        text = (root() / "images" / release / "requirements.txt").read_text("utf-8")
        assert "sqlalchemy" in read_listing(text.replace(" \\", ""), release).packages

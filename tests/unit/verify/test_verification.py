"""What an API lists is what the database holds."""

from osupgrade.catalog.running import Listing
from osupgrade.verify.verification import compare_listing

PORTS = Listing("ports", "neutron", "SELECT id FROM ports")


def test_a_listing_must_show_what_was_there_and_nothing_that_is_not():
    assert compare_listing(PORTS, {"a", "b", "new"}, {"a", "b"}, {"a", "b", "new"}) is None
    missing = compare_listing(PORTS, {"a"}, {"a", "b"}, {"a", "b"})
    assert missing is not None
    assert missing.message == "ports: 1 in the database is not listed"
    assert missing.evidence.rows == (("not listed", "b"),)
    surplus = compare_listing(PORTS, {"a", "ghost"}, {"a"}, {"a"})
    assert surplus is not None
    assert surplus.evidence.rows == (("not in the database", "ghost"),)

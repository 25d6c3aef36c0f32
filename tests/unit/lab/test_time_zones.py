"""Time zones as a server's tables hold them."""

import io
import zoneinfo

import pytest

from osupgrade.lab.time_zones import NAME, changes

SLIM = (  # one kind of time in the table, and a rule for all that comes
    b"TZif2"
    + bytes(15)
    + bytes(24)
    + b"TZif2"
    + bytes(15)
    + b"".join(n.to_bytes(4, "big") for n in (0, 0, 0, 0, 1, 4))
    + (3600).to_bytes(4, "big")
    + b"\0\0CET\0"
    + b"\nCET-1CEST,M3.5.0,M10.5.0/3\n"
)


def test_a_zone_of_one_offset_has_one_kind_from_the_beginning():
    assert changes(zoneinfo.ZoneInfo("UTC")) == ([(0, False, "UTC")], [(-(1 << 31), 0)])


@pytest.mark.exhaustive
def test_rules_for_all_years_to_come_become_changes_of_each_year():
    kinds, found = changes(zoneinfo.ZoneInfo.from_file(io.BytesIO(SLIM), key="x"))
    assert kinds == [(3600, False, "CET"), (7200, True, "CEST")]
    assert found[1:3] == [(7520400, 1), (25664400, 0)]  # 29 March and 25 October 1970, 01:00 UTC
    assert (4078429200, 1) in found  # 29 March 2099, likewise
    assert len(found) == 1 + 2 * 136


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "Europe/Berlin\n", "+02:00"])
def test_what_cannot_be_a_name_is_never_looked_for(name):
    assert not NAME.fullmatch(name)

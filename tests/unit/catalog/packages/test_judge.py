"""What has to be updated by hand on a controller, as findings."""

import pytest

from osupgrade.catalog.packages.judge import by_hand, known_breaks, to_know
from osupgrade.catalog.packages.listing import read_listing
from osupgrade.catalog.packages.needs import Asked

from ._listings import DPKG, PIP, RPM, need, shelf


@pytest.mark.parametrize("bound", ["kombu<=3.0.7,>=2.5.0", "kombu==3.0.7", "kombu<3.0"])
def test_what_is_only_newer_than_asked_for_is_not_too_old(bound):
    asked = Asked("icehouse", (need(bound),), shelf(kombu="3.0.37"))
    listing = read_listing("kombu==3.0.37", "x")
    assert not list(by_hand("inspect", "controller", listing, [asked]))
    (told,) = to_know("inspect", "controller", listing, [asked])
    assert told.message.startswith("1 package is newer than icehouse allows: kombu 3.0.37")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (PIP, "pip install --upgrade 'sqlalchemy>=0.9'"),
        (DPKG, "apt-get install python-sqlalchemy   # from the release's own archive: 'sqlalchemy>=0.9'"),
        (RPM, "yum update python-sqlalchemy0.7   # from the release's own repository: 'sqlalchemy>=0.9'"),
    ],
)
def test_the_finding_names_what_to_type(text, command):
    asked = Asked("icehouse", (need("SQLAlchemy>=0.9"),), shelf(sqlalchemy="0.9.9"))
    (finding,) = by_hand("inspect", "controller", read_listing(text, "x"), [asked])
    assert finding.evidence.rows == (("sqlalchemy", "0.7.8", ">=0.9", "nova", "0.9.9", "-"),)
    assert finding.cure is not None
    assert [step.command for step in finding.cure.steps] == [command]


def test_what_was_seen_to_break_is_said():
    assert known_breaks("icehouse")
    assert known_breaks("grizzly") == ()
    asked = Asked("icehouse", (need("python-keystoneclient>=0.7.0", "neutron"),), shelf())
    (finding,) = by_hand("inspect", "controller", read_listing(PIP, "x"), [asked])
    assert "neutron-server" in finding.consequence
    assert finding.evidence.rows[0][-1].startswith("ImportError")

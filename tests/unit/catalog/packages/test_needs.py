"""What a release needs of a controller's packages, and what a careful package manager makes of that."""

import pytest

from osupgrade.catalog.packages.needs import Asked, Library, forced, left_old, read_need

from ._listings import need, shelf


def test_a_careful_manager_replaces_what_is_too_old_and_brings_what_that_asks_for():
    asked = Asked(
        "new",
        (need("client>=0.7"), need("six"), need("missing")),
        {
            "client": Library("client", "0.11", (need("oslo>=1", "client"),)),
            **shelf(six="1.9", missing="1", oslo="1.4"),
        },
    )
    there = {"client": "0.2.5", "six": "1.2", "oslo": "1.2"}
    assert forced(asked, there, by_name=False) == {"client": "0.11", "missing": "1"}
    assert forced(asked, {**there, "oslo": "0.9"}, by_name=False)["oslo"] == "1.4"
    assert forced(asked, there, by_name=True) == {"missing": "1"}


def test_what_a_release_on_the_way_brought_stays_old_too():
    havana = Asked("havana", (need("client"),), shelf(client="2.15"))
    icehouse = Asked("icehouse", (need("client>=2.17,<2.21"),), shelf(client="2.20"))
    (left,) = left_old([havana, icehouse], {})
    assert (left.name, left.version, left.shelf, left.wanted) == ("client", "2.15", "2.20", "<2.21,>=2.17")


def test_a_version_that_is_ruled_out_has_to_go():
    asked = Asked("icehouse", (need("SQLAlchemy>=0.7.8,!=0.9.5,<=0.9.99"),), shelf(sqlalchemy="0.9.9"))
    assert [left.name for left in left_old([asked], {"sqlalchemy": "0.9.5"})] == ["sqlalchemy"]
    assert not left_old([asked], {"sqlalchemy": "0.9.9"})


@pytest.mark.parametrize("line", ["", "# a comment", "-e git+x", 'enum34; python_version < "2.7"'])
def test_lines_that_ask_for_nothing(line):
    assert read_need("nova", line, {"python_version": "2.7"}) is None


def test_a_bound_that_nobody_reads_any_more_leaves_the_name():
    assert need("pytz>=2010h") == need("pytz")

"""What is said of a dump that was restored on a server which is not quite its own."""

from types import SimpleNamespace

import pytest

from osupgrade.dump.remarks import other_engines, views_left_out
from osupgrade.model.finding import Severity


def server(*engines):
    return SimpleNamespace(rows=lambda *_: [(engine,) for engine in engines], version="5.6.51")


@pytest.mark.parametrize(
    ("named", "lacks"), [((), ""), (("innodb",), ""), (("aria", "innodb", "tokudb"), "aria and tokudb")]
)
def test_an_engine_that_the_server_lacks_is_named(named, lacks):
    found = other_engines(server("InnoDB", "MyISAM"), SimpleNamespace(name="a.sql", engines=named))
    assert [one.message.partition("engine ")[2].partition(",")[0] for one in found] == ([lacks] if lacks else [])
    assert all(one.severity is Severity.WARNING for one in found)


def test_views_that_are_left_out_are_named():
    dump = SimpleNamespace(name="a.sql")
    assert views_left_out(dump, []) == []
    assert "are left out: x, y" in views_left_out(dump, ["x", "y"])[0].message

"""What trials of a failing step know of its tool and its error."""

import dataclasses

from osupgrade.catalog.site import Site
from osupgrade.dump.shrink import Table
from osupgrade.model.failure import failure_of
from osupgrade.reproduce.trials import next_revision, tables_in

from ._failures import ERROR, RESULT, nova


def test_the_tool_is_told_to_stop_at_the_revision_that_fails():
    failure, step = failure_of(RESULT, ["nova"]), nova()
    assert next_revision(step, failure, Site()) == "188"
    assert next_revision(step, dataclasses.replace(failure, left_at={"nova": ("216",)}), Site()) == ""
    assert next_revision(step, dataclasses.replace(failure, left_at={"nova": ()}), Site()) == ""
    assert next_revision(step, dataclasses.replace(failure, kind=""), Site()) == ""


def test_tables_that_an_error_names():
    tables = [Table("nova.services", 1), Table("nova.service", 1), Table("nova.instances", 1)]
    assert tables_in(ERROR, tables) == {"nova.services"}

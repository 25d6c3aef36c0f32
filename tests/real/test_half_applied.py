"""A migration that the real tool left half done is told by the schema alone, from a dump of it."""

import json

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.site import Site
from osupgrade.cli import run
from osupgrade.cloud.laboratory import restore_lane
from osupgrade.dump.write import write_dump
from osupgrade.model.errors import Exit
from osupgrade.scenarios.loading import load_scenarios

LANE = "half"


@pytest.fixture(scope="module")
def page(laboratory, tmp_path_factory):
    """What `inspect` says of nova after Havana's own tool has failed in 186."""
    scratch = tmp_path_factory.mktemp(LANE)
    cloud = laboratory.cloud(Site(), LANE, restore_lane(laboratory, {"nova": "nova"}, LANE), scratch)
    ((_stage, fail),) = load_scenarios([root() / "scenarios"]).scenarios["nova-half-applied-columns"].injections
    fail(cloud)
    write_dump(cloud.server, list(cloud.databases.values()), scratch / "nova.sql")
    cloud.server.drop(cloud.databases["nova"])
    assert run(["inspect", "--quiet", "--out", str(scratch), str(scratch / "nova.sql")]) == Exit.DID_NOT
    return json.loads((scratch / "inspection.json").read_text())


def test_the_migration_is_named_with_what_it_did_and_did_not(page):
    (half,) = [found for found in page["findings"] if "is half applied" in found["message"]]
    assert half["severity"] == "error"
    assert half["message"].startswith("migration 186 is half applied: the version table says 185")
    state = dict(half["evidence"]["rows"])
    assert state["column block_device_mapping.source_type was added: varchar(255) NULL"] == "done"
    assert state["column block_device_mapping.virtual_name was removed: varchar(255) NULL"] == "not done"


def test_what_it_left_is_not_taken_for_the_operator_s_own(page):
    assert page["own"] == []
    assert [(nova["revision"], nova["claim"]) for nova in page["databases"]] == [("185", ["185"])]

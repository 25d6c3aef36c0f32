"""Helpers for authors of scenarios."""

import dataclasses
from types import SimpleNamespace

import pytest

from osupgrade.catalog.site import Site
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import reproduced


@pytest.mark.parametrize("plugins", [["router", "lbaas"], ("router", "lbaas")])
@pytest.mark.parametrize("name", ["revisions", "stands"])  # the second one is in scenarios that version 0.1.0 wrote
def test_a_written_preflight_knows_its_site_whether_read_or_stated(plugins, name):
    stated = {"service_plugins": ["router", "lbaas"]}
    scenario = Scenario("t", ("neutron",), Blocks("havana/neutron", error="x"), site=stated, name="mine")
    cloud = SimpleNamespace(
        has=lambda _name: True,
        site=dataclasses.replace(Site(), service_plugins=plugins),
        versions=lambda _database, _table: ("grizzly",),
    )
    (finding,) = reproduced(scenario, cloud, **{name: {"neutron.alembic_version": ["grizzly"]}})
    assert finding.source == "mine"
    cloud.site = Site()
    assert not list(reproduced(scenario, cloud, **{name: {"neutron.alembic_version": ["grizzly"]}}))

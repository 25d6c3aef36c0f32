"""The catalogue in the package is what the pinned tools make, to the last byte."""

from pathlib import Path

import pytest

from osupgrade.schema.catalogue import DIRECTORY
from tools.build_catalogue import SERVICES, Bench, build


@pytest.mark.parametrize("service", SERVICES)
def test_the_tools_make_the_catalogue(laboratory, service, tmp_path: Path):
    if laboratory.database != "mysql56":
        pytest.skip("NOT RUN: the catalogue is made on MySQL 5.6, which this machine cannot run")
    bench = Bench(laboratory.server, laboratory.workshop, laboratory.plan, tmp_path, prefix="catalogue_")
    assert build(bench, service) == (DIRECTORY / f"{service}.json").read_text("utf-8")

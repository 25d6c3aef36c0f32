"""The comparison with a new database is made only where the catalogue does not say what should come out."""

import dataclasses

import pytest

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.model.plan import find_path, make_plan
from osupgrade.rehearsal.fresh import Fresh


@dataclasses.dataclass
class Here:
    names: tuple[str, ...]

    def has(self, name):
        return name in self.names


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("grizzly-icehouse", {}),
        ("caracal-gazpacho", {}),
        ("rocky-hibiscus", {}),
        ("yoga-2025.1", {}),
        ("queens-rocky", {"nova": "nova", "nova_api": "nova"}),
    ],
)
def test_databases_that_the_catalogue_does_not_know_from_end_to_end(path, wanted):
    releases = load_releases()
    plan = make_plan(find_path(load_paths(), releases, path), releases)
    assert Fresh(plan, None, print)._wanted(Here(("nova", "nova_api"))) == wanted

"""The path on which `osupgrade inspect` looks at a cloud whose path nobody gave."""

import pytest

from osupgrade.catalog.releases import load_releases
from osupgrade.cli.inspect import _path_of


def held_at(release, *services):
    found = load_releases()[release].services
    return {name: found[name].databases[0].head for name in services or found}


@pytest.mark.parametrize(
    ("release", "path"),
    [
        ("grizzly", "grizzly-icehouse"),
        ("havana", "havana-icehouse"),
        ("icehouse", "grizzly-icehouse"),
        ("juno", "juno-kilo"),
        ("mitaka", "mitaka-newton"),
        ("queens", "queens-rocky"),
        ("rocky", "rocky-stein"),
        ("zed", "zed-antelope"),
        ("caracal", "caracal-gazpacho"),
        ("dalmatian", "dalmatian-epoxy"),
        ("epoxy", "epoxy-gazpacho"),
        ("gazpacho", "gazpacho-hibiscus"),
        ("hibiscus", "gazpacho-hibiscus"),
    ],
)
def test_a_sound_cloud_is_looked_at_on_a_path_that_begins_with_it(release, path):
    """Where a path goes on from it: Icehouse's is at the end of the only one whose schemas are known."""
    assert _path_of(held_at(release)) == path


def test_a_cloud_that_an_operator_changed_stays_on_its_path():
    grizzly = held_at("grizzly")
    assert _path_of({**grizzly, "keystone": ("55",)}) == "grizzly-icehouse"
    assert _path_of({**grizzly, "neutron": ()}) == "grizzly-icehouse"
    assert _path_of({"nova": ("own",)}) == "grizzly-icehouse"


def test_a_cloud_half_way_between_two_releases_is_looked_at_from_the_first():
    assert _path_of({**held_at("grizzly"), **held_at("havana", "keystone")}) == "grizzly-icehouse"
    assert _path_of({**held_at("rocky"), **held_at("stein", "keystone", "placement")}) == "rocky-stein"
    assert (
        _path_of({**held_at("xena"), **held_at("wallaby", "cinder"), **held_at("yoga", "keystone")}) == "wallaby-yoga"
    )

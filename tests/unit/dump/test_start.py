"""Whether a database is where a path begins, by its version table alone."""

from pathlib import Path

import pytest

from osupgrade.catalog.identity import Section
from osupgrade.catalog.releases import load_releases, plan_named
from osupgrade.dump.holdings import Holding
from osupgrade.dump.start import (
    begins,
    check_start,
    ended,
    fits,
    onward,
    onward_from,
    release_of,
    route_onward,
    touches,
)
from osupgrade.model.chain import ordered
from osupgrade.model.errors import Exit, UsageFault


class Read:
    """A dump of a name only."""

    name, path = "keystone.sql", Path("keystone.sql")


def checked(*versions, path="grizzly-icehouse", service="keystone"):
    held = Holding(service, Read(), Section(service, True, (), versions=versions))
    return check_start([held], plan_named(path).releases)


@pytest.mark.parametrize(
    "versions", [("109", "44", "44", "44"), ("44", "44", "44", "109"), ("55",), ("109", "52", "52", "52")]
)
def test_a_later_keystone_is_newer_however_many_rows_it_has(versions):
    with pytest.raises(UsageFault, match=r"keystone .keystone\.sql. is newer than icehouse: its version is") as refused:
        checked(*versions)
    assert refused.value.status == Exit.USAGE and refused.value.hint


def test_a_release_that_is_known_is_named():
    rocky = load_releases()["rocky"].services["keystone"].databases[0].head
    with pytest.raises(UsageFault) as refused:
        checked(*rocky)
    assert refused.value.hint.startswith("the dumps are at rocky (")
    assert refused.value.hint.endswith(": osupgrade rehearse keystone.sql --from rocky --to stein")


def test_a_release_before_the_path_is_rehearsed_from_there():
    rocky = load_releases()["rocky"].services["keystone"].databases[0].head
    with pytest.raises(UsageFault, match="is older than caracal") as refused:
        checked(*rocky, path="caracal-gazpacho")
    assert refused.value.hint.endswith(": osupgrade rehearse keystone.sql --from rocky --to stein")


def test_one_that_lacks_the_last_steps_of_several_repositories_is_older():
    with pytest.raises(UsageFault, match="is older than rocky"):
        checked("109", "44", "44", "44", path="rocky-stein")


def test_where_it_is_on_the_path():
    assert checked("22") == ()
    (later,) = checked("44")
    assert "is not at grizzly: its version is 44" in later.message and later.consequence == "it is at icehouse"
    (between,) = checked("30")
    assert between.consequence == "no release of the path ends at that version"


@pytest.mark.parametrize("odd", ["²", "a", "12x", "-1"])
def test_a_version_that_is_no_number_is_no_fault_of_the_lab(odd):
    assert checked(odd) is not None


@pytest.mark.parametrize(
    ("service", "versions", "named"),
    [
        ("keystone", ("109", "44", "44", "44"), "queens (2018.1)"),
        ("nova", ("302",), "liberty (2015.2)"),
        ("neutron", ("34af2b5c5a59", "4af11ca47297"), "liberty (2015.2)"),
        ("neutron", ("kilo",), "kilo (2015.1)"),
        ("glance", ("queens_contract01",), "queens (2018.1)"),
        ("glance", ("ocata_contract01",), "Ocata (2017.1)"),
        ("cinder", ("50",), "between those of Kilo (2015.1) and Liberty (2015.2)"),
        ("keystone", ("109", "30", "30", "30"), "between those of Pike (2017.2) and Queens (2018.1)"),
    ],
)
def test_a_later_release_is_called_by_its_name(service, versions, named):
    with pytest.raises(UsageFault, match="is newer than icehouse") as refused:
        checked(*versions, service=service)
    assert named in refused.value.hint


def test_one_that_is_older_than_the_path_is_named_too():
    with pytest.raises(UsageFault, match="is older than grizzly") as refused:
        checked("133", service="nova")
    assert "Folsom (2012.2)" in refused.value.hint


def held_at(release, *services):
    """What the version tables of a release's databases hold."""
    found = load_releases()[release].services
    return {name: found[name].databases[0].head for name in services}


@pytest.mark.parametrize("release", ["grizzly", "rocky", "train", "wallaby", "yoga", "antelope", "caracal", "gazpacho"])
def test_a_route_of_dumps_begins_where_they_are(release):
    services = [name for name in load_releases()[release].services if name in ("keystone", "nova", "cinder", "neutron")]
    assert release_of(held_at(release, *services)).name == release


def test_where_services_are_at_different_releases_the_oldest_counts():
    assert release_of({**held_at("train", "nova"), **held_at("yoga", "neutron")}).name == "train"


@pytest.mark.parametrize("versions", [(), ("109", "900", "900", "900"), ("own",)])
def test_a_release_that_nobody_knows_has_to_be_named(versions):
    with pytest.raises(UsageFault) as refused:
        release_of({"keystone": versions})
    assert "--from" in refused.value.hint


@pytest.mark.parametrize(
    ("database", "versions", "release"),
    [
        ("keystone", ("109", "43", "43", "43"), "pike"),
        ("nova", ("400",), "stein"),
        ("neutron", ("5c85685d616d", "195176fb410d"), "rocky"),
        ("glance", ("queens_expand01", "pike_contract01"), "pike"),
    ],
)
def test_a_database_between_two_releases_is_on_the_way_from_the_first(database, versions, release):
    assert release_of({database: versions}).name == release


@pytest.mark.parametrize(
    ("last", "release", "next_one"),
    [("27ef74513d33", "havana", "icehouse"), ("5ac1c354a051", "icehouse", "juno"), ("20c469a5f920", "kilo", "liberty")],
)
def test_what_is_a_release_but_for_the_revision_that_marks_it_is_where_a_route_can_begin(last, release, next_one):
    assert checked(last, path=f"{release}-{next_one}", service="neutron") == ()
    held = {"neutron": (last,)}
    assert release_of(held).name == release
    assert onward(held, ["keystone.sql"]) == f"osupgrade rehearse keystone.sql --from {release} --to {next_one}"


def test_the_revision_before_that_is_older():
    with pytest.raises(UsageFault, match="is older than icehouse"):
        checked("538732fa21e1", path="icehouse-juno", service="neutron")


def test_dumps_are_at_the_end_of_a_path_when_all_of_them_are():
    releases = plan_named("grizzly-icehouse").releases
    assert ended({"keystone": ("44",), "neutron": ("5ac1c354a051",)}, releases)
    assert not ended({"keystone": ("44",), "glance": ("33",)}, releases)
    hibiscus = held_at("hibiscus", "cinder", "neutron", "nova")
    assert hibiscus["cinder"] == held_at("gazpacho", "cinder")["cinder"]
    assert ended(hibiscus, plan_named("gazpacho-hibiscus").releases)
    assert not ended({}, releases)


def test_a_path_fits_what_none_of_its_databases_is_older_or_newer_than():
    releases = plan_named("grizzly-icehouse").releases
    assert fits({"keystone": ("22",), "glance": ("33",), "nova": (), "neutron": ("0wn",)}, releases)
    assert not fits({"keystone": ("22",), "nova": ("133",)}, releases)
    assert not fits(held_at("rocky", "keystone"), releases)


def test_the_route_onward_is_that_of_the_command():
    assert route_onward({**held_at("train", "nova"), **held_at("stein", "neutron")}) == ("stein", "train")
    assert route_onward({"nova": ("own",)}) == ()


def test_of_services_at_different_releases_the_route_leads_to_the_furthest():
    """On a shorter one that would be newer than its end."""
    half_way = {**held_at("train", "nova", "cinder"), **held_at("wallaby", "neutron")}
    assert route_onward(half_way) == ("train", "wallaby")
    assert onward(half_way, ["a.sql"]) == "osupgrade rehearse a.sql --from train --to wallaby"
    assert fits(half_way, plan_named("train-wallaby").releases)
    between = {**held_at("rocky", "keystone"), "nova": ("400",)}
    assert route_onward(between) == ("rocky", "train")


def test_at_the_last_release_the_route_is_the_one_to_it_and_there_is_no_way_on():
    before, last = [release.name for release in ordered(load_releases().values())][-2:]
    there = held_at(last, "nova", "neutron")
    assert route_onward(there) == (before, last)
    assert onward(there, ["a.sql"]) == ""


def test_a_path_is_touched_by_what_is_at_one_of_its_releases_or_between_them():
    releases = plan_named("grizzly-icehouse").releases
    assert touches({"nova": ("170",), "keystone": ("97",)}, releases)
    assert not touches({**held_at("mitaka", "nova", "keystone"), "glance": ()}, releases)


@pytest.mark.parametrize(
    ("release", "path", "start"),
    [
        ("grizzly", "grizzly-icehouse", "grizzly"),
        ("havana", "grizzly-icehouse", "havana"),
        ("icehouse", "grizzly-icehouse", ""),
        ("epoxy", "caracal-gazpacho", "epoxy"),
        ("bobcat", "caracal-gazpacho", ""),
    ],
)
def test_a_path_begins_at_the_release_where_all_databases_are(release, path, start):
    releases = plan_named(path).releases
    assert begins(held_at(release, "keystone", "nova", "neutron"), releases) == start
    assert begins({**held_at(release, "nova"), "neutron": ("own",)}, releases) == ""


def test_a_service_that_stands_still_is_at_the_first_of_its_releases():
    (there,) = held_at("caracal", "cinder").values()
    assert there == held_at("epoxy", "cinder")["cinder"]
    assert begins({"cinder": there}, plan_named("caracal-gazpacho").releases) == "caracal"


def test_nothing_follows_the_last_release():
    assert onward_from(list(ordered(load_releases().values()))[-1].name, ["x.sql"]) == onward_from("nonsense", []) == ""


@pytest.mark.parametrize("number", range(len(load_releases()) - 1))
def test_an_upgraded_cloud_is_at_its_release_whatever_earlier_ones_left_in_its_version_tables(number):
    """A repository that a release no longer has keeps its row: see the keystone of Yoga."""
    releases = ordered(load_releases().values())
    release, following = releases[number : number + 2]
    left = {}
    for earlier in releases[: number + 1]:
        for part in earlier.services.values():
            for database in part.databases:
                rows = dict(zip(database.repositories, database.head, strict=False))
                left.setdefault(database.name, {}).update(rows)
    held = {}
    for part in release.services.values():
        for database in part.databases:
            gone = left.get(database.name, {}).keys() - set(database.repositories)
            held[database.name] = (
                *database.head,
                *(left[database.name][name] for name in gone if database.repositories),
            )
    assert release_of(held) is release
    assert begins(held, [release, following]) == release.name
    assert route_onward(held) == (release.name, following.name)

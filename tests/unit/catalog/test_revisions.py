"""The order of revisions over all releases, and where a database is that is between two."""

import itertools

import pytest

from osupgrade.catalog.eras import eras, said_of
from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.revisions import behind, graph, known
from osupgrade.model.chain import ordered

RELEASES = ordered(load_releases().values())


def ends(database):
    return [
        (release.name, d.head)
        for release in RELEASES
        for part in release.services.values()
        for d in part.databases
        if d.name == database and d.head
    ]


@pytest.mark.parametrize("database", ["keystone", "glance", "cinder", "nova", "nova_api", "placement", "neutron"])
def test_the_heads_of_all_releases_follow_each_other(database):
    found = ends(database)
    for (_, before), (name, after) in itertools.pairwise(found):
        assert known(database, after), name
        assert behind(database, after, before), name
        nothing_new = set(after) <= set(before)  # keystone's first repository went, and nothing came
        assert nothing_new or not behind(database, before, after), name


@pytest.mark.parametrize(
    ("database", "versions", "says"),
    [
        ("nova", ("390",), "that of Rocky (2018.2)"),
        ("nova", ("400",), "between those of Stein (2019.1) and Train (2019.2)"),
        ("neutron", ("5c85685d616d", "195176fb410d"), "between those of"),
        ("cinder", ("921e1a36b076",), "Xena"),
        ("keystone", ("29e87d24a316", "99de3849d860"), "between those of Antelope (2023.1) and Bobcat (2023.2)"),
        ("keystone", ("109", "45", "44", "44"), "between those of Queens (2018.1) and Rocky (2018.2)"),
        ("glance", ("queens_contract01",), "that of Queens"),
        ("glance", ("queens_expand01", "pike_contract01"), "between those of Pike (2017.2) and Queens (2018.1)"),
        ("neutron", ("own",), ""),
    ],
)
def test_a_version_is_said_to_be_between_two_releases(database, versions, says):
    said = said_of(database, versions)
    assert said.startswith(says) or says in said if says else said == ""


def test_every_revision_of_a_head_is_brought_by_no_later_release():
    names = [release.name for release in RELEASES]
    for database in ("nova", "neutron", "placement", "cinder"):
        for name, head in ends(database):
            brought = [names.index(graph(database).release[one]) for one in graph(database).applied(head)]
            assert not brought or max(brought) <= names.index(name)


def test_what_nobody_knows_is_nowhere():
    assert not known("nova", ("own",)) and not behind("nova", ("own",), ("390",)) and not known("nova", ())


def test_releases_before_the_first_image_are_known_too():
    assert eras()[0].name == "essex" and behind("nova", ("161",), ("133",))

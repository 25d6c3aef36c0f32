"""Every release by what its version tables hold."""

import pytest

from osupgrade.catalog.eras import brought_by, ending_at, eras, said_of


def test_each_release_is_there_once_and_in_order():
    names = [era.name for era in eras()]
    assert len(names) == len(set(names))
    assert names.index("folsom") < names.index("grizzly") < names.index("juno") < names.index("rocky")
    assert names.index("queens") + 1 == names.index("rocky")


def test_a_version_that_several_releases_end_at_is_that_of_all_of_them():
    found = ending_at("glance", ("ussuri_contract01",))
    assert [era.name for era in found] == ["ussuri", "victoria"]
    assert said_of("glance", ("ussuri_contract01",)) == "that of Ussuri (2020.1) to Victoria (2020.2)"


def test_a_release_may_end_at_another_revision_by_another_command():
    assert said_of("glance", ("ocata01",)) == said_of("glance", ("ocata_contract01",)) == "that of Ocata (2017.1)"


def test_nothing_is_said_of_what_no_release_has():
    assert said_of("keystone", ()) == said_of("neutron", ("0123456789ab",)) == said_of("nova", ("99999",)) == ""


def test_a_revision_of_alembic_s_is_between_two_releases():
    assert said_of("neutron", ("5ac1c354a051",)) == "between those of Havana (2013.2.4) and Icehouse (2014.1.5)"


@pytest.mark.parametrize(
    ("release", "databases"),
    [("essex", {"keystone", "glance", "nova"}), ("folsom", {"keystone", "glance", "nova", "cinder", "neutron"})],
)
def test_an_earlier_release_is_known_by_every_database_that_it_has(release, databases):
    (era,) = (era for era in eras() if era.name == release)
    assert set(era.ends) == databases
    for database, head in era.ends.items():
        assert said_of(database, head) == f"that of {era.title}"
        assert brought_by(database, head[0]) in (release, "")  # neutron's is a word


@pytest.mark.parametrize(
    ("database", "revision", "release"),
    [("glance", "13", "essex"), ("glance", "14", "folsom"), ("glance", "22", "grizzly"), ("glance", "23", "havana")],
)
def test_a_number_is_of_the_first_release_that_has_it(database, revision, release):
    assert brought_by(database, revision) == release


def test_of_a_revision_without_a_number_the_schemas_say_it():
    assert brought_by("neutron", "icehouse") == brought_by("keystone", "ml2") == ""

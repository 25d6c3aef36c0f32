"""Every release by what its version tables hold."""

from osupgrade.catalog.eras import ending_at, eras, said_of


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

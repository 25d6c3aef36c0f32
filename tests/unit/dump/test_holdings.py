"""Which service each database of a dump is."""

import pytest

from osupgrade.dump.holdings import Holding, holdings
from osupgrade.model.errors import UsageFault

from ._written import read, several, single


def test_each_database_of_a_dump_is_known_by_its_tables(tmp_path):
    dump = read(tmp_path, several("nova", "mysql", "quantum", "cinder", "wiki"))
    found = holdings([dump])
    assert [(h.service, h.section.name, h.section.charset) for h in found] == [
        ("nova", "nova", "latin1"),
        ("neutron", "quantum", "latin1"),
        ("cinder", "cinder", "latin1"),
    ]


def test_the_servers_own_databases_are_nobodys(tmp_path):
    with pytest.raises(UsageFault, match=r"no OpenStack database in a.sql: mysql in a.sql is of none of its services"):
        holdings([read(tmp_path, single("mysql"))])


def test_two_databases_of_one_service_need_a_decision(tmp_path):
    text = several("quantum") + several("quantum").replace("`quantum`", "`ovs_neutron`")
    dump = read(tmp_path, text)
    with pytest.raises(UsageFault, match=r"two databases belong to neutron: quantum .* and ovs_neutron"):
        holdings([dump])
    assert [h.section.name for h in holdings([dump], {"neutron": "ovs_neutron"})] == ["ovs_neutron"]
    with pytest.raises(UsageFault, match="no dump contains the database old"):
        holdings([dump], {"neutron": "old"})


def test_holdings_know_their_dump(tmp_path):
    dump = read(tmp_path, single())
    assert holdings([dump]) == (Holding("neutron", dump, dump.sections[0]),)

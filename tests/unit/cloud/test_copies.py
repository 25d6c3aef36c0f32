import pytest

from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.copies import Snapshot, copied, copy_names, snapshot
from osupgrade.lab.database import Copied, DatabaseServer
from osupgrade.lab.live_server import LiveServer
from osupgrade.model.errors import LabFault, UsageFault
from osupgrade.model.plan import make_plan
from osupgrade.model.release import Database


class Server(DatabaseServer):
    """A server that holds names instead of databases; its snapshots are what it was asked for."""

    def __init__(self, *databases):
        self.held = set(databases)
        self.shelves = {}

    def save(self, databases, shelf):
        assert set(databases) <= self.held
        self.shelves[shelf] = set(databases)
        return {}

    def load(self, shelf, databases):
        assert set(databases) <= self.shelves[shelf]
        self.held |= set(databases.values())
        return {name: Copied(0.5, 7) for name in databases}

    def drop(self, database):
        self.held.discard(database)


@pytest.fixture
def cloud():
    return Cloud(Server("nova", "nova_api"), {"nova": "nova", "nova_api": "nova_api"}, Site(), "main")


def test_a_copy_is_of_the_cloud_as_it_is_and_is_dropped(cloud):
    with copied(cloud, "again-2") as copy:
        assert copy.databases == {"nova": "again_2_nova", "nova_api": "again_2_nova_api"}
        assert copy.lane == "again-2" and cloud.server.held >= set(copy.databases.values())
    assert cloud.server.held == {"nova", "nova_api"}


def test_a_copy_is_dropped_whatever_happened(cloud):
    with pytest.raises(KeyboardInterrupt), copied(cloud, "x"):
        raise KeyboardInterrupt
    assert cloud.server.held == {"nova", "nova_api"}


def test_a_copy_that_cannot_be_made_leaves_nothing(cloud):
    def fail(shelf, databases):
        cloud.server.held |= set(databases.values())
        raise LabFault("the disk is full")

    cloud.server.load = fail
    with pytest.raises(LabFault), copied(cloud, "x"):
        pass
    assert cloud.server.held == {"nova", "nova_api"}


def test_a_part_of_an_earlier_snapshot_and_how_long_it_took(cloud):
    kept, took = snapshot(cloud, "kept"), {}
    cloud.server.save(["nova"], "copy-part")
    with copied(cloud, "part", kept.only(["nova_api", "glance"]), loaded=took.update) as copy:
        assert copy.databases == {"nova_api": "part_nova_api"}
    assert kept == Snapshot("kept", cloud.databases) and took == {"nova_api": Copied(0.5, 7)}


def test_names_of_copies_fit_into_what_a_server_takes():
    names = copy_names("n_" + "very-long-name-of-a-trap-" * 4, ["nova", "nova_cell0"])
    assert max(map(len, names.values())) <= 64 and len(set(names.values())) == 2


def test_a_server_that_is_only_read_cannot_be_copied_on(cloud):
    live = object.__new__(LiveServer)
    with pytest.raises(UsageFault, match="read-only here"), copied(Cloud(live, {}, Site(), "inspect"), "x"):
        pass


def test_the_column_of_a_version_table_is_known_in_one_place():
    assert Database("nova", "migrate_version", ("1",)).version_column == "version"
    assert Database("nova", "alembic_version", ("a",)).version_column == "version_num"


def test_a_plan_s_databases_are_those_of_its_services(cloud):
    from osupgrade.catalog.releases import load_paths, load_releases

    plan = make_plan(load_paths()["grizzly-icehouse"], load_releases(), ["nova", "neutron"])
    assert [d.name for d in plan.databases()] == ["nova", "neutron"]

"""What happens to the lab itself is never said of the cloud."""

import pytest

from osupgrade.cloud.cloud import Cloud
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.exec import run_in
from osupgrade.lab.images import ImageStore
from osupgrade.lab.leftovers import leftovers
from osupgrade.model.errors import LabFault, MissingFault

STAY = ["tail", "-f", "/dev/null"]


@pytest.fixture(scope="module")
def image(client):
    return ImageStore(client).ensure(["mysql56"], lambda _progress: None)["mysql56"]


@pytest.fixture
def lab(client):
    with Lab(client) as lab:
        yield lab


@pytest.fixture
def container(lab, image):
    return lab.start(image, "victim", command=STAY, environment={"LAB_ROOT_PASSWORD": "x"})


def test_a_lab_that_is_whole_says_nothing(lab, container):
    lab.require_whole()


def test_a_container_that_was_removed(lab, container):
    container.remove(force=True)
    with pytest.raises(LabFault, match=r"nothing can be said about the cloud|removed"):
        lab.require_whole()


def test_a_container_that_was_killed(lab, container):
    container.kill()
    with pytest.raises(LabFault, match=r"victim stopped \(exited\) .*nothing can be said about the cloud"):
        lab.require_whole()


def test_a_container_without_its_network(lab, container):
    lab.inside.disconnect(container, force=True)
    with pytest.raises(LabFault, match="was disconnected from its network"):
        lab.require_whole()


def test_a_program_that_was_killed_alone_ran_out_of_memory(container):
    with pytest.raises(MissingFault, match="most likely because memory ran out"):
        run_in(container, ["bash", "-c", "kill -KILL $$"])


def test_a_program_whose_container_is_removed_under_it(lab, container, client):
    with pytest.raises(LabFault, match="container"):
        run_in(container, ["bash", "-c", f"echo now; exec {' '.join(STAY)}"], log=Removing(container))


class Removing:
    """A log that has the container removed as soon as something is written to it."""

    def __init__(self, container):
        self.container = container

    def open(self, _mode):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def write(self, _data):
        self.container.remove(force=True)

    def flush(self):
        pass


def test_nothing_can_be_started_in_a_lab_that_is_closed(client, image):
    with Lab(client) as lab:
        pass
    with pytest.raises(LabFault, match="closed"):
        lab.start(image, "late", command=STAY)
    assert not list(leftovers(client, lab.run_id))


def test_the_labs_own_queries_work_whatever_names_and_collations_a_cloud_has(lab, image):
    from osupgrade.catalog.site import Site
    from osupgrade.checks import kept, rows
    from osupgrade.cloud.fingerprint import fingerprint, volume
    from osupgrade.schema.reading import ddl, read_schema

    with start_database(lab, image) as server:
        names = ["it's", "back`tick", "50%s", "%(x)s {x}", "a:b", "{nova}", "schlüssel", "x -- y", "a\\"]
        server.create("nova")
        for number, name in enumerate(names):
            quoted = "`" + name.replace("`", "``") + "`"
            charset = ("latin1", "utf8", "utf8 COLLATE utf8_unicode_ci", "ascii")[number % 4]
            with server.session("nova") as session:
                run = session.execution_options(no_parameters=True).exec_driver_sql
                run(f"CREATE TABLE {quoted} (id INT PRIMARY KEY, {quoted} VARCHAR(20)) CHARACTER SET {charset}")
                run(f"INSERT INTO {quoted} VALUES (1, 'it''s')")
        cloud = Cloud(server, {"nova": "nova"}, Site(), "main")
        assert volume(cloud).rows == {f"nova.{name}": 1 for name in names}
        assert set(fingerprint(cloud, 0).contents) == {f"nova.{name}" for name in names}
        for check in (kept.check, rows.check):
            assert list(check.compare(cloud, check.census(cloud))) == []
        assert {table.name for table in read_schema(server, "nova").tables} == set(names)
        assert all("CREATE TABLE `" + name.replace("`", "``") + "` (" in ddl(server, "nova") for name in names)

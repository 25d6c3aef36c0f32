"""A cloud on the way to a server that does not know its collations."""

import dataclasses

import pytest

from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.model.finding import Shell
from osupgrade.rehearsal.transfer import Clock, transferred


@pytest.fixture
def servers(client):
    """Starts servers by their image's name, on one lab."""
    with Lab(client) as lab:
        yield lambda image: start_database(
            lab, ImageStore(client).ensure([image], lambda _progress: None)[image], name=image
        )


def test_a_cloud_arrives_on_a_server_that_lacks_its_collations(servers):
    name = "utf8mb4_0900_ai_ci"
    with servers("mysql97") as old, servers("mariadb1011") as new:
        old.execute("", f"CREATE DATABASE nova CHARACTER SET utf8mb4 COLLATE {name}")
        old.execute("nova", f"CREATE TABLE a (t VARCHAR(40) COLLATE {name}) CHARACTER SET utf8mb4 COLLATE {name}")
        old.execute("nova", f"INSERT INTO a VALUES ('{name}'), ('Zo\u00eb')")
        old.execute("nova", "CREATE TRIGGER b BEFORE INSERT ON a FOR EACH ROW SET NEW.t = 'x'")
        cloud = Cloud(old, {"nova": "nova"}, Site(), "collations")
        moved, (finding,) = transferred(cloud, new, "move", Clock())
        rows = moved.rows("nova", "SELECT t FROM a ORDER BY t")
        default = new.defaults("nova")
    assert sorted(row[0] for row in rows) == ["Zo\u00eb", name]
    assert name in finding.message and finding.evidence.rows == (("nova.a",),)
    (step,) = finding.cure.steps
    assert isinstance(step, Shell) and default[1] in step.command and default[0] == "utf8mb4"
    assert dataclasses.replace(moved, server=old) == cloud

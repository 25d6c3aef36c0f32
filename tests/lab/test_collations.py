"""Collations differ between servers: what one gives utf8 by default, and which ones it does not know at all."""

import dataclasses

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.model.finding import Shell
from osupgrade.rehearsal.asking import ask
from osupgrade.rehearsal.transfer import Clock, transferred
from osupgrade.scenarios.loading import load_scenarios

TABLE = "CREATE TABLE {} (id INT PRIMARY KEY, uuid VARCHAR(36) NOT NULL, UNIQUE KEY u (uuid)) CHARACTER SET utf8{}"
KEY = "CREATE TABLE own (u VARCHAR(36), FOREIGN KEY (u) REFERENCES instances (uuid)) CHARACTER SET utf8"


@pytest.fixture
def servers(client):
    """Starts servers by their image's name, on one lab."""
    with Lab(client) as lab:
        yield lambda image: start_database(
            lab, ImageStore(client).ensure([image], lambda _progress: None)[image], name=image
        )


def nova(server, collation):
    server.create("nova")
    for table in ("instances", "share_mapping"):
        server.execute("nova", TABLE.format(table, collation))
    (head,) = load_releases()["caracal"].services["nova"].databases[0].head
    server.execute("nova", "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
    server.execute("nova", f"INSERT INTO alembic_version VALUES ('{head}')")
    return Cloud(server, {"nova": "nova"}, Site(), "collations")


@pytest.mark.parametrize(
    ("image", "collation", "stops"),
    [
        ("mysql97", "", False),
        ("mariadb1011", "", False),
        ("mariadb118", "", False),  # gives utf8 a collation that it does not list as the default
        ("mysql97", " COLLATE utf8_unicode_ci", True),
        ("mariadb1011", " COLLATE utf8_unicode_ci", True),
        ("mariadb118", " COLLATE utf8_unicode_ci", True),
        ("mariadb118", " COLLATE utf8_general_ci", True),  # as a dump of an older MariaDB says it
    ],
)
def test_what_is_found_and_cured_is_what_stops_a_foreign_key(servers, image, collation, stops):
    scenario = load_scenarios([root() / "scenarios"]).scenarios["nova-share-mapping-collation"]
    look = next(preflight for _stages, preflight in scenario.preflights)
    with servers(image) as server:
        cloud = nova(server, collation)
        found = ask(scenario, look, cloud)
        if stops:
            with pytest.raises(Exception, match=r"1005|3780"):
                server.execute("nova", KEY)
            (finding,) = found
            cloud.execute("nova", *(step.statement for step in finding.cure.steps))
            found = ask(scenario, look, cloud)
        assert found == []
        server.execute("nova", KEY)


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

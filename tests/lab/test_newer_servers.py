"""Servers newer than the first ones say the same of a schema, and run every question of the lab's as it is written."""

from functools import partial

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.releases import plan_named
from osupgrade.catalog.site import Site
from osupgrade.checks import load_checks
from osupgrade.cloud.cloud import Cloud
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.model.quoting import quoted
from osupgrade.rehearsal.asking import answer, looked
from osupgrade.scenarios.loading import load_scenarios
from osupgrade.schema.catalogue import lineage, variants
from osupgrade.schema.diff import table_sql
from osupgrade.schema.reading import read_schema

PATH = "caracal-gazpacho"
CHECKED = (
    "CREATE TABLE checked (id INT PRIMARY KEY, word VARCHAR(20), enabled BOOL, "
    "CONSTRAINT own_word CHECK (word IN ('a', 'b')), CONSTRAINT own_id CHECK (id > 3), CHECK (enabled IN (0, 1))) "
    "ENGINE=InnoDB DEFAULT CHARSET=utf8 COLLATE=utf8_general_ci"
)


@pytest.fixture(scope="module")
def servers(client):
    """A MySQL and a MariaDB of today, with the strict settings that they have by themselves."""
    names = ("mysql97", "mariadb118")
    tags = ImageStore(client).ensure(names, print)
    with Lab(client) as lab:
        yield [start_database(lab, tags[name], name=name) for name in names]


def schema(database, release):
    known = [line for line in map(partial(lineage, database), variants(database)) if line.knows(release)]
    return max((line.head(release).schema for line in known), key=lambda found: len(found.tables))


def clouds(server, release):
    """Empty databases with the schemas of a release."""
    plan = plan_named(PATH)
    names = {}
    for database in plan.databases():
        name = f"{release}_{database.name}"
        server.create(name)
        with server.session(name) as session:
            session.exec_driver_sql("SET foreign_key_checks = 0")
            for table in schema(database.name, release).tables:
                session.exec_driver_sql(table_sql(table).replace("%", "%%"))
            session.exec_driver_sql(
                f"CREATE TABLE IF NOT EXISTS {quoted(database.version_table)} (version_num VARCHAR(32))"
            )
        for head in database.head:
            server.execute(name, f"INSERT INTO {quoted(database.version_table)} (version_num) VALUES ('{head}')")
        names[database.name] = name
    return Cloud(server, names, Site(), release)


def compared(check, cloud, noted):
    return list(check.compare(cloud, noted))


def test_they_say_the_same_of_a_check(servers):
    found = []
    for server in servers:
        server.create("checks")
        server.execute("checks", CHECKED)
        found.append(read_schema(server, "checks"))
    assert found[0].tables == found[1].tables
    assert {check.name for check in found[0].table("checked").checks} == {"own_word", "own_id"}


@pytest.mark.parametrize("release", [plan_named(PATH).first.name, plan_named(PATH).last.name])
def test_every_preflight_and_invariant_can_look(servers, release):
    plan = plan_named(PATH)
    cloud = clouds(servers[0], release)
    failed = []
    for scenario in load_scenarios([root() / "scenarios"]).applying(plan):
        for _stages, preflight in scenario.preflights:
            failed.append(answer(scenario, preflight, cloud)[1])
    for name in plan.path.checks:
        check = load_checks()[name]
        look = partial(looked, name, "invariant", name, cloud)
        noted, fault = look(partial(check.census, cloud))
        failed.append(fault)
        if not fault:
            failed.append(look(partial(compared, check, cloud, noted))[1])
    assert [one.message for one in failed if one] == []

"""Every scenario in both lanes against the pinned tools: the trap bites as stated, and the cure holds."""

import contextlib
import sys

import pytest
from sqlalchemy.exc import DBAPIError

from osupgrade.catalog.content import root
from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.catalog.site import Site
from osupgrade.checks import load_checks
from osupgrade.cloud.laboratory import restore_lane
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.plan import make_plan
from osupgrade.model.report import State
from osupgrade.model.stage import SEEDED
from osupgrade.rehearsal.cures import Cures
from osupgrade.rehearsal.lanes import LaneRunner
from osupgrade.scenarios import apply
from osupgrade.scenarios.contract import Silent
from osupgrade.scenarios.loading import load_scenarios

PATH = "grizzly-icehouse"


class Twice(Cures):
    """Applies every cure a second time, which may refuse but must not change anything of its services'.

    Other services' tools may be at work on their own databases meanwhile.
    """

    def apply(self, cloud, stage, scenario, findings):
        cloud = super().apply(cloud, stage, scenario, findings)
        before = checksums(cloud, scenario.services)
        with contextlib.suppress(UsageFault, DBAPIError):
            super().apply(cloud, stage, scenario, findings)
        changed = sorted(set(before.items()) ^ set(checksums(cloud, scenario.services).items()))
        if changed:
            tables = sorted({table for table, _ in changed})
            message = f"its cure, applied twice, changes {', '.join(tables)} again"
            finding = Finding(scenario.name, Severity.ERROR, scenario.services[0], "cure", message)
            self.ledger.record(stage, [finding], State.UNRESOLVED)
        return cloud


def checksums(cloud, services):
    """A checksum of each table's rows in the databases of some services, by database and table."""
    found = {}
    for database in (name for name in cloud.databases if name.partition("_")[0] in services):
        if tables := ", ".join(f"`{table}`" for table in sorted(cloud.tables(database))):
            found |= dict(cloud.rows(database, f"CHECKSUM TABLE {tables}"))
    return found


PLAN = make_plan(load_paths()[PATH], load_releases())
KNOWN = [s for s in load_scenarios([root() / "scenarios"]).scenarios.values() if s.can_run(PLAN)]


@pytest.fixture(scope="module")
def runner(laboratory, tmp_path_factory):
    releases = load_releases()
    first = laboratory.plan.first
    return LaneRunner(
        laboratory=laboratory,
        shelved={d.name: d.name for part in first.services.values() for d in part.databases},
        known=KNOWN,
        checks=tuple(load_checks().values()),
        site=Site(),
        run=RunDirectory.make(tmp_path_factory.mktemp("runs"), "scenarios"),
        plan_for=lambda scenario: make_plan(load_paths()[PATH], releases, scenario.services),
        # What a silent damage does is asked of the real neutron-server too; that its cure holds is test_verify's.
        ask_apis_in=("naive",),
        cures=Twice,
    )


@pytest.mark.parametrize("scenario", KNOWN, ids=lambda scenario: scenario.name)
def test_the_trap_fails_as_expected_and_is_cured(runner, scenario):
    report = runner.one(scenario)
    assert {lane.lane: lane.problems for lane in report.lanes} == {"naive": (), "cured": ()}
    if isinstance(scenario.symptom, Silent):
        damage = scenario.symptom.damage
        assert damage is not None, "state in its own directory how many rows are damaged, and the first of them"
        (shown,) = (lane.result.probes[scenario.name] for lane in report.lanes if lane.lane == "naive")
        assert (shown.total, shown.rows[0][: len(damage.first)]) == (damage.rows, damage.first)


OTHERS = {
    "own-backported-column": (
        "nova",
        ("ALTER TABLE instances ADD COLUMN ephemeral_key_uuid VARCHAR(36), ADD COLUMN own_rack INT",),
        [("ephemeral_key_uuid", "231", "Icehouse")],
    ),
    "own-foreign-key": (
        "nova",
        (
            "CREATE TABLE racks (id INT, stat INT, vt INT, CONSTRAINT `a key` FOREIGN KEY (stat) "
            "REFERENCES compute_node_stats (id), CONSTRAINT other FOREIGN KEY (vt) REFERENCES volume_types (id)) "
            "ENGINE=InnoDB",
        ),
        [("racks", "a key", "compute_node_stats"), ("racks", "other", "volume_types")],
    ),
    "own-latin1-table": (
        "keystone",
        ("CREATE TABLE `led-ger` (id INT) CHARSET=latin1", "ALTER TABLE policy CONVERT TO CHARACTER SET latin1"),
        [("led-ger", "latin1_swedish_ci")],
    ),
}
"""Traps of the operator's own making as others make them: statements, and the rows that prove them."""


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_the_operators_own_is_found_and_cured_under_any_name(laboratory, name):
    database, statements, proof = OTHERS[name]
    (scenario,) = (s for s in KNOWN if s.name == name)
    preflight = next(preflight for stages, preflight in scenario.preflights if SEEDED in stages)
    databases = restore_lane(laboratory, {database: database}, "others")
    try:
        cloud = laboratory.cloud(Site(), "others", databases)
        assert list(preflight(cloud)) == []
        cloud.execute(database, *statements)
        (finding,) = preflight(cloud)
        assert list(finding.evidence.rows) == proof
        apply(cloud, [finding])
        assert list(preflight(cloud)) == []
    finally:
        for saved in databases.values():
            laboratory.server.drop(saved)


OWN_SCRIPT = """
from sqlalchemy import Column, Integer, MetaData, String, Table
def upgrade(engine):
    meta = MetaData(bind=engine)
    Table("project", meta, autoload=True).create_column(Column("budget", Integer))
    Table("racks", meta, Column("id", Integer, primary_key=True), Column("place", String(20))).create()
def downgrade(engine):
    meta = MetaData(bind=engine)
    Table("project", meta, autoload=True).drop_column("budget")
    Table("racks", meta, autoload=True).drop()
"""


def test_whatever_own_migrations_made_is_parked_and_brought_back(laboratory, tmp_path):
    (tmp_path / "023_budget.py").write_text(OWN_SCRIPT)
    (scenario,) = (s for s in KNOWN if s.name == "own-migrations")
    module = sys.modules[scenario.treatments[SEEDED].__module__]
    (_, find), (_, waiting) = scenario.preflights
    ((_, check),) = scenario.verifications
    databases = restore_lane(laboratory, {"keystone": "keystone"}, "ownscripts")
    try:
        cloud = laboratory.cloud(Site(migrations=(("keystone", str(tmp_path)),)), "ownscripts", databases)
        run = cloud.tool("grizzly", "keystone", "db_sync", overlay=module.own_files(cloud))
        assert run.ok, run.output
        cloud.execute("keystone", "UPDATE project SET budget = CRC32(id) % 100", "INSERT INTO racks VALUES (7, 'left')")
        held = "SELECT id, budget FROM project ORDER BY id"
        before = cloud.rows("keystone", held)
        (finding,) = find(cloud)
        assert finding.cure.steps[0].command.startswith("mysqldump keystone project racks ")
        scenario.treatments[SEEDED](cloud, [finding])
        assert (cloud.value("keystone", "SELECT version FROM migrate_version"), list(find(cloud))) == (22, [])
        assert "budget" not in cloud.columns("keystone", "project")
        with pytest.raises(UsageFault, match="no custom migrations to downgrade"):
            scenario.treatments[SEEDED](cloud, [finding])
        (left,) = waiting(cloud)
        apply(cloud, [left])
        assert list(waiting(cloud)) == []
        assert cloud.rows("keystone", held) == before
        assert cloud.rows("keystone", "SELECT * FROM racks") == [(7, "left")]
        cloud.execute("keystone", "UPDATE project SET budget = budget + 1 LIMIT 1")
        (lost,) = check(cloud)
        assert list(lost.evidence.rows) == [("project.budget", "1")]
    finally:
        for saved in (*databases.values(), module.parking(cloud)):
            laboratory.server.drop(saved)

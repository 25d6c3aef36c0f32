"""What becomes of an operator's own schema in a real upgrade, and what of the data in it."""

import pytest

from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.site import Site
from osupgrade.cloud.fingerprint import Fingerprint, Volume
from osupgrade.cloud.laboratory import restore_lane
from osupgrade.cloud.steps import run_hop
from osupgrade.model.finding import Fate, Severity
from osupgrade.model.plan import make_plan
from osupgrade.model.report import LaneResult
from osupgrade.model.step import Outcome
from osupgrade.rehearsal.phases import Ended
from osupgrade.rehearsal.survey import Surveyor

KEPT = (
    "ALTER TABLE volumes ADD COLUMN own_note VARCHAR(20), ADD INDEX own_by_host (host)",
    "UPDATE volumes SET own_note = LEFT(id, 8)",
    "CREATE TABLE own_bills (id INT PRIMARY KEY, amount DECIMAL(9,2), who VARCHAR(20)) DEFAULT CHARSET=latin1",
    "INSERT INTO own_bills VALUES (1, 1.25, 'M\u00fcller'), (2, 2.5, NULL)",
    "ALTER TABLE volumes ADD COLUMN migration_own INT, MODIFY COLUMN display_name VARCHAR(255)",
)
EARLY = "CREATE TABLE transfers (id INT PRIMARY KEY)"

LATER = "ALTER TABLE volumes ADD COLUMN migration_status INT"


class Taken:
    """A seeded cinder with statements in it, taken through both hops."""

    def __init__(self, laboratory, scratch, lane, statements):
        self.laboratory, self.lane = laboratory, lane
        plan = make_plan(laboratory.plan.path, load_releases(), ["cinder"])
        cloud = laboratory.cloud(Site(), lane, restore_lane(laboratory, {"cinder": "cinder"}, lane))
        cloud.execute("cinder", *statements)
        self.surveyor = Surveyor(plan)
        self.surveyor.before(cloud)
        steps = []
        for release in ("havana", "icehouse"):
            steps.append(run_hop(cloud, load_releases()[release], "cinder", scratch / "log", scratch / "config"))
            if steps[-1].outcome is Outcome.FAILED:
                break
        self.result = LaneResult("grizzly-icehouse", ("cinder",), tuple(steps), (), 1.0)
        laboratory.server.save([cloud.databases["cinder"]], lane)
        self.saved = cloud.databases["cinder"]

    def judged(self, *damage):
        """The verdict on a copy, after some damage."""
        copy = f"{self.saved}_copy"
        self.laboratory.server.load(self.lane, {self.saved: copy})
        cloud = self.laboratory.cloud(Site(), self.lane, {"cinder": copy})
        cloud.execute("cinder", *damage)
        judged = self.surveyor.after(Ended(self.result, cloud, Volume({}, {}), Fingerprint()))
        (verdict,), found = judged.schemas, judged.findings
        self.laboratory.server.drop(copy)
        return verdict, [staged.finding for staged in found]


@pytest.fixture(scope="module")
def kept(laboratory, tmp_path_factory):
    taken = Taken(laboratory, tmp_path_factory.mktemp("own"), "own_kept", KEPT)
    yield taken
    laboratory.server.drop(taken.saved)


def fates(verdict):
    return {own.place: own.fate for own in verdict.customisations}


def test_what_no_migration_touches_is_kept_with_its_data(kept):
    verdict, found = kept.judged()
    assert (verdict.reached, verdict.exact, found) == ("22", True, [])
    assert set(fates(verdict).values()) == {Fate.KEPT}
    data = {own.place: own.data for own in verdict.customisations if own.data}
    assert set(data) == {"volumes.own_note", "own_bills"}
    assert data["own_bills"] == "2 rows of your data, unchanged (same checksum)"
    assert data["volumes.own_note"].endswith("unchanged (same checksum)")


def test_own_data_that_changed_on_the_way_is_told(kept):
    # A cure may convert the table: the text stays the same. A value that is another does not.
    _, found = kept.judged(
        "ALTER TABLE own_bills CONVERT TO CHARACTER SET utf8", "UPDATE volumes SET own_note = 'x' LIMIT 1"
    )
    assert [(finding.place, finding.severity) for finding in found] == [("volumes.own_note", Severity.ERROR)]
    assert "a different checksum" in found[0].message


def test_what_was_lost_or_is_otherwise_comes_with_the_sql_that_mends_it(kept):
    verdict, found = kept.judged(
        "ALTER TABLE volumes DROP INDEX own_by_host",
        "ALTER TABLE volumes DROP COLUMN encryption_key_id",
        "DROP TABLE own_bills",
    )
    assert verdict.exact is False
    lost = {own.place: own.mend for own in verdict.customisations if own.fate is Fate.LOST}
    assert lost["volumes.own_by_host"] == ("ALTER TABLE `volumes` ADD INDEX `own_by_host` (`host`)",)
    assert lost["own_bills"][0].startswith("CREATE TABLE `own_bills`")
    told = {finding.place: finding for finding in found if finding.cure}
    assert told["volumes.encryption_key_id"].severity is Severity.ERROR
    assert told["volumes.encryption_key_id"].cure.steps[0].statement == (
        "ALTER TABLE `volumes` ADD COLUMN `encryption_key_id` varchar(36) NULL"
    )
    assert any("of your data in own_bills" in finding.message for finding in found)


def test_what_is_in_the_way_is_named_with_revision_error_and_the_way_out(laboratory, tmp_path):
    statements = (EARLY, LATER, "ALTER TABLE snapshots ADD COLUMN own_note INT")
    taken = Taken(laboratory, tmp_path, "own_early", statements)
    verdict, found = taken.judged()
    laboratory.server.drop(taken.saved)
    assert (verdict.exact, found) == (None, [])
    own = {one.place: one for one in verdict.customisations}
    assert own["transfers"].fate is Fate.IN_THE_WAY
    assert "1050" in own["transfers"].error
    assert own["transfers"].mend == ("RENAME TABLE `transfers` TO `own_transfers`",)
    assert own["volumes.migration_status"].fate is Fate.IN_THE_WAY
    assert own["volumes.migration_status"].revision == "19"
    assert own["volumes.migration_status"].error == "", "the upgrade stopped before it could be seen"
    assert own["snapshots.own_note"].words.endswith("is as before so far")

"""What an observed tool's record says of its migrations."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from osupgrade.lab.observer.record import read_record

INSIDE = Path(__file__).parents[4] / "osupgrade" / "lab" / "observer" / "inside"


def call(command="db sync"):
    return json.dumps({"kind": "call", "command": command})


def sizes(**tables):
    return json.dumps({"kind": "sizes", "database": "c_nova", "tables": tables})


def span(revision, statements, **changes):
    data = {
        "kind": "span",
        "library": "migrate",
        "database": "c_nova",
        "revision": revision,
        "label": f"{revision}_x" if revision else "",
        "started": 1.0,
        "seconds": 2.0,
        "ok": True,
        "error": None,
        "statements": statements,
        "counters": {},
        "rows_locked": 0,
        "tables": {},
    }
    return json.dumps({**data, **changes})


def read(*lines):
    return read_record(lines, "havana/nova", "nova", {"c_nova": "nova"})


def test_rows_and_times_come_from_the_counters_and_the_statements():
    counters = {"Handler_read_key": 3, "Handler_read_rnd_next": 40, "Handler_update": 5, "Handler_write": 999}
    statements = [
        ["SELECT  *\n FROM a", 2, 0.5, 0.3, 40, 0.0],
        ["UPDATE a SET x=%s", 5, 0.4, 0.1, 5, 0.9],
        ["INSERT INTO b (x) VALUES (%s)", 7, 0.2, 0.1, 7, 0.4],
    ]
    (seen,) = read(call(), sizes(), span("162", statements, counters=counters)).migrations
    assert (seen.name, seen.step, seen.revision) == ("nova 162_x", "havana/nova", "162")
    assert (seen.statements, seen.rows_read, seen.rows_changed) == (14, 43, 12)
    assert seen.server_seconds == 1.1
    assert (seen.slowest, seen.slowest_seconds) == ("SELECT * FROM a", 0.3)
    assert {t.table: (t.locked, t.defined, t.rows_written) for t in seen.tables} == {
        "a": (0.9, False, 0),
        "b": (0.4, False, 7),
    }


def test_a_rebuilt_table_has_another_number_or_had_its_rows_copied():
    lines = [
        call(),
        sizes(in_place=[100, 7], indexed=[100, 8], copied=[100, 9]),
        span(
            "1",
            [
                ["ALTER TABLE in_place ADD x INT", 1, 0.1, 0.1, 0, 0.1],
                ["CREATE INDEX i ON indexed (x)", 1, 0.1, 0.1, 0, 0.1],
                ["ALTER TABLE copied MODIFY x TEXT", 1, 0.2, 0.2, 6, 0.2],
                ["CREATE TABLE made (x INT)", 1, 0.1, 0.1, 0, 0.1],
                ["DROP TABLE gone", 1, 0.1, 0.1, 0, 0.1],
            ],
            tables={"in_place": [250, 17], "indexed": [130, 8], "copied": [140, 9], "made": [16, 30], "gone": None},
        ),
        span("2", [["UPDATE in_place SET x=1", 1, 0.1, 0.1, 3, 0.1]], started=3.0),
    ]
    first, second = read(*lines).migrations
    assert first.rebuilt == ("copied", "in_place")
    assert first.rows_changed == 6
    assert first.temporary_bytes == 250
    assert (first.bytes_before, first.bytes_after) == (300, 536)
    assert second.rebuilt == ()
    assert (second.bytes_before, second.bytes_after) == (250, 250)


def test_what_ran_outside_of_revisions_counts_when_it_changed_something():
    reads = span("", [["SELECT 1", 1, 0.1, 0.1, 1, 0.0]])
    moves = span("", [["INSERT INTO a SELECT * FROM b", 1, 0.1, 0.1, 9, 0.1]])
    (seen,) = read(call("one"), reads, call("migrate_to_ml2"), moves).migrations
    assert (seen.name, seen.revision, seen.rows_changed) == ("nova migrate_to_ml2", "", 9)


def test_a_change_beside_revisions_is_named_so():
    """Icehouse's cinder makes an index after its last revision (`_ensure_reservations_index`)."""
    index = span("", [["CREATE INDEX i ON reservations (deleted, expire)", 1, 0.1, 0.1, 0, 0.1]], started=9.0)
    seen = read(call(), span("22", []), index).migrations
    assert [m.name for m in seen] == ["nova 22_x", "nova db sync, outside of revisions"]


def test_noting_the_version_is_no_work_of_a_migration():
    noted = ["UPDATE migrate_version SET version=%s WHERE version = %s", 1, 0.1, 0.1, 1, 0.1]
    (seen,) = read(
        call(), sizes(migrate_version=[16384, 1]), span("1", [noted], counters={"Handler_update": 1})
    ).migrations
    assert (seen.tables, seen.rows_changed, seen.statements) == ((), 0, 1)


def test_a_damaged_record_is_told_and_the_rest_of_it_counts():
    good = span("1", [])
    seen = read(call(), good, good[: len(good) // 2], '{"kind": "fault", "text": "KeyError: x"}', "[]")
    assert [m.revision for m in seen.migrations] == ["1"]
    assert len(seen.faults) == 3
    assert "KeyError: x" in seen.faults


def test_a_failed_migration_is_not_finished():
    (seen,) = read(call(), span("1", [], ok=False)).migrations
    assert not seen.finished


TOOL = """
import sys
import sqlalchemy
connection = sqlalchemy.create_engine("sqlite://").connect()
print(connection.execute(sqlalchemy.text("SELECT 42")).scalar())
try:
    connection.execute(sqlalchemy.text("SELECT nothing"))
except sqlalchemy.exc.OperationalError as fault:
    print("as ever")
sys.exit(7)
"""


@pytest.mark.parametrize("place", ["record.jsonl", "no/such/directory"])
def test_an_observer_that_fails_everywhere_changes_nothing(place, tmp_path):
    """SQLite's sessions have nothing of what the observer asks for, so it fails at each statement."""
    (tmp_path / "sitecustomize.py").write_text("print('and the other sitecustomize ran')")
    environment = {
        "PYTHONPATH": f"{INSIDE}:{tmp_path}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OSUPGRADE_OBSERVE": str(tmp_path / place),
    }
    done = subprocess.run([sys.executable, "-c", TOOL], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.splitlines() == ["and the other sitecustomize ran", "42", "as ever"]
    if place == "record.jsonl":
        faults = read(*(tmp_path / place).read_text().splitlines()).faults
        assert faults and "thread_id" in faults[0]

"""The whole path with the pinned tools: versions, table counts, ML2, bad input on the way."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from osupgrade.cloud.laboratory import restore_lane
from osupgrade.lab.engine import read_file
from osupgrade.lab.leftovers import leftovers
from osupgrade.model.errors import Exit

OSUPGRADE = (sys.executable, "-m", "osupgrade")


def osupgrade(*arguments, timeout=900):
    return subprocess.run([*OSUPGRADE, *arguments], capture_output=True, text=True, check=False, timeout=timeout)


@pytest.fixture(scope="module")
def clean_run(sources, client, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    done = osupgrade("rehearse", "--verify", "none", "--out", str(out))
    return done, out / "latest"


def test_the_clean_cloud_comes_through(clean_run):
    done, run = clean_run
    assert done.returncode == Exit.CAME_THROUGH, done.stdout + done.stderr
    report = json.loads((run / "report.json").read_text())
    versions = {step["step"]: step["versions_after"] for step in report["result"]["steps"]}
    assert versions["icehouse/keystone"] == {"keystone": ["44"]}
    assert versions["icehouse/glance"] == {"glance": ["34"]}
    assert versions["icehouse/cinder"] == {"cinder": ["22"]}
    assert versions["icehouse/nova"] == {"nova": ["234"]}
    assert versions["ml2"] == {"neutron": ["icehouse"]}


def exactly(run):
    """The schemas that came out, by service: exactly upstream's, and what is the operator's own in them."""
    report = json.loads((run / "report.json").read_text())
    assert [s["service"] for s in report["schemas"] if s["exact"] is not True] == []
    assert [f for f in report["result"]["findings"] if f["finding"]["source"] == "customisations"] == []
    return {s["service"]: (s["reached"], [own["place"] for own in s["customisations"]]) for s in report["schemas"]}


ICEHOUSE = {
    "keystone": ("44", []),
    "glance": ("34", []),
    "cinder": ("22", []),
    "nova": ("234", []),
    "neutron": ("ml2", []),
}


def test_the_clean_cloud_is_exactly_icehouse(clean_run):
    _, run = clean_run
    assert exactly(run) == ICEHOUSE


@pytest.mark.parametrize(("service", "tables"), [("keystone", 16), ("glance", 8), ("cinder", 19), ("nova", 108)])
def test_each_schema_has_as_many_tables_as_the_tools_make_by_hand(clean_run, service, tables):
    _, run = clean_run
    text = (run / "schema" / "verify" / f"{service}.sql").read_text()
    assert text.count("CREATE TABLE") == tables


def test_the_run_directory_holds_the_evidence(clean_run):
    _, run = clean_run
    for name in ("report.html", "report.json", "manifest.json", "junit.xml", "events.jsonl"):
        assert (run / name).stat().st_size
    assert not (run / "UNFINISHED").exists()
    assert "Running upgrade" in (run / "logs" / "icehouse-neutron.log").read_text()
    assert "connection" in (run / "config" / "icehouse-nova" / "nova.conf").read_text()


def test_every_migration_was_observed(clean_run):
    """Numbers that the code of these migrations tells, whatever the machine."""
    _, run = clean_run
    steps = {step["step"]: step for step in json.loads((run / "report.json").read_text())["result"]["steps"]}
    assert not any(step["unobserved"] for step in steps.values())
    for step, first, last in (("havana/nova", 162, 216), ("icehouse/keystone", 37, 44)):
        seen = steps[step]["migrations"]
        assert [m["revision"] for m in seen] == [str(number) for number in range(first, last + 1)]
        assert all(m["finished"] and m["server_seconds"] <= m["seconds"] for m in seen)
        assert sum(m["seconds"] for m in seen) < steps[step]["seconds"]
    # Every grant is read from its old table and written into the new one.
    grants = next(m for m in steps["icehouse/keystone"]["migrations"] if m["label"] == "039_grant_to_assignment")
    (assignment,) = (table for table in grants["tables"] if table["table"] == "assignment")
    assert 0 < assignment["rows_written"] <= grants["rows_changed"] and grants["rows_read"] > 0
    assert [m["label"] for m in steps["ml2"]["migrations"]] == ["migrate_to_ml2"]
    # Icehouse's cinder makes an index after its last revision, which no revision shows (_ensure_reservations_index).
    assert [m["label"] for m in steps["icehouse/cinder"]["migrations"]] == [
        "022_add_reason_column_to_service",
        "db sync, outside of revisions",
    ]


def test_mariadb_comes_through_too(sources, client, tmp_path):
    done = osupgrade("rehearse", "--verify", "none", "--db", "mariadb105", "--out", str(tmp_path))
    assert done.returncode == Exit.CAME_THROUGH, done.stdout + done.stderr
    assert exactly(tmp_path / "latest") == ICEHOUSE


@pytest.fixture(scope="module")
def unprepared(laboratory, tmp_path_factory):
    """A dump of quantum's database as operators of 2013 had it: the server made the tables, and nobody prepared it.

    There is no alembic_version, the tables are latin1, two of an extension that is not used were never made, and the
    agents report fully qualified names.
    """
    server = laboratory.server
    (name,) = restore_lane(laboratory, {"neutron": "neutron"}, "unprepared").values()
    gone = ("alembic_version", "servicedefinitions", "servicetypes")
    statements = [
        "SET FOREIGN_KEY_CHECKS = 0",
        f"DROP TABLE {', '.join(gone)}",
        "UPDATE agents SET host = CONCAT(SUBSTRING_INDEX(host, '.', 1), '.example.com')",
        *(
            f"ALTER TABLE `{table}` CONVERT TO CHARACTER SET latin1"
            for (table,) in server.rows(name, "SHOW TABLES")
            if table not in gone
        ),
    ]
    run = server.shell(
        f'$CLIENT {name} <<< "$SQL"; ${{DUMP/--skip-comments/--comments}} {name} > /tmp/quantum.sql',
        {"SQL": ";\n".join(statements)},
    )
    assert run.ok, run.output
    server.drop(name)
    path = tmp_path_factory.mktemp("unprepared") / "quantum.sql"
    path.write_bytes(read_file(server.container, "/tmp/quantum.sql"))
    return path


class TestADumpThatNobodyPrepared:
    def test_without_a_cure_it_fails_as_it_does_for_its_owner(self, unprepared, tmp_path):
        done = osupgrade(
            "rehearse", "--dump", str(unprepared), "--services", "neutron", "--no-cure", "--out", str(tmp_path)
        )
        assert done.returncode == Exit.DID_NOT, done.stdout + done.stderr
        assert "havana/neutron" in done.stdout
        assert "(1050, \"Table 'networks' already exists\")" in done.stdout
        verdict = done.stdout[done.stdout.index("The cloud did not come through") :]
        assert len(verdict.splitlines()) <= 21

    def test_cured_it_reaches_icehouse_and_ml2(self, unprepared, tmp_path):
        done = osupgrade(
            "rehearse",
            "--dump",
            str(unprepared),
            "--services",
            "neutron",
            "--cure",
            "all",
            "--verify",
            "none",
            "--out",
            str(tmp_path),
        )
        assert done.returncode == Exit.CAME_THROUGH, done.stdout + done.stderr
        report = json.loads((tmp_path / "latest" / "report.json").read_text())
        assert report["result"]["steps"][-1]["step"] == "ml2"
        # Its Grizzly did not have these two tables of an unused extension, and upstream still has them at Icehouse.
        assert exactly(tmp_path / "latest") == {"neutron": ("ml2", ["servicedefinitions", "servicetypes"])}

    @pytest.mark.parametrize(
        ("damage", "says"),
        [
            (lambda text: text[: len(text) // 2], "truncated"),
            (lambda text: "\n".join(line for line in text.splitlines() if not line.startswith("/*!")), "comments"),
        ],
        ids=["truncated", "stripped"],
    )
    def test_a_damaged_dump_is_refused_in_one_sentence_before_anything_starts(self, unprepared, tmp_path, damage, says):
        bad = tmp_path / "bad.sql"
        bad.write_text(damage(unprepared.read_text("latin1")), "latin1")
        done = osupgrade("rehearse", "--dump", str(bad), "--services", "neutron", "--out", str(tmp_path / "runs"))
        assert done.returncode == Exit.USAGE, done.stdout + done.stderr
        assert says in done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "runs").exists()


def until(found, process, seconds=120):
    """Ask until something is there; the process must live meanwhile."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := found():
            return result
        assert process.poll() is None, "the rehearsal ended before the moment that the test waits for"
        time.sleep(0.05)
    raise AssertionError("it never happened")


def started(tmp_path):
    return subprocess.Popen(
        [*OSUPGRADE, "rehearse", "--verify", "none", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def in_a_hop(tmp_path):
    def found():
        events = [path.read_text() for path in tmp_path.glob("*/events.jsonl")]
        return any('"step-started"' in text for text in events)

    return found


def mine(client, process):
    return [left for left in leftovers(client) if client_pid(client, left) == process.pid]


def client_pid(client, left):
    if left.kind != "container":
        return None
    return int(client.containers.get(left.name).labels["org.osupgrade.pid"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_in_a_hop_leaves_nothing_running_and_no_complete_run(sources, client, clean_run, tmp_path, number):
    process = started(tmp_path)
    until(in_a_hop(tmp_path), process)
    os.kill(process.pid, number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == Exit.INTERRUPTED, said
    assert "interrupted" in said
    assert "Traceback" not in said
    assert not mine(client, process)
    (run,) = tmp_path.glob("2*")
    assert (run / "UNFINISHED").exists()
    assert not (run / "report.json").exists()
    assert not (tmp_path / "latest").exists()


def test_a_database_killed_in_a_hop_is_no_verdict_and_said_so(sources, client, clean_run, tmp_path):
    process = started(tmp_path)
    until(in_a_hop(tmp_path), process)
    (database,) = [left for left in mine(client, process) if left.name.endswith("-db")]
    client.containers.get(database.name).kill()
    _, said = process.communicate(timeout=240)
    assert process.returncode in (Exit.MISSING, Exit.LAB_FAULT), said
    assert re.search(r"(database server|container osupgrade-\w+-db) stopped", said), said
    assert "Traceback" not in said
    assert not mine(client, process)
    assert not list(tmp_path.glob("2*/report.json"))

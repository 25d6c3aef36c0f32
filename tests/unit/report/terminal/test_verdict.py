"""The verdict on one screen."""

import dataclasses
import re

import pytest

from osupgrade.model.report import StagedFinding, State
from osupgrade.model.stage import SEEDED
from osupgrade.model.step import Diagnosis, Outcome
from osupgrade.report.terminal.verdict import verdict

from ... import _reports as samples
from ._consoles import printed


def test_a_verdict_names_service_release_revision_statement_error_and_next_command():
    text = printed(verdict, samples.FAILED)
    for part in (
        "nova to havana",
        "188_add_reason_column_to_service",
        "ALTER TABLE services ADD disabled_reason",
        "1060",
        "nova is at 187",
        "logs/havana-nova.log",
        "3 errors, 1 warning, 1 info unresolved, 1 cured",
        "broken: ports_bound",
        "silent   14 ports have no binding",
        "keystone 22 → 36 → 44",
        samples.FAILED.next_command,
    ):
        assert part in text


def test_a_clean_schema_is_one_line():
    text = printed(verdict, samples.GREEN, width=200)
    assert "schema   same as upstream: keystone 44, glance 34, cinder 22, nova 234, neutron ml2" in text
    assert "local" not in text


def test_errors_come_before_customisations_where_there_is_no_room_for_both():
    text = printed(verdict, samples.FAILED, width=200)
    assert len(text.splitlines()) <= 19
    assert re.search(r"findings 3 errors, .*all of them in report.html\)\n +error +\S", text)
    assert "local    in the way: nova" in text and "… and 2 more local changes in report.html" in text
    roomier = dataclasses.replace(samples.FAILED, notes=(), api=())
    text = printed(verdict, roomier, width=200)
    assert len(text.splitlines()) <= 19
    assert text.count("\n           error    ") == 3 and "more in report.html" in text


def test_each_customisation_has_its_fate_in_one_line_the_worst_first():
    assert samples.FAILED.result
    text = printed(
        verdict,
        dataclasses.replace(samples.FAILED, result=dataclasses.replace(samples.FAILED.result, findings=())),
        width=200,
    )
    lines = [line.strip() for line in text.splitlines()]
    start = next(n for n, line in enumerate(lines) if line.startswith("local"))
    assert [line.removeprefix("local").strip() for line in lines[start : start + 3]] == [
        "in the way: nova: column services.disabled_reason stops the upgrade in revision "
        "188_add_reason_column_to_service",
        "lost: cinder: index volumes.own_by_host is gone",
        "kept: cinder: table acme_billing is as before (31 rows of your data, unchanged (same checksum))",
    ]
    assert "same as upstream, apart from local changes: glance 34" in text
    assert "differs from upstream: cinder 22" in text


def crowded():
    """Everything fails, with statements and errors of a thousand characters and 60 findings."""
    long = Diagnosis("OperationalError: " + "e" * 20 + " very bad" * 100, "ALTER TABLE " + "x, " * 400, "209_add")
    steps = tuple(
        dataclasses.replace(s, outcome=Outcome.FAILED, diagnosis=long, problems=("p" * 200,))
        for s in samples.ALL_STEPS
        if s.release == "havana"
    )
    found = tuple(
        StagedFinding(
            SEEDED, dataclasses.replace(samples.BACKPORTED, place=f"t{n}", message="m " * 90), State.UNRESOLVED
        )
        for n in range(60)
    )
    result = dataclasses.replace(samples.FAILED.result, steps=steps, findings=found)
    return dataclasses.replace(samples.FAILED, result=result, verdict="so it is " * 50, notes=("n " * 100,) * 5)


@pytest.mark.parametrize("report", [samples.GREEN, samples.FAILED, crowded(), samples.scenarios(30, range(30))])
@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_verdict_takes_one_screen(report, width):
    text = printed(verdict, report, terminal=True, width=width)
    plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in text.splitlines()]
    assert 3 < len(plain) < 20
    assert report.next_command in plain[-1]
    assert all(len(line) <= width for line in plain if "next" not in line and "database" not in line)


def test_no_colour_when_the_user_wants_none(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    text = printed(verdict, samples.FAILED, terminal=True)
    assert not re.search(r"\x1b\[[\d;]*3[0-7]m", text)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm")
    assert re.search(r"\x1b\[[\d;]*3[0-7]m", printed(verdict, samples.FAILED, terminal=True))


def test_the_verdict_tells_the_three_slowest_migrations():
    (line,) = (line for line in printed(verdict, samples.GREEN, width=200).splitlines() if "slowest" in line)
    told = "nova 185_rename_unique_constraints 4.1 s,  cinder 9-0_some_change 0.1 s,  cinder 9-1_some_change 0.1 s"
    assert line.split("slowest")[1].strip() == f"{told}  (of 30 migrations)"


def test_the_verdict_tells_the_estimate_and_its_first_warning():
    text = printed(verdict, samples.GREEN, width=200)
    for part in (
        "12 min 20 s (9 min 50 s to 16 min 00 s) one step after the other, APIs down for 10 min 40 s",
        "3.4 GiB must be free on the disk",
        "archive the deleted rows: saves 90.0 s in nova 185_rename_unique_constraints",
        "grows steeper than linear, about with n^1.6 (and 1 more)",
    ):
        assert part in text, part

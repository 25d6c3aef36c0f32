"""The HTML report: whole, offline, and the verdict first."""

import dataclasses
import re
from pathlib import Path

import pytest

from osupgrade.model.finding import Evidence
from osupgrade.model.report import LaneResult, StagedFinding, State
from osupgrade.model.stage import SEEDED, VERIFY
from osupgrade.report.html import html, write_html

from ... import _reports as samples
from ._pages import Page

REPORTS = {
    "green": samples.GREEN,
    "failed": samples.FAILED,
    "scenarios": samples.scenarios(6),
    "inspection": dataclasses.replace(
        samples.GREEN,
        kind="inspection",
        result=dataclasses.replace(samples.GREEN.result, steps=(), checked={}),
        rows={},
    ),
    "refused": dataclasses.replace(
        samples.FAILED,
        result=LaneResult("grizzly-icehouse", ("nova",), (), (), 0.1, refused="ERROR 1064 (42000) at line 12"),
    ),
}


@pytest.mark.parametrize("name", REPORTS)
def test_the_page_is_well_formed_and_needs_nothing_from_outside(name, tmp_path):
    text = html(REPORTS[name], tmp_path)
    page = Page(text)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "form"}
    assert "url(" not in text and "@import" not in text
    assert not [link for link in page.links if re.match(r"[a-z]+:|//", link)]
    assert len(set(page.names)) == len(page.names)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.names)


def test_the_verdict_comes_first(tmp_path):
    body = html(samples.FAILED, tmp_path).partition("<body>")[2]
    text = Page(body.replace("</html>", "").replace("</body>", "")).text
    assert text.startswith("The cloud did not come through: it stopped at havana/nova")
    assert text.index("Next " + samples.FAILED.next_command) < text.index("What failed") < text.index("Time line")


def test_what_failed_and_what_stands_carries_proof_consequence_and_cure(tmp_path):
    text = Page(html(samples.FAILED, tmp_path)).text
    for part in (
        "nova to havana in revision 188_add_reason_column_to_service",
        "ALTER TABLE services ADD disabled_reason VARCHAR(255)",
        "Duplicate column name 'disabled_reason'",
        "Proof: 6 of 14 rows",
        "00d1a7e2-55c1-4d8e-9a0f-3c1f6f1f9e00",
        "The instances keep running, but after the next agent restart",
        "JOIN `nova`.instances i ON",
        "osupgrade rehearse --cure ml2-unfilled-bindings",
        "14 of 9120 ports are DOWN",
        "neutron.ml2_port_bindings – 9\u202f120 new",
    ):
        assert part in text, part


def test_foreign_texts_stay_texts(tmp_path):
    nasty = "</pre><script>alert(1)</script> \"'><img src=x onerror=y> {{ 7 * 7 }} `<b>code</b>`"
    finding = dataclasses.replace(
        samples.UNBOUND,
        message=nasty,
        consequence=nasty,
        place=nasty,
        source=nasty,
        evidence=Evidence((nasty,), ((nasty,),), 1),
        command=nasty,
    )
    failed = dataclasses.replace(samples.NOVA_FAILED, problems=(nasty,), diagnosis=None)
    result = dataclasses.replace(
        samples.FAILED.result,
        steps=(failed,),
        findings=(StagedFinding(VERIFY, finding, State.UNRESOLVED),),
        refused=nasty,
    )
    report = dataclasses.replace(samples.FAILED, result=result, verdict=nasty, notes=(nasty,))
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / failed.log).write_text(nasty)
    page = Page(html(report, tmp_path))
    assert not page.tags & {"script", "img", "b>code"}
    assert page.text.count("<script>alert(1)</script>") >= 9 and "{{ 7 * 7 }}" in page.text


@pytest.mark.exhaustive
def test_thirty_scenarios_with_long_logs_stay_under_two_megabytes(tmp_path):
    report = samples.scenarios(30)
    report = dataclasses.replace(report, result=samples.FAILED.result, rows=samples.ROWS)
    for name in [step.log for step in samples.FAILED.result.steps]:
        (tmp_path / "logs").mkdir(exist_ok=True)
        (tmp_path / "logs" / name).write_text("<&> INFO migrate.versioning.api [-] 187 -> 188...\n" * 200_000)
    for scenario in report.scenarios:
        for lane in scenario.lanes:
            (tmp_path / lane.log / "logs").mkdir(parents=True)
            (tmp_path / lane.log / "logs" / "havana-nova.log").write_text("CRITICAL nova [-] <1060>\n" * 20_000)
    write_html(report, tmp_path / "report.html")
    assert 300_000 < (tmp_path / "report.html").stat().st_size < 2_000_000
    assert "CRITICAL nova [-] &lt;1060&gt;" in (tmp_path / "report.html").read_text("utf-8")


def test_a_long_log_keeps_its_beginning_and_its_end(tmp_path):
    (tmp_path / "logs").mkdir()
    lines = [f"line {n}" for n in range(10_000)]
    (tmp_path / "logs" / "havana-nova.log").write_text("\x1b[31mfirst\x1b[0m\n" + "\n".join(lines) + "\nlast\n")
    text = Page(html(samples.FAILED, tmp_path)).text
    assert re.search(r"first line 0 line 1 .* lines are left out here; all of it: logs/havana-nova.log", text)
    assert "line 9999 last" in text and "line 5000 " not in text and "\x1b" not in text
    assert "there is no log at logs/havana-keystone.log" in text


def test_a_cured_finding_is_folded_away_but_there(tmp_path):
    folded = html(samples.GREEN, tmp_path).partition("2 that were cured")[2]
    assert "never stamped" in folded.partition("</section>")[0]


def test_a_single_late_cure_reads_right(tmp_path):
    result = dataclasses.replace(
        samples.GREEN.result, findings=(StagedFinding(SEEDED, samples.UNBOUND, State.SCHEDULED),)
    )
    assert "1 that was cured" in html(dataclasses.replace(samples.GREEN, result=result), tmp_path)


def test_tables_whose_rows_changed_come_before_those_that_are_only_made_or_dropped(tmp_path):
    rows = {
        "nova.made": {"verify": 0},
        "nova.filled": {"verify": 7},
        "nova.lost": {"seeded": 9},
        "nova.same": {"seeded": 3, "verify": 3},
        "nova.dropped": {"seeded": 0},
    }
    text = Page(html(dataclasses.replace(samples.GREEN, rows=rows, sizes={}), tmp_path)).text
    text = text[text.index("Rows and sizes table") :]
    order = ["filled – 7 new", "lost 9 – gone", "2 empty tables", "dropped 0 – gone", "made – 0 new", "same 3 3"]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)


def test_a_lane_that_went_wrong_shows_what_stands_in_it(tmp_path):
    good = Page(html(samples.scenarios(3), tmp_path)).text
    bad = Page(html(samples.scenarios(4), tmp_path)).text
    assert "Proof" not in good and "nova-trap-00" in good
    assert bad.count("services disabled_reason varchar(255)") == 1


def test_customisations_have_verdict_revision_error_and_the_sql_that_mends():
    text = Page(html(samples.FAILED, Path("nowhere"))).text
    for part in (
        "Local changes",
        "in the way",
        "188_add_reason_column_to_service",
        "1060",
        "CHANGE COLUMN `disabled_reason` `own_disabled_reason` varchar(255) NULL;",
        "ALTER TABLE `volumes` ADD INDEX `own_by_host` (`host`);",
        "31 rows of your data, unchanged (same checksum)",
    ):
        assert part in text
    clean = Page(html(samples.GREEN, Path("nowhere"))).text
    assert "Same schema as upstream: keystone 44" in clean
    assert "The schemas hold no local changes" in clean


def test_the_slowest_migrations_are_told_with_what_they_cost(tmp_path):
    page = Page(html(samples.GREEN, tmp_path))
    for part in (
        "The slowest of 30.",
        "havana nova 185_rename_unique_constraints 4.1 s 64 232\u202f611 58\u202f100 20.1 MiB 22.1 MiB 16.0 MiB",
        "Slowest statement, 3.125 s: ALTER TABLE `instance_system_metadata` ADD CONSTRAINT",
        "Locked: instance_system_metadata 3.250 s, rebuilt; instances 0.500 s (rows); instance_types 0.125 s",
        "Row locks of its long transactions: 58\u202f322",
        "Temporary tables on disk: 2",
        "All 30 migrations",
    ):
        assert part in page.text, part
    assert "#migrations" in page.links


def test_a_report_without_observed_migrations_does_not_speak_of_them(tmp_path):
    steps = tuple(dataclasses.replace(step, migrations=()) for step in samples.GREEN.result.steps)
    report = dataclasses.replace(samples.GREEN, result=dataclasses.replace(samples.GREEN.result, steps=steps))
    page = Page(html(report, tmp_path))
    assert "igrations" not in page.text.partition("Logs")[0]
    assert "#migrations" not in page.links


def test_a_multiplied_cloud_shows_how_its_tables_grew(tmp_path):
    rows = {"nova.instances": {"unscaled": 31, "seeded": 31000, "verify": 31000}, "nova.certificates": {"verify": 1}}
    text = html(dataclasses.replace(samples.GREEN, rows=rows, sizes={}), tmp_path)
    assert "rows unscaled" in text
    assert '<td class="number">31</td><td class="number">31\N{NARROW NO-BREAK SPACE}000</td>' in text
    assert "rows unscaled" not in html(samples.GREEN, tmp_path)


def test_the_estimate_tells_time_interval_downtime_disk_and_what_to_prepare(tmp_path):
    page = Page(html(samples.GREEN, tmp_path))
    for part in (
        "Estimate for production",
        "one step after the other 12 min 20 s (9 min 50 s to 16 min 00 s)",
        "chains side by side 5 min 00 s (4 min 10 s to 6 min 30 s)",
        "APIs must be down 10 min 40 s",
        "free on the disk 3.4 GiB",
        "Havana/nova: nova 185 grows steeper than linear, about with n^1.6.",
        "havana nova 185_rename_unique_constraints archive the deleted rows 2 min 02 s 31.5 s 12.5 s",
        "1: 0.12 s, 10: 1.25 s, 30: 4.12 s",
        "your host controller 12.5 MB/s 4.25 ms 150 MB/s 300 MB/s",
    ):
        assert part in page.text, part
    assert "#estimate" in page.links
    plain = Page(html(dataclasses.replace(samples.GREEN, estimate=None), tmp_path))
    assert "#estimate" not in plain.links and "Estimate" not in plain.text

import dataclasses
import io
import re

import pytest
from rich.console import Console

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.model.events import Event, EventLog, Kind
from osupgrade.model.finding import Severity
from osupgrade.model.findings import settled
from osupgrade.model.plan import find_path, make_plan
from osupgrade.model.report import StagedFinding, State
from osupgrade.model.stage import SEEDED
from osupgrade.model.step import Diagnosis, Outcome
from osupgrade.model.text import duration, size
from osupgrade.report.digest import short_error, travelled
from osupgrade.report.terminal.live import ScenarioView, live
from osupgrade.report.terminal.tables import matrix
from osupgrade.report.terminal.verdict import verdict

from .. import _reports as samples

PLAN = make_plan(find_path(load_paths(), load_releases(), "grizzly-icehouse"), load_releases())


def console(*, terminal=False, width=100, **more):
    return Console(file=io.StringIO(), force_terminal=terminal, width=width, highlight=False, **more)


def printed(function, subject, **how):
    screen = console(**how)
    function(subject, screen)
    return screen.file.getvalue()


def tell(view, kind, text="", step="", service="", outcome="", seconds=1.0):
    view.on_event(Event(seconds, kind, step, service, text, outcome))


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
        "broken: every-port-bound",
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
        "kept: cinder: table acme_billing is as before (31 rows of own data, checksum as before)",
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
        StagedFinding(SEEDED, dataclasses.replace(samples.BACKPORTED, place=f"t{n}", message="m " * 90), State.STANDING)
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


def test_findings_come_worst_first_and_once():
    order = [f.finding.severity for f in settled(samples.FAILED.result.findings) if f.state is State.STANDING]
    assert order == sorted(order, key=list(Severity).index)
    twice = [f for f in settled(samples.GREEN.result.findings) if f.finding == samples.UNBOUND]
    assert [f.state for f in twice] == [State.CURED]


def test_a_finding_that_stands_anywhere_stands():
    findings = [StagedFinding(SEEDED, samples.UNBOUND, state) for state in (State.CURED, State.STANDING, State.CURED)]
    assert [found.state for found in settled(findings)] == [State.STANDING]


def test_the_matrix_tells_what_went_wrong():
    lines = printed(matrix, samples.scenarios(5).scenarios, width=160).splitlines()
    (bad,) = [line for line in lines if "glance-trap-03" in line]
    assert re.search(r"glance-trap-03 +NO +succeeded +13\.7 +naive: .*KeyError: 162", bad)
    assert sum("failed as expected" in line for line in lines) == 4


def test_no_colour_when_the_user_wants_none(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    text = printed(verdict, samples.FAILED, terminal=True)
    assert not re.search(r"\x1b\[[\d;]*3[0-7]m", text)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm")
    assert re.search(r"\x1b\[[\d;]*3[0-7]m", printed(verdict, samples.FAILED, terminal=True))


def test_without_a_terminal_there_is_one_plain_line_a_step():
    screen = console(width=40)
    with live(PLAN, screen) as view, EventLog(None, view.on_event) as events:
        events.tell(Kind.LAB, "starting mysql56")
        events.tell(Kind.STEP_STARTED, "", step="havana/nova", service="nova")
        events.tell(Kind.FINDING, "seen", step="seeded", service="nova", outcome="standing")
        events.tell(Kind.STEP_ENDED, "", step="havana/nova", service="nova", outcome="passed")
        events.tell(Kind.STEP_ENDED, "1050 [networks]\nexists", step="havana/neutron", outcome="failed")
    lines = screen.file.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("starting mysql56")
    assert re.search(r"havana/nova +passed +0\.0 s$", lines[1])
    assert re.search(r"havana/neutron +failed +0\.0 s  1050 \[networks\] exists$", lines[2])
    assert "\x1b" not in screen.file.getvalue()


def test_quiet_says_nothing():
    for terminal in (True, False):
        screen = console(terminal=terminal)
        with live(PLAN, screen, quiet=True) as view:
            tell(view, Kind.LAB, "starting")
            tell(view, Kind.STEP_ENDED, step="havana/nova", outcome="passed")
        assert screen.file.getvalue() == ""


def test_a_dumb_terminal_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    screen = console(terminal=True)
    with live(PLAN, screen) as view:
        tell(view, Kind.LAB, "starting")
    assert screen.file.getvalue() == "     1.0 s  starting\n"


def drawn(view, **how):
    screen = console(**how)
    screen.print(view)
    return screen.file.getvalue()


def test_the_table_shows_chains_by_steps_with_their_states():
    view = live(PLAN, console(terminal=True))
    tell(view, Kind.LAB, "starting mysql56")
    assert "starting mysql56" in drawn(view)
    for service in samples.SERVICES:
        tell(view, Kind.STEP_STARTED, step=f"havana/{service}", service=service)
    tell(view, Kind.STEP_ENDED, step="havana/nova", service="nova", outcome="failed")
    tell(view, Kind.STEP_ENDED, step="havana/glance", service="glance", outcome="passed")
    tell(view, Kind.CURED, step="seeded")
    lines = drawn(view).splitlines()
    rows = {line.split()[0]: line for line in lines if line.split() and line.split()[0] in samples.SERVICES}
    assert list(rows) == list(samples.SERVICES)
    assert rows["nova"].split()[1:3] == ["✗", "0.0"]
    assert rows["glance"].split()[1:3] == ["✓", "0.0"]
    assert rows["neutron"].count("·") == 2 and rows["keystone"].count("·") == 1
    assert lines[0].split() == ["havana", "icehouse", "ml2"]
    assert "2 of 11 steps" in lines[-1] and "1 cured" in lines[-1]


def test_what_the_lab_does_after_the_last_step_is_told_too():
    view = live(PLAN, console(terminal=True))
    for step in samples.ALL_STEPS:
        tell(view, Kind.STEP_STARTED, step=step.step, service=step.service)
        tell(view, Kind.LAB, "not told while a step runs")
        assert "not told" not in drawn(view)
        tell(view, Kind.STEP_ENDED, step=step.step, service=step.service, outcome="passed")
    tell(view, Kind.LAB, "querying the APIs")
    assert "11 of 11 steps  querying the APIs" in drawn(view)


def test_the_view_follows_a_narrowed_plan():
    view = live(PLAN, console(terminal=True))
    view.follow(make_plan(find_path(load_paths(), load_releases(), "grizzly-havana"), load_releases(), ["nova"]))
    text = drawn(view)
    assert "nova" in text and "glance" not in text and "icehouse" not in text


def test_a_terminal_sees_the_table_and_keeps_its_last_state():
    screen = console(terminal=True)
    with live(PLAN, screen) as view:
        tell(view, Kind.STEP_STARTED, step="ml2", service="neutron")
        tell(view, Kind.STEP_ENDED, step="ml2", service="neutron", outcome="passed")
    last = screen.file.getvalue().rsplit("icehouse", 1)[-1]
    assert "✓ 0.0 s" in last and "1 of 11 steps" in last


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (99.9, "99.9 s"), (99.96, "1 min 40 s"), (3599.7, "1 h 00 min"), (7510, "2 h 05 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_sizes_and_versions():
    assert [size(n) for n in (0, 1023, 1536, 2**31)] == ["0 B", "1023 B", "1.5 KiB", "2.0 GiB"]
    assert travelled(()) == "not reached"
    assert travelled([samples.NOVA_FAILED]) == "161 → 187"
    assert travelled([samples.ML2]) == "icehouse → ml2"
    assert travelled([samples.ALL_STEPS[-2], samples.ML2]) == "havana → icehouse → ml2"


def test_scenarios_are_told_one_by_one_without_a_terminal():
    screen = console(width=40)
    with ScenarioView(2, screen) as view:
        view.say("starting [mysql56]")
        for report in samples.scenarios(4).scenarios[2:]:
            view.on_report(report)
    assert screen.file.getvalue().splitlines() == [
        "starting [mysql56]",
        "ok     keystone-trap-02 (1 of 2, 13.7 s)",
        "FAILED glance-trap-03 (2 of 2, 13.7 s)",
        "       naive: havana/nova failed with a different error from /1060.*disabled_reason/: KeyError: 162",
    ]


def test_a_terminal_sees_how_many_scenarios_are_left():
    screen = console(terminal=True)
    with ScenarioView(2, screen) as view:
        view.say("starting [mysql56]")
        view.on_report(samples.scenarios(1).scenarios[0])
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", screen.file.getvalue())
    assert (
        "nova-trap-00 (1 of 2, 13.7 s)" in text and "1/2" in text and "starting [mysql56]" not in text.rsplit("1/2")[-1]
    )


def test_quiet_scenarios_say_nothing():
    screen = console(terminal=True)
    with ScenarioView(1, screen, quiet=True) as view:
        view.say("starting")
        view.on_report(samples.scenarios(1).scenarios[0])
    assert screen.file.getvalue() == ""


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (
            "OperationalError: (OperationalError) (1050, \"Table 'networks' already exists\") '\\nCREATE TABLE networks (' ()",
            "OperationalError: (OperationalError) (1050, \"Table 'networks' already exists\")",
        ),
        (
            "sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (1060, \"Duplicate 'a'\")\n[SQL: ALTER TABLE x]",
            "sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (1060, \"Duplicate 'a'\")",
        ),
        (
            "IntegrityError: (IntegrityError) (1062, 'Duplicate \\'x\\'') u'INSERT'",
            "IntegrityError: (IntegrityError) (1062, 'Duplicate \\'x\\'')",
        ),
        ("KeyError: <VerNum(162)>", "KeyError: <VerNum(162)>"),
    ],
)
def test_an_error_does_not_repeat_its_statement(error, short):
    assert short_error(error) == short


@pytest.mark.parametrize(
    ("expected", "says"),
    [(90.0, r"about \d\d\.\d s left"), (0.000001, "0.0 s is usual"), (None, r"0\.\d s  0 of 11 steps")],
)
def test_the_time_left_is_shown_while_it_is_known(expected, says):
    screen = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    with live(PLAN, screen, expected=expected) as view:
        screen.print(view)
        assert re.search(says, screen.file.getvalue(), re.MULTILINE)


def test_the_verdict_tells_the_three_slowest_migrations():
    (line,) = (line for line in printed(verdict, samples.GREEN, width=200).splitlines() if "slowest" in line)
    told = "nova 185_rename_unique_constraints 4.1 s,  cinder 9-0_some_change 0.1 s,  cinder 9-1_some_change 0.1 s"
    assert line.split("slowest")[1].strip() == f"{told}  (of 30 migrations)"


def test_a_skipped_scenario_is_told_with_its_reason():
    one = dataclasses.replace(samples.scenarios(2).scenarios[0], lanes=(), skipped="MySQL alone refuses this")
    assert re.search(r"not run +not run +0\.0 +skipped: MySQL alone refuses this", printed(matrix, [one], width=160))
    screen = console(width=160)
    with ScenarioView(1, screen) as view:
        view.on_report(one)
    assert re.match(rf"skipped {one.name} .*\n +MySQL alone refuses this", screen.file.getvalue())


def test_the_verdict_tells_the_estimate_and_its_first_warning():
    text = printed(verdict, samples.GREEN, width=200)
    for part in (
        "12 min 20 s (9 min 50 s to 16 min 00 s) one step after the other, APIs down for 10 min 40 s",
        "3.4 GiB must be free on the disk",
        "archive the deleted rows: saves 90.0 s in nova 185_rename_unique_constraints",
        "grows steeper than linear, about with n^1.6 (and 1 more)",
    ):
        assert part in text, part


def test_how_far_a_restore_is_has_a_line_of_its_own_on_a_terminal_and_few_lines_elsewhere():
    bar = "restoring nova.sql, 25%: 512 of 2048 MB, 30.2 MB/s, 51 s left"
    screen = console(terminal=True, width=80)
    view = live(PLAN, screen)
    tell(view, Kind.PROGRESS, bar)
    screen.print(view)
    assert f"\n{bar}" in screen.file.getvalue()
    tell(view, Kind.LAB, "looking around")
    screen.file.truncate(0)
    screen.print(view)
    assert "restoring" not in screen.file.getvalue()
    plain = console()
    view = live(PLAN, plain)
    for _ in range(20):
        tell(view, Kind.PROGRESS, bar)
    assert plain.file.getvalue().count(bar) == 1

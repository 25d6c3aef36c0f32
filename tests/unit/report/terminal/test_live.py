"""What a run shows while it goes on, on a terminal and elsewhere."""

import io
import re

import pytest
from rich.console import Console

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.model.events import Event, EventLog, Kind
from osupgrade.model.plan import find_path, make_plan
from osupgrade.report.terminal.live import ScenarioView, live

from ... import _reports as samples
from ._consoles import console

PLAN = make_plan(find_path(load_paths(), load_releases(), "grizzly-icehouse"), load_releases())


def tell(view, kind, text="", step="", service="", outcome="", seconds=1.0):
    view.on_event(Event(seconds, kind, step, service, text, outcome))


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


@pytest.mark.parametrize("width", [60, 80, 120])
def test_beside_a_bar_only_the_words_are_cut(width):
    screen = console(terminal=True, width=width)
    with ScenarioView(7, screen) as view:
        view.say("seeding a cloud with the first release's own code, once: it is kept for the runs after this one")
        view._progress.refresh()
    lines = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", screen.file.getvalue()).replace("\r", "\n").splitlines()
    (line,) = {line.rstrip()[2:] for line in lines if "seeding" in line}
    assert line.startswith("0/7 ") and "-:--" in line and "seeding a" in line and len(line) <= width - 2


def test_quiet_scenarios_say_nothing():
    screen = console(terminal=True)
    with ScenarioView(1, screen, quiet=True) as view:
        view.say("starting")
        view.on_report(samples.scenarios(1).scenarios[0])
    assert screen.file.getvalue() == ""


@pytest.mark.parametrize(
    ("expected", "says"),
    [(90.0, r"about \d\d\.\d s left"), (0.000001, "0.0 s is usual"), (None, r"0\.\d s  0 of 11 steps")],
)
def test_the_time_left_is_shown_while_it_is_known(expected, says):
    screen = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    with live(PLAN, screen, expected=expected) as view:
        screen.print(view)
        assert re.search(says, screen.file.getvalue(), re.MULTILINE)


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

"""A route of 27 hops fits a screen and a page."""

import dataclasses
import io
import re
from pathlib import Path

from osupgrade.model.events import Event, Kind
from osupgrade.model.plan import Chain
from osupgrade.model.release import Hop
from osupgrade.report.digest import travelled
from osupgrade.report.html import html, timeline
from osupgrade.report.html.tables import tables
from osupgrade.report.terminal.console import terminal
from osupgrade.report.terminal.live import live
from osupgrade.report.terminal.verdict import verdict

from .. import _reports as samples
from .runbook.test_steps import plan

NAMES = [f"release{number:02}" for number in range(28)]


def step(service, number):
    return dataclasses.replace(
        samples.chain("nova")[0],
        step=f"{NAMES[number]}/{service}",
        service=service,
        release=NAMES[number],
        started=number * 7.0,
        versions_before={service: (str(number * 10),)},
        versions_after={service: (str(number * 10 + 10),)},
        migrations=(),
    )


STEPS = tuple(step(service, number) for service in samples.SERVICES for number in range(1, 28))
REPORT = dataclasses.replace(
    samples.GREEN,
    result=dataclasses.replace(samples.GREEN.result, steps=STEPS, planned=tuple(s.step for s in STEPS)),
)


def test_versions_of_a_long_chain_are_its_ends():
    assert travelled(STEPS[:27]) == "10 → (25 more) → 270 → 280"
    assert travelled(STEPS[:3]) == "10 → 20 → 30 → 40"


def test_the_verdict_fits_on_a_screen():
    screen = terminal(file=io.StringIO(), width=80)
    verdict(REPORT, screen)
    assert "(25 more)" in screen.file.getvalue() and len(screen.file.getvalue().splitlines()) <= 19


def test_the_page_has_a_bar_for_each_hop_and_a_short_legend():
    drawn = timeline(REPORT.result)
    assert [len(row.bars) for row in drawn.rows] == [27] * 5
    assert len(drawn.legend) == 2
    page = html(REPORT, Path("nowhere"))
    assert all(f"release27/{service}" in re.sub("<wbr>", "", page) for service in samples.SERVICES)


def test_the_live_view_counts_hops():
    short = plan()
    chains = tuple(
        Chain(service, tuple(Hop(service, NAMES[n], NAMES[n + 1]) for n in range(27))) for service in samples.SERVICES
    )
    release = short.releases[1]
    long = dataclasses.replace(
        short, releases=tuple(dataclasses.replace(release, name=name) for name in NAMES), chains=chains
    )
    screen = terminal(file=io.StringIO(), width=80)
    view = live(long, screen, quiet=True)
    for number in range(1, 4):
        view.on_event(Event(0.0, Kind.STEP_STARTED, f"{NAMES[number]}/nova", "nova", ""))
        if number < 3:
            view.on_event(Event(0.0, Kind.STEP_ENDED, f"{NAMES[number]}/nova", "nova", "", "passed"))
    screen.print(view)
    lines = screen.file.getvalue().splitlines()
    (nova,) = [line for line in lines if line.startswith("nova")]
    assert nova.split()[:5] == ["nova", "2", "of", "27", "release03"]
    assert all(len(line) <= 80 for line in lines)


def test_a_move_on_the_way_is_named_after_the_release_that_makes_it():
    move = dataclasses.replace(step("neutron", 2), step="ml2")
    result = dataclasses.replace(REPORT.result, steps=(*STEPS, move), path="release00-release27")
    page = re.sub("<wbr>", "", html(dataclasses.replace(REPORT, result=result), Path("nowhere")))
    assert "release02 → ml2 → release03" in page and "release27 → ml2" not in page


def test_of_each_table_it_is_said_which_migrations_made_it_what_it_is():
    result = samples.GREEN.result
    step = next(step for step in result.steps if step.migrations and step.migrations[0].tables)
    work = step.migrations[0].tables[0]
    again = [
        dataclasses.replace(step.migrations[0], label=f"{number}_again", tables=(dataclasses.replace(work, table="t"),))
        for number in range(5)
    ]
    steps = [
        dataclasses.replace(step, migrations=tuple(again[:3])),
        dataclasses.replace(step, step="zed/x", migrations=tuple(again[3:])),
    ]
    name = f"{again[0].database}.t"
    report = dataclasses.replace(
        samples.GREEN, result=dataclasses.replace(result, steps=tuple(steps)), rows={name: {"seeded": 1, "verify": 2}}
    )
    (table,) = [one for one in tables(report).changed if one.name == name]
    first = step.step.partition("/")[0]
    assert table.by == (f"{first} 0_again", f"{first} 1_again", f"{first} 2_again", "zed 3_again", "zed 4_again")
    assert table.history == f"{first} 0_again, 3 more, zed 4_again"
    assert table.history in html(report, Path("nowhere"))

"""Tables of scenarios and lanes."""

import dataclasses
import re

from osupgrade.report.terminal.live import ScenarioView
from osupgrade.report.terminal.tables import matrix

from ... import _reports as samples
from ._consoles import console, printed


def test_the_matrix_tells_what_went_wrong():
    lines = printed(matrix, samples.scenarios(5).scenarios, width=160).splitlines()
    (bad,) = [line for line in lines if "glance-trap-03" in line]
    assert re.search(r"glance-trap-03 +NO +succeeded +13\.7 +naive: .*KeyError: 162", bad)
    assert sum("failed as expected" in line for line in lines) == 4


def test_a_skipped_scenario_is_told_with_its_reason():
    one = dataclasses.replace(samples.scenarios(2).scenarios[0], lanes=(), skipped="MySQL alone refuses this")
    assert re.search(r"not run +not run +0\.0 +skipped: MySQL alone refuses this", printed(matrix, [one], width=160))
    screen = console(width=160)
    with ScenarioView(1, screen) as view:
        view.on_report(one)
    assert re.match(rf"skipped {one.name} .*\n +MySQL alone refuses this", screen.file.getvalue())


def test_a_narrow_terminal_has_what_went_wrong_below_the_matrix():
    lines = printed(matrix, samples.scenarios(5).scenarios, terminal=True, width=60, color_system=None).splitlines()
    assert max(map(len, lines)) <= 60
    (bad,) = [line for line in lines if re.search(r"glance-trap-03 +NO", line)]
    assert re.search(r"NO +succeeded +13\.7$", bad.rstrip())
    assert sum("as expected" in line for line in lines) == 4
    assert "glance-trap-03: naive: " in "\n".join(lines)

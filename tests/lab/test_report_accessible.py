"""The pages for people who see, hear or print them: axe finds nothing serious, at three widths, in light and dark."""

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from osupgrade.history.trend import trends
from osupgrade.model.places import cache_directory
from osupgrade.model.report import Part
from osupgrade.nightly.join import nightly_report
from osupgrade.report.html import write_html
from osupgrade.report.trend import trend_html

from ..unit import _reports as samples
from ..unit.history.test_trend import remembered, took

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HERE = Path(__file__).parent / "browser"


@pytest.fixture(scope="module")
def modules():
    """axe-core and playwright-core at the versions of package.json, in the user's cache."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"NOT RUN: there is no {program} on this machine")
    if BROWSER is None:
        pytest.skip("NOT RUN: there is no Chromium on this machine")
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    place = cache_directory() / "browser" / "-".join(wanted.values())
    if not all((place / "node_modules" / name / "package.json").is_file() for name in wanted):
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "package.json", place)
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"],
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode != 0:
            pytest.skip(f"NOT RUN: npm cannot fetch {', '.join(wanted)}: {done.stderr.strip()[-300:]}")
    return place


def busy():
    """A rehearsal with everything on its page: failures, findings, cures, APIs, a way back."""
    return dataclasses.replace(samples.FAILED, strategy=samples.MOVED.strategy)


def nightly():
    scenarios = dataclasses.replace(samples.scenarios(30))
    parts = (
        Part("grizzly-icehouse mysql56 clean", ("a",), 0, samples.IN_PLACE, "", "parts/a"),
        Part("grizzly-icehouse mysql56 carried", ("b",), 1, samples.FAILED, "", "parts/b"),
        Part("grizzly-icehouse mysql56 scenarios", ("c",), 1, scenarios, "", "parts/c"),
        Part("caracal-gazpacho mariadb1011 clean", ("d",), 3, None, "the sources are not at hand", "parts/d"),
    )
    return nightly_report(parts, ("a", "b", "c", "d"), samples.MANIFEST, 900.0, "runs/x")


def test_nothing_serious_stands_in_anybody_s_way(modules, tmp_path):
    (tmp_path / "logs").mkdir()
    for step in samples.ALL_STEPS:
        (tmp_path / "logs" / step.log).write_text("INFO migrate.versioning.api [-] 161 -> 162...\n" * 50)
    for name, report in (("rehearsal", busy()), ("scenarios", samples.scenarios(30)), ("nightly", nightly())):
        write_html(report, tmp_path / f"{name}.html")
    slow = remembered([20], **took(99.0))
    (tmp_path / "trend.html").write_text(trend_html(trends([*remembered(range(1, 15)), *slow])))
    pages = sorted(map(str, tmp_path.glob("*.html")))
    done = subprocess.run(
        ["node", str(HERE / "look.mjs"), str(modules), BROWSER, "-", *pages],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == 4 and all(len(views) == 5 for views in found.values())
    wrong = [
        f"{Path(page).name} {view}: {v['id']} ({v['impact']}), {v['count']} places: {v['help']}: {v['nodes'][0]}"
        for page, views in found.items()
        for view, seen in views.items()
        for v in seen["violations"]
    ]
    assert wrong == []
    for page, views in found.items():
        for view, seen in views.items():
            assert seen["requests"] == [], page
            assert seen["overflow"] <= 0 or view == "paper", f"{page} scrolls sideways on a {view}"


def test_axe_does_find_what_is_wrong(modules, tmp_path):
    (tmp_path / "bad.html").write_text(
        "<!doctype html><title>x</title><img src='data:,'><p style='color:#eee'>pale</p>"
    )
    done = subprocess.run(
        ["node", str(HERE / "look.mjs"), str(modules), BROWSER, "-", str(tmp_path / "bad.html")],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    (views,) = json.loads(done.stdout).values()
    assert {"image-alt", "color-contrast", "html-has-lang"} <= {v["id"] for v in views["desk"]["violations"]}


def test_thirty_scenarios_are_a_page_of_less_than_two_megabytes(tmp_path):
    report = samples.scenarios(30, bad=range(30))
    for scenario in report.scenarios:
        for lane in scenario.lanes:
            logs = tmp_path / lane.log / "logs"
            logs.mkdir(parents=True)
            for step in lane.result.steps:
                (logs / step.log).write_text("a line of a tool's log that goes on and on\n" * 20_000)
    write_html(report, tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 2_000_000

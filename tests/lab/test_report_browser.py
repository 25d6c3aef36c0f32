"""The report in a real browser: it fits at three widths, in light and dark, and asks nothing of any network."""

import dataclasses
import json
import re
import shutil
import subprocess

import pytest

from osupgrade.report.html import write_html

from ..unit import _reports as samples

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTHS = (360, 768, 1280)
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-file-access-from-files",
    "--virtual-time-budget=10000",
    "--dump-dom",
]

FRAMES = """<!doctype html><body><script>
const widths = %s, page = %s, found = {};
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width: ${width}px; height: 900px; border: 0`;
  frame.src = page;
  frame.onload = () => {
    const inside = frame.contentDocument, view = frame.contentWindow;
    for (const details of inside.querySelectorAll("details")) details.open = true;
    const root = inside.documentElement;
    const wide = [...inside.querySelectorAll("section > *")].filter(e => e.getBoundingClientRect().right > width + 1);
    found[width] = {
      overflow: root.scrollWidth - root.clientWidth,
      outside: wide.map(e => e.outerHTML.slice(0, 80)),
      requests: view.performance.getEntriesByType("resource").map(e => e.name),
      smallest: Math.min(...[...inside.querySelectorAll("main *")].filter(e => e.checkVisibility() && e.innerText?.trim())
        .map(e => parseFloat(view.getComputedStyle(e).fontSize))),
      background: view.getComputedStyle(inside.body).backgroundColor,
      bars: [...inside.querySelectorAll("svg.bar")].filter(e => e.getBoundingClientRect().width > 0).length,
    };
    if (Object.keys(found).length == widths.length) document.body.innerHTML = "<pre>" + JSON.stringify(found) + "</pre>";
  };
  document.body.append(frame);
}
</script>"""


def looked_at(page, directory, *, dark=False):
    """What the browser saw of ``page`` at each width."""
    wrapper = directory / "frames.html"
    wrapper.write_text(FRAMES % (json.dumps(WIDTHS), json.dumps(page.name)))
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    seen = subprocess.run(
        [BROWSER, *QUIET, *scheme, f"--user-data-dir={directory / 'profile'}", f"file://{wrapper}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    match = re.search(r"<pre>(\{.*\})</pre>", seen, re.DOTALL)
    assert match, f"the page did not load in every frame: {seen[-500:]}"
    return {
        int(width): facts for width, facts in json.loads(match[1].replace("&lt;", "<").replace("&gt;", ">")).items()
    }


@pytest.mark.skipif(BROWSER is None, reason="NOT RUN: no Chromium on this machine")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_report_fits_and_stands_alone(tmp_path, dark):
    report = dataclasses.replace(samples.FAILED, scenarios=samples.scenarios(8).scenarios)
    (tmp_path / "logs").mkdir()
    for step in report.result.steps:
        (tmp_path / "logs" / step.log).write_text(f"{'a-very-long-line-' * 40}\nshort\n")
    write_html(report, tmp_path / "report.html")
    seen = looked_at(tmp_path / "report.html", tmp_path, dark=dark)
    assert set(seen) == set(WIDTHS)
    for width, facts in seen.items():
        assert facts["overflow"] <= 0, f"the page scrolls sideways at {width}"
        assert facts["outside"] == [] and facts["requests"] == []
        assert facts["smallest"] >= 10
        assert facts["bars"] >= len(report.result.steps)
        light = sum(map(int, re.findall(r"\d+", facts["background"])[:3])) / 3
        assert light < 60 if dark else light > 200

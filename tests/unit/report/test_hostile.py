"""Names and values that try to be more than text, through every report: they are shown whole, and obeyed nowhere."""

import dataclasses
import enum
import io
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from markdown_it import MarkdownIt

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.history.trend import trends
from osupgrade.model.finding import Cure, Evidence, Fate, Finding, Severity, Sql
from osupgrade.model.plan import find_path, make_plan
from osupgrade.model.quoting import one_line, visible
from osupgrade.model.report import Part, StagedFinding, State
from osupgrade.model.stage import SEEDED, Stage
from osupgrade.rehearsal.inspect.model import Inspection
from osupgrade.report.compare import compared
from osupgrade.report.html import html
from osupgrade.report.inspection import show
from osupgrade.report.json import read_json, write_json
from osupgrade.report.junit import write_junit
from osupgrade.report.markdown import markdown
from osupgrade.report.runbook import runbook
from osupgrade.report.terminal.console import terminal
from osupgrade.report.terminal.tables import api_table, comparison, matrix, parts_table
from osupgrade.report.terminal.verdict import verdict
from osupgrade.report.trend import trend_html, trend_table

from .. import _reports as samples
from ..history.test_trend import remembered
from ..model.test_quoting import HOSTILE
from ..rehearsal.inspect._inspected import NOVA_FACTS
from .test_inspection import OWN

TEXTS = [text for text in HOSTILE if text.strip() and "\udcff" not in text] + [
    "a\n```\ntouch pwned\n```",
    "x\nSQL\ntouch pwned #x",
    "x`\nSQL\ntouch pwned #",
    "javascript:alert(1)",
    "[link](http://x) ![image](http://x)",
    "</pre></td><script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %}",
    "&lt;b&gt; &amp; &#65;",
    "1. first",
    "- [ ] item",
    "@everyone #1",
]
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
PLAN = make_plan(find_path(load_paths(), load_releases(), "grizzly-icehouse"), load_releases())
TRENDS = trends(remembered(range(1, 4)))
# What a report's own code looks things up by; a run writes these itself.
_OWN_WORDS = {"step", "service", "release", "path", "kind", "started", "log", "lane", "level", "revision", "directory"}


def poisoned(value, text, name=""):
    """A report with ``text`` wherever it holds words that may come from a cloud."""
    if isinstance(value, Stage | enum.Enum | Sql):
        return value
    if dataclasses.is_dataclass(value):
        fields = {f.name: poisoned(getattr(value, f.name), text, f.name) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    if isinstance(value, str):
        return value if name in _OWN_WORDS or not value else text
    if isinstance(value, tuple) and name not in ("services", "planned"):
        return tuple(poisoned(item, text, name) for item in value)
    return value


def cure_of(text):
    name = text.replace("\0", "")
    return Cure(
        text,
        (
            Sql.of("nova", "UPDATE {table} SET host = :new WHERE host = :old", table=name, new=text, old=f"{text}2"),
            Sql.of("nova", "ALTER TABLE {table} DROP COLUMN {column}", table=name, column=name),
        ),
        SEEDED,
    )


def finding(text, severity=Severity.ERROR):
    evidence = Evidence((text,), ((text,), (f"{text}2",)), 2)
    return Finding("trap", severity, "nova", text, text, text, evidence, cure_of(text), text)


def report_of(text, base=samples.FAILED):
    report = poisoned(base, text)
    findings = (
        StagedFinding(SEEDED, finding(text), State.CURED),
        StagedFinding(
            SEEDED, dataclasses.replace(finding(text, Severity.WARNING), source="x", cure=None), State.UNRESOLVED
        ),
    )
    result = dataclasses.replace(report.result, findings=findings)
    return dataclasses.replace(report, result=result, rows={f"nova.{text}": {"seeded": 1, "verify": 2}})


def printed(function, *arguments):
    screen = terminal(file=io.StringIO(), width=1000)
    function(*arguments, screen)
    return screen.file.getvalue()


def inspection_of(findings, text="x"):
    return Inspection(
        (dataclasses.replace(NOVA_FACTS, claim=(text,), database=text, largest=()),),
        (dataclasses.replace(OWN, difference=text, place=text, why=text),),
        tuple(findings),
    )


def squeezed(text):
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("text", TEXTS)
def test_a_terminal_obeys_nothing_and_shows_it_all(text):
    report = report_of(text)
    other = report_of(text, samples.MOVED)
    made = samples.scenarios(2)
    parts = [Part(text, (), 1, problem=text), Part(text, (), 1, report=report)]
    pages = [
        printed(verdict, report),
        printed(matrix, poisoned(made, text).scenarios),
        printed(parts_table, parts),
        printed(comparison, compared(report, other, (PLAN, PLAN)), [text, text]),
        printed(api_table, poisoned(samples.GREEN, text).api),
        printed(trend_table, [dataclasses.replace(one, subject=text) for one in TRENDS]),
        printed(show, inspection_of((finding(text), finding(text, Severity.INFO)), text), "icehouse", text),
    ]
    for page in pages:
        assert not CONTROL.search(page)
        assert squeezed(one_line(text)) in squeezed(page) or squeezed(visible(text)) in squeezed(page)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.text = set(), [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.links += [value for name, value in attributes if name in ("href", "src")]
        assert not any(name.startswith("on") for name, _ in attributes)

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("text", TEXTS)
def test_a_browser_obeys_nothing_and_shows_it_all(text):
    (trend,) = TRENDS
    for source in (html(report_of(text), Path("nowhere")), trend_html([dataclasses.replace(trend, subject=text)])):
        page = Page(source)
        assert not CONTROL.search(source)
        assert not page.tags & {"script", "img", "iframe", "b2"}
        assert all(link.startswith(("#", "./")) or "/" not in link for link in page.links)
        assert not any(link.startswith("javascript") for link in page.links)
        shown = squeezed(visible(text)) in squeezed(page.text)
        # Text in backticks is shown as code, without them.
        assert shown or squeezed(visible(text)).replace("`", "") in squeezed(page.text).replace("`", "")


def words(markdown_text):
    """All text of a page of Markdown as a reader sees it, after checking that the texts made no marks of their own."""
    shown = []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown_text):
        assert token.type != "html_block"
        for part in token.children or [token]:
            assert part.type not in ("html_inline", "link_open", "image")
            shown.append(part.content)
    return squeezed("".join(shown))


@pytest.mark.parametrize("text", TEXTS)
def test_markdown_marks_nothing_up_and_shows_it_all(text):
    for page in (markdown(report_of(text)), runbook(report_of(text), PLAN)):
        assert not CONTROL.search(page)
        assert squeezed(one_line(text)) in words(page)


@pytest.mark.parametrize("text", TEXTS)
def test_the_runbook_s_cure_reaches_the_client_whole_and_runs_nothing_else(text, tmp_path):
    """The very block is pasted into a shell in which every command is at hand, with a client that writes down its input."""
    page = runbook(report_of(text, samples.GREEN), PLAN)
    blocks = [t.content for t in MarkdownIt("commonmark").parse(page) if t.type == "fence" and t.info == "sh"]
    (block,) = [block for block in blocks if "UPDATE " in block]
    client = tmp_path / "client"
    client.write_text('#!/bin/bash\n{ printf "%s\\n" "$*"; cat; } > "${0%client}got"\n')
    client.chmod(0o755)
    place = tmp_path / "place"
    place.mkdir()
    done = subprocess.run(
        ["bash", "-u"], input=f"SQL={client}\n{block}", cwd=place, text=True, capture_output=True, check=True
    )
    assert not done.stdout and not done.stderr and not list(place.iterdir())
    arguments, _, sql = (tmp_path / "got").read_bytes().decode().partition("\n")
    assert arguments in ("nova", "--binary-mode nova")
    assert sql == "".join(f"{step.statement};\n" for step in cure_of(text).steps)


@pytest.mark.parametrize("text", TEXTS)
def test_machines_read_what_was_written(text, tmp_path):
    report = report_of(text)
    write_junit(report, tmp_path / "junit.xml")
    suites = Xml.parse(tmp_path / "junit.xml")
    shown = "".join([*suites.getroot().itertext(), *(v for e in suites.iter() for v in e.attrib.values())])
    assert squeezed(visible(text)) in squeezed(shown)
    write_json(report, tmp_path / "report.json")
    assert read_json(tmp_path / "report.json").result.findings == report.result.findings


def test_a_customisation_s_statements_are_shown_whole():
    mend = Sql.of("nova", "DROP TABLE {table}", table="{x} `it's`\n\x1b[2J").statement
    own = dataclasses.replace(samples.OWN["column"], fate=Fate.LOST, mend=(mend,))
    schemas = (dataclasses.replace(samples.GREEN.schemas[0], customisations=(own,)),)
    page = Page(html(dataclasses.replace(samples.GREEN, schemas=schemas), Path("nowhere")))
    assert squeezed(visible(mend)) in squeezed(page.text)

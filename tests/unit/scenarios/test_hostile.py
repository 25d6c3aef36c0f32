"""Every scenario on a cloud whose names and values try to be more than text, through every report.

A server that answers whatever is asked with such text stands in for the cloud, so that preflights find what they look
for. Their cures must be the same statements as for harmless text, and what reports say of them must be whole.
"""

import dataclasses
import datetime
import functools
import importlib
import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from osupgrade.catalog import content
from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Sql
from osupgrade.model.quoting import one_line, visible, with_databases
from osupgrade.model.report import StagedFinding, State
from osupgrade.model.stage import SEEDED
from osupgrade.report.html import html
from osupgrade.report.inspection import show
from osupgrade.report.json import read_json, write_json
from osupgrade.report.junit import write_junit
from osupgrade.report.markdown import markdown
from osupgrade.report.runbook import runbook
from osupgrade.scenarios.loading import load_scenarios
from osupgrade.schema import catalogue

from ..model.test_quoting import HOSTILE
from ..report.test_hostile import CONTROL, PLAN, Page, Xml, inspection_of, printed, samples, squeezed, words

TEXTS = [text for text in HOSTILE if text.strip() and "\udcff" not in text and "\0" not in text]
DATABASES = ("keystone", "glance", "cinder", "nova", "neutron", "placement", "nova_api", "nova_cell0")
SITES = (
    Site(),
    Site(plugin="linuxbridge"),
    Site(hosts="fqdn"),
    Site(core_plugin="neutron.plugins.ml2.plugin.Ml2Plugin"),
)
CLOUDS = ((SITES[0], False), *((site, True) for site in SITES))
# By the expression that is selected, what is no text of a cloud's: all else is hostile.
KINDS = (
    (r"COLLATION\(CONVERT\(", "utf8_general_ci"),  # what the server gives utf8, and the tables have not
    (
        r"COUNT\(|SUM\(|LENGTH\(|length|rows|bytes|position|maximum|minimum|seq|non_unique|auto_increment|nullable|sub_part|version",
        2,
    ),
    (r"character_set|charset", "latin1"),
    (r"collation", "latin1_swedish_ci"),
    (r"engine", "MyISAM"),
    (r"timestamp|_at\b", datetime.datetime(2013, 1, 1)),
)
declared = importlib.import_module("osupgrade.scenarios.declared")
UNPROVOKED = {
    "agents-case-twins",
    "agents-dhcp-device-ids",
    "agents-fqdn-twins",
    "cinder-storage-manager-gone",
    "dump-comments-stripped",
    "keystone-double-encoded-grant",
    "keystone-duplicate-role",
    "keystone-no-downgrade",
    "keystone-null-role",
    "keystone-orphan-role",
    "keystone-user-extra",
    "ml2-bindings-table-missing",
    "ml2-no-router",
    "ml2-segmentless-silent",
    "neutron-half-applied",
    "neutron-latin1",
    "neutron-lbaas-service-types-gone",
    "neutron-ml2-plugin-early",
    "neutron-ml2-plugin-late",
    "neutron-server-first",
    "neutron-unstamped",
    "nova-carried-migrations",
    "nova-half-applied-columns",
    "nova-soft-deleted-requests",
    "nova-volume-tables-gone",
    "own-backported-column",
    "own-foreign-key",
    "own-index",
    "own-migrations",
    "own-trigger-view",
    "packages-left-old",
    "placement-launch-commands",
}
"""Scenarios that look for something so particular that no such server has it."""


@functools.cache
def upstream() -> dict[str, dict[str, frozenset[str]]]:
    """Every table that a service ever had, with every column."""
    found: dict[str, dict[str, frozenset[str]]] = defaultdict(lambda: defaultdict(frozenset))
    for service in catalogue.services():
        for variant in catalogue.variants(service):
            for revision in catalogue.lineage(service, variant).revisions:
                for table in revision.schema.tables:
                    found[service][table.name] |= {column.name for column in table.columns}
    return found


@functools.cache
def selected(sql: str) -> list[str]:
    """The expressions that a query selects."""
    depth, start, end = 0, None, len(sql)
    for part in re.finditer(r"'(?:[^']|'')*'|`[^`]*`|\(|\)|\b(?:SELECT|FROM)\b", sql, re.IGNORECASE):
        depth += {"(": 1, ")": -1}.get(part[0], 0)
        if part[0].upper() == "SELECT" and not depth and start is None:
            start = part.end()
        elif part[0].upper() == "FROM" and not depth and start is not None:
            end = part.start()
            break
    if start is None:
        return ["x"]
    found, depth = [""], 0
    for sign in re.findall(r"'(?:[^']|'')*'|`[^`]*`|.", sql[start:end], re.DOTALL):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and not depth:
            found.append("")
        else:
            found[-1] += sign
    return found


@functools.cache
def kind_of(expression: str):
    """What belongs where such an expression is selected; None for a text."""
    return next((value for pattern, value in KINDS if re.search(pattern, expression, re.IGNORECASE)), None)


class Server:
    """It has whatever it is asked for: two rows of a text, and where ``kinds`` is set, of what belongs there instead."""

    version = "10.11.2-MariaDB"

    def __init__(self, text: str, *, kinds: bool) -> None:
        self.text, self.kinds = text, kinds

    def end(self, _thread):
        """Nobody waits for it."""

    def databases(self):
        return DATABASES

    def defaults(self, _database):
        return "latin1", "latin1_swedish_ci"

    def rows(self, database, sql, parameters=()):
        return self.table(database, sql, parameters)[1]

    def table(self, _database, sql, _parameters=()):
        expressions = selected(sql)
        names = tuple(re.findall(r"\w+", expression)[-1] for expression in expressions)
        return names, [tuple(self.value(expression, tail) for expression in expressions) for tail in ("", "2")]

    def value(self, expression, tail):
        kind = kind_of(expression) if self.kinds else None
        return self.text + tail if kind is None else kind


class Anything(Cloud):
    """A cloud that has every table and column of every release."""

    def tables(self, database):
        return frozenset(upstream()[database.partition("_")[0]])

    def columns(self, database, table):
        return upstream()[database.partition("_")[0]][table]

    def versions(self, _database, _table, _repositories=()):
        return ("1",)


@functools.cache
def scenarios():
    return load_scenarios([content.scenarios()]).scenarios


@functools.cache
def provoking():
    """Which preflights find something on which clouds that they do not find on an earlier one: name -> pairs."""
    pairs = defaultdict(list)
    for name, scenario in scenarios().items():
        known = set()
        for site, kinds in CLOUDS:
            for _, preflight in scenario.preflights:
                new = set(asked(preflight, site, "harmless", kinds=kinds)) - known
                known |= new
                if new:
                    pairs[name].append((preflight, site, kinds))
    return pairs


@functools.cache
def findings(text: str):
    """What every scenario finds where every text is this one: name -> findings."""
    found = {
        name: [finding for preflight, site, kinds in pairs for finding in asked(preflight, site, text, kinds=kinds)]
        for name, pairs in provoking().items()
    }
    return {name: list(dict.fromkeys(some)) for name, some in found.items() if some}


def asked(preflight, site, text, *, kinds):
    """What one preflight finds on a cloud where every text is this one, as if no release were past yet."""
    cloud = Anything(Server(text, kinds=kinds), {one: one for one in DATABASES}, site, "main")
    before, declared.is_before = declared.is_before, lambda *_: True
    try:
        return list(preflight(cloud) or ())
    except Exception:  # the rehearsal says that it could not look
        return []
    finally:
        declared.is_before = before


QUOTED = re.compile(r"(?P<text>_utf8mb4 X'[0-9a-f]*'|X'[0-9a-f]*'|'(?:[^'\\]|'')*')|`(?:[^`]|``)*`")


def shape(statement: str) -> str:
    """A statement without what is in quotes: whatever text got out of them would show."""
    return QUOTED.sub(lambda match: "''" if match["text"] else "``", statement)


def sql_of(finding):
    """The steps of its cure that are SQL."""
    return [step for step in finding.cure.steps if isinstance(step, Sql)] if finding.cure else []


def cures(text):
    return {
        name: [[step.statement for step in sql_of(finding)] for finding in some if finding.cure]
        for name, some in findings(text).items()
    }


@pytest.mark.exhaustive
def test_most_scenarios_are_provoked():
    assert set(scenarios()) - set(findings("harmless")) == UNPROVOKED
    assert sum(len(statements) for some in cures("harmless").values() for statements in some) > 100


def hold_cures(text):
    wanted, found = cures("harmless"), cures(text)
    assert found.keys() == wanted.keys()
    for name, some in found.items():
        shapes = {tuple(sorted(map(shape, statements))) for statements in some}
        assert shapes == {tuple(sorted(map(shape, statements))) for statements in wanted[name]}, name


def at_once(finding):
    """The finding with its cure before the first step, so that every cure is in one runbook."""
    return dataclasses.replace(finding, cure=dataclasses.replace(finding.cure, at=None)) if finding.cure else finding


def report_of(turn):
    """A report with a finding of every scenario, each on a cloud with another text; at another turn with another one."""
    staged = [
        StagedFinding(SEEDED, at_once(finding), State.CURED if finding.cure else State.UNRESOLVED)
        for place, name in enumerate(sorted(findings("harmless")))
        for finding in findings(TEXTS[(place + turn) % len(TEXTS)])[name][:3]
    ]
    result = dataclasses.replace(samples.GREEN.result, findings=tuple(staged))
    return dataclasses.replace(samples.GREEN, result=result)


def hold_reports(night, report, tmp_path):
    """Every one shows all findings whole, and obeys nothing."""
    told = [staged.finding for staged in report.result.findings]
    page = Page(html(report, Path("nowhere")))
    assert not page.tags & {"script", "img", "iframe"}
    assert not any(link.startswith("javascript") for link in page.links)
    shown = {
        "html": squeezed(page.text).replace("`", ""),
        "runbook": words(night),
        "terminal": squeezed(printed(show, inspection_of(told), "icehouse", "")),
    }
    write_junit(report, tmp_path / "junit.xml")
    root = Xml.parse(tmp_path / "junit.xml").getroot()
    shown["junit"] = squeezed("".join([*root.itertext(), *(v for e in root.iter() for v in e.attrib.values())]))
    for finding in told:
        # There a sentence begins with a capital letter.
        assert squeezed(visible(finding.message))[1:].replace("`", "") in shown["html"]
        assert squeezed(visible(finding.message)) in shown["junit"]
        if finding.cure:
            assert squeezed(one_line(finding.cure.summary)) in shown["runbook"]
        assert squeezed(one_line(finding.message)) in shown["terminal"]
    for text_of in (markdown(report), night, *shown.values()):
        assert not CONTROL.search(text_of)
    write_json(report, tmp_path / "report.json")
    assert read_json(tmp_path / "report.json").result.findings == report.result.findings
    assert json.loads((tmp_path / "report.json").read_text())


def hold_runbook(page, report, tmp_path):
    """What it gives to a shell is the cures alone."""
    blocks = [t.content for t in MarkdownIt("commonmark").parse(page) if t.type == "fence" and t.info == "sh"]
    place = tmp_path / "place"
    place.mkdir()
    # Every other command is a function that swallows its input, so that what breaks out of its quotes is all that acts.
    stubs = "command_not_found_handle() { /bin/cat > /dev/null; }\nPATH=/nonexistent\nSQL=client\n"
    # Of the shell's own commands alone: a program for each statement would take most of this test's time.
    stubs += f"client() {{ local sql; IFS= read -r -d '' sql; printf %s \"$sql\" >> {tmp_path}/got; }}\n"
    stubs += f"touch() {{ : > {place}/pwned; }}\n"
    shelf = tmp_path / "blocks"
    shelf.mkdir()
    for number, block in enumerate(dict.fromkeys(blocks)):
        (shelf / f"{number:04}").write_text(block)
    # One shell for all of them, with a copy of it for each: what one leaves open is not filled by the next.
    script = f'{stubs}for block in {shelf}/*; do (source "$block") < /dev/null; done\n'
    subprocess.run(["/bin/bash", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd=place)
    assert {path.name for path in place.iterdir()} <= {"site.toml"}  # which a cure writes
    got = (tmp_path / "got").read_bytes().decode()
    for staged in report.result.findings:
        for step in sql_of(staged.finding):
            statement = with_databases(step.statement, lambda name: name if name in DATABASES else None)
            assert f"{statement};\n" in got


@pytest.mark.parametrize("text", TEXTS)
def test_cures_are_the_same_statements_whatever_a_cloud_holds(text):
    hold_cures(text)


@pytest.mark.exhaustive
@pytest.mark.parametrize("turn", range(0, len(TEXTS), 5))
def test_nothing_that_a_cloud_holds_is_more_than_text(turn, tmp_path):
    report = report_of(turn)
    night = runbook(report, PLAN)
    hold_reports(night, report, tmp_path)
    hold_runbook(night, report, tmp_path)

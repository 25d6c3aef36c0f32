"""``osupgrade inspect``: what a cloud is before any hop: its true revisions, what is its own, what will go wrong."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from osupgrade.cli.options import (
    DEFAULT_PATH,
    Json,
    MoreScenarios,
    SiteFile,
    all_scenarios,
    plan_from,
    site_from_option,
)
from osupgrade.cloud import Cloud
from osupgrade.dump.source import Dump, read_dumps
from osupgrade.engine.database import DatabaseServer, start_database
from osupgrade.engine.lab import Lab, connect
from osupgrade.engine.live import LiveServer
from osupgrade.errors import Exit, UsageFault
from osupgrade.images import ImageStore
from osupgrade.laboratory import choose_database, restore_dumps
from osupgrade.model import SEEDED, Finding, Severity
from osupgrade.report.json import plain
from osupgrade.report.terminal import findings_table
from osupgrade.result import StagedFinding, State
from osupgrade.scenario import Scenario
from osupgrade.schema.snapshot import read_with
from osupgrade.schema.survey import Survey, assign, missing_privileges, survey

SHOWN_TABLES = 5


@dataclass(frozen=True)
class Inspection:
    """One page about a cloud."""

    surveys: tuple[Survey, ...]
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Whether nobody has to do anything: what every cloud of the path needs is no finding."""
        return all(finding.severity is Severity.INFO for finding in self.findings)


def inspect(
    dumps: Annotated[list[Path] | None, typer.Argument(help="Dumps, or directories of them.")] = None,
    url: Annotated[
        str, typer.Option("--url", help="A live server instead: mysql://USER:PASSWORD@HOST/. Read-only.")
    ] = "",
    path: Annotated[str, typer.Option("--path", help="The upgrade path that is planned.")] = DEFAULT_PATH,
    site: SiteFile = None,
    more: MoreScenarios = None,
    out: Annotated[Path | None, typer.Option("--out", help="A directory that takes inspection.json.")] = None,
    as_json: Json = False,
) -> int:
    """Say of a dump or a live server what it really is, what is the operator's own, and what the upgrade would do.

    Exits 0 when there is nothing to do, 1 when there are findings.

    Example: `osupgrade inspect quantum.sql nova.sql.gz`
    """
    if bool(dumps) == bool(url):
        raise UsageFault("give dumps or --url, one of the two", hint="osupgrade inspect --help")
    console = Console(highlight=False, stderr=as_json)
    plan = plan_from(path)
    found: list[Finding] = []
    scenarios = [s for s in all_scenarios(more).scenarios.values() if s.path == plan.path.name]
    with _server(read_dumps(dumps) if dumps else (), url, path, found) as (server, databases):
        surveys, more_found = look(server, databases, site, scenarios)
        found += more_found
    page = Inspection(tuple(surveys), tuple(found))
    data = {"clean": page.clean, "surveys": [_facts(one) for one in surveys], "findings": plain(page.findings)}
    text = json.dumps(data, indent=2)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "inspection.json").write_text(text + "\n", "utf-8")
    if as_json:
        typer.echo(text)
    else:
        _show(page, console)
    return Exit.CAME_THROUGH if page.clean else Exit.DID_NOT


def look(
    server: DatabaseServer, databases: dict[str, str], site: Path | None, scenarios: Sequence[Scenario]
) -> tuple[list[Survey], list[Finding]]:
    """Survey every service's database and ask all preflights of the start; one that cannot be read spares the rest."""
    found: list[Finding] = []
    surveys = []

    def rows(sql: str, parameters: Sequence[object]) -> Sequence[Sequence[object]]:
        return server.rows("", sql, parameters)

    for service, database in databases.items():
        if lacking := missing_privileges(rows, database):
            message = f"the account lacks {', '.join(lacking)} on {database}: part of it is not seen"
            found.append(Finding("inspect", Severity.WARNING, service, database, message))
        try:
            surveys.append(survey(rows, service, database))
            found += surveys[-1].findings
        except UsageFault as fault:
            found.append(Finding("inspect", Severity.ERROR, service, database, fault.message, fault.evidence))
    cloud = Cloud(server, databases, site_from_option(site), "inspect")
    for scenario in scenarios:
        if cloud.has(scenario.services[0]):
            for stages, preflight in scenario.preflights:
                if SEEDED in stages:
                    found += preflight(cloud)
    return surveys, found


@contextlib.contextmanager
def _server(
    dumps: Sequence[Dump], url: str, path: str, found: list[Finding]
) -> Iterator[tuple[DatabaseServer, dict[str, str]]]:
    """The server to look at and which of its databases is which service's; what that tells goes to ``found``."""
    if url:
        live = LiveServer(url)
        names = [live.named] if live.named else list(live.databases())
        schemas = {name: read_with(lambda sql, p: live.rows("", sql, p), name) for name in names}
        chosen, told = assign(schemas)
        found += told
        if not chosen:
            raise UsageFault("there is no database of an OpenStack service there", hint="check the URL and the account")
        yield live, chosen
        return
    client = connect()
    plan = plan_from(path)
    quiet = Console(stderr=True, highlight=False)

    def say(text: str) -> None:
        quiet.print(text, style="dim", markup=False, soft_wrap=True)

    image = choose_database(client, plan, "auto", say)
    tag = ImageStore(client).ensure([image], lambda _progress: None)[image]
    with Lab(client) as lab, start_database(lab, tag, memory=False) as server:
        restored = restore_dumps(server, dumps, say)
        found += restored.findings
        yield server, dict(restored.databases)


def _facts(one: Survey) -> dict[str, object]:
    identity = one.study.identity
    return {
        "service": one.service,
        "database": one.database,
        "release": identity.revision.release,
        "revision": identity.revision.name,
        "claim": list(identity.claim),
        "customisations": [change.against("upstream") for change in one.study.customisations],
        "largest_tables": [{"table": t, "rows": rows, "bytes": size} for t, rows, size in one.sizes],
    }


def _show(page: Inspection, console: Console) -> None:
    if page.surveys:
        table = Table("service", "database", "release", "revision", "version table says", "largest tables", box=None)
        for one in page.surveys:
            identity = one.study.identity
            sizes = ", ".join(f"{t} {rows}" for t, rows, _ in one.sizes[:SHOWN_TABLES])
            claim = ", ".join(identity.claim) or "nothing"
            table.add_row(one.service, one.database, identity.revision.release, identity.revision.name, claim, sizes)
        console.print(table)
    told = [finding for finding in page.findings if finding.severity is not Severity.INFO]
    findings_table([StagedFinding(SEEDED, finding, State.STANDING) for finding in told], console)
    for finding in page.findings:
        if finding.severity is Severity.INFO:
            console.print(f"to know: {finding.service}: {finding.message}", markup=False, soft_wrap=True)
    if page.clean:
        console.print("nothing to do before the upgrade but what its path asks of every cloud")

"""What the runbook says around its steps: the head of the page, what to do before the night, and the way back. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from osupgrade.catalog.site import Site
from osupgrade.model.estimate import Estimate
from osupgrade.model.finding import Cure, Finding, Severity
from osupgrade.model.findings import settled
from osupgrade.model.plan import Plan
from osupgrade.model.quoting import client_input
from osupgrade.model.release import Release, Started
from osupgrade.model.report import Manifest, RunReport, StagedFinding, State, Strategy
from osupgrade.model.stage import SEEDED, Stage
from osupgrade.report.digest import cure_blocks, downtime, moved, phases

SQL = "$SQL"
OLD = "$OLD"
CLIENT = "mysql --defaults-file=$HOME/{file} --default-character-set=utf8mb4"


@dataclasses.dataclass(frozen=True)
class Treatment:
    """One cure, and the findings that need it; what it took (seconds) where the rehearsal applied it."""

    cure: Cure
    findings: tuple[Finding, ...]
    seconds: float | None

    @property
    def early(self) -> bool:
        """Whether it can be done in quiet days before, since nothing breaks without it."""
        return self.at == SEEDED and all(finding.severity is not Severity.ERROR for finding in self.findings)

    @property
    def at(self) -> Stage:
        """The stage at which it is done."""
        return self.cure.at or SEEDED

    @property
    def blocks(self) -> tuple[tuple[str, ...], ...]:
        """The lines of shell that do it, in blocks."""
        return tuple(
            tuple(client_input(SQL, database, text)) if database else tuple(text.splitlines())
            for database, text in cure_blocks(self.cure)
        )


@dataclasses.dataclass(frozen=True)
class Facts:
    """All that is not a step."""

    manifest: Manifest
    verdict: str
    good: bool
    next_command: str
    path: str
    first: Release
    last: Release
    services: tuple[str, ...]
    end: str
    alone: float
    """Seconds of all migrations one after the other; zero where none was run."""
    side_by_side: float
    estimate: Estimate | None
    moved: bool
    downtime: float | None
    databases: tuple[str, ...]
    """Of the last release."""
    settings: tuple[str, ...]
    """Lines of shell that set the names which the page uses."""
    without_cure: tuple[Finding, ...]
    strategy: Strategy | None
    early: tuple[Treatment, ...]
    between: tuple[Release, ...]
    """Releases whose services run before the end."""
    restore: tuple[str, ...]
    """Lines of shell that restore every database from its dump."""


def facts(report: RunReport, plan: Plan) -> Facts:
    """What the page says around its steps."""
    done = {step.step: step for step in report.result.steps} if report.result else {}
    chains = [sum(done[step].seconds for step in chain.steps if step in done) for chain in plan.chains]
    finish = done[plan.finish.name].seconds if plan.finish and plan.finish.name in done else 0.0
    found = settled(report.result.findings) if report.result else ()
    names = tuple(database.name for database in plan.databases(plan.first))
    return Facts(
        manifest=report.manifest,
        verdict=report.verdict,
        good=report.exit_status == 0,
        next_command=report.next_command,
        path=plan.path.name,
        first=plan.first,
        last=plan.last,
        services=plan.services,
        end=plan.end,
        alone=sum(chains) + finish,
        side_by_side=max(chains, default=0.0) + finish,
        estimate=report.estimate,
        moved=moved(report),
        downtime=downtime(report) if phases(report) else None,
        databases=tuple(database.name for database in plan.databases(plan.last)),
        settings=_settings(report, plan),
        without_cure=tuple(
            each.finding for each in found if each.state is State.UNRESOLVED and each.finding.cure is None
        ),
        strategy=report.strategy,
        early=tuple(treatment for treatment in treatments(report) if treatment.early),
        between=tuple(release for release in plan.releases[1:-1] if started(plan, release)),
        restore=(
            f"for d in {' '.join(names)}; do",
            f'  {SQL} -e "DROP DATABASE IF EXISTS $d" && zcat $BACKUP/$d.sql.gz | {SQL}',
            "done",
        ),
    )


def backup_at(release: Release) -> str:
    """Sets the directory for the dumps of a release, and makes it."""
    return f"BACKUP=/var/backups/{release.name}-$(date +%F); mkdir -p -m 700 $BACKUP"


def old_client() -> str:
    """The shell line that sets the client for the old server."""
    return f'{OLD[1:]}="{CLIENT.format(file=".old.cnf")}"'


def started(plan: Plan, release: Release) -> list[Started]:
    """What a release's services must have written before the next one."""
    return [each for s in plan.services if s in release.services for each in release.services[s].started]


def site_of(report: RunReport) -> dict[str, Any]:
    """What the templates of commands know of the site."""
    return {**dataclasses.asdict(Site()), **report.manifest.site}


def url_of(service: str) -> str:
    """The shell variable that holds a database's URL."""
    return f"{service.upper()}_URL"


def treatments(report: RunReport) -> tuple[Treatment, ...]:
    """Every cure once with the findings that need it, in the order in which they were made.

    A trap is foreseen early in one finding and found at its stage in another; both have the same steps. Then what was
    found and cured is shown.
    """
    wanted: dict[tuple[object, Stage], list[StagedFinding]] = {}
    for staged in report.result.findings if report.result else ():
        cure = staged.finding.cure
        if cure is not None:
            wanted.setdefault((cure.steps or cure.summary, cure.at or staged.stage), []).append(staged)
    return tuple(_treatment(at, together) for (_, at), together in wanted.items())


def _treatment(at: Stage, together: Sequence[StagedFinding]) -> Treatment:
    cured = [staged for staged in together if staged.state is State.CURED]
    findings = tuple(dict.fromkeys(staged.finding for staged in cured or together))
    cure = findings[0].cure
    assert cure is not None
    seconds = sum(staged.cured_in for staged in cured) if cured else None
    return Treatment(dataclasses.replace(cure, at=at), findings, seconds)


def _settings(report: RunReport, plan: Plan) -> tuple[str, ...]:
    lines = [backup_at(plan.first), f'{SQL[1:]}="{CLIENT.format(file=".my.cnf")}"']
    if moved(report):
        lines.append(f"{old_client()}  # the old controller's server; $SQL is the new one's")
    for move in plan.moves:
        service, release = move.service, plan.release(move.release)
        name = release.services[service].databases[0].name
        url = f"{release.driver}://{service}:PASSWORD@DATABASE-HOST/{name}?charset=utf8"
        lines.append(f"{url_of(service)}='{url}'")
    return tuple(lines)

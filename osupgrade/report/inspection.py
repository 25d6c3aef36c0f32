"""The page that ``osupgrade inspect`` shows: what is there, what is yours and what the path does to it, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from osupgrade.model.finding import Cure, Evidence, Fate, Finding, Severity
from osupgrade.model.findings import settled
from osupgrade.model.report import StagedFinding, State
from osupgrade.model.stage import SEEDED
from osupgrade.model.text import size
from osupgrade.rehearsal.inspection import Database, Inspection, Own, Size
from osupgrade.report.digest import cure_blocks, where
from osupgrade.report.terminal import SEVERITIES, print_table

SHOWN_TABLES = 3
SHOWN_ROWS = 2
SHOWN_STEPS = 3
_USUAL = ({"utf8"}, {"InnoDB"})
_FATES = {
    Fate.IN_THE_WAY: "bold red",
    Fate.CONFLICT: "bold red",
    Fate.LOST: "yellow",
    Fate.ALTERED: "yellow",
    Fate.UPSTREAM: "green",
    Fate.KEPT: "green",
}


def show(page: Inspection, last: str, next_command: str, console: Console) -> None:
    """Print the page; ``last`` is the release at which the path ends."""
    if page.databases:
        _head("What is there", console)
        print_table(_databases(page.databases), console)
    if page.own:
        _head(f"What is yours, and what the way to {last} does to it", console)
        print_table(_own(page.own), console)
    elif any(one.catalogued for one in page.databases):
        console.print(Text("\nNothing in the schemas is your own.", "green"))
    elif page.databases:
        console.print("\nThe catalogue of schemas does not know these releases: what in them is your own is not told.")
    shown = [f for f in page.findings if not _told(f, page.own)]
    bad = [f for f in shown if f.severity is not Severity.INFO]
    if bad:
        _head("What stands in the way, and what to do", console)
        print_table(_findings(bad), console)
    notes = [f for f in shown if f.severity is Severity.INFO]
    if notes:
        _head("To know", console)
        for note in notes:
            service = f"{note.service}: " if note.service else ""
            console.print(Text(f"  {service}{note.message}"), soft_wrap=True)
    console.print()
    console.print(Text(_verdict(page), "bold green" if page.clean else "bold red"), soft_wrap=True)
    console.print(Text.assemble(("next  ", "dim"), (next_command, "bold")), soft_wrap=True)


def _verdict(page: Inspection) -> str:
    if page.clean:
        return "Nothing to do before the upgrade but what its path asks of every cloud."
    counts = []
    for severity in (Severity.ERROR, Severity.WARNING):
        count = sum(finding.severity is severity for finding in page.findings)
        counts += [f"{count} {severity.value}{'s' if count > 1 else ''}"] if count else []
    stops = sum(own.fate is Fate.IN_THE_WAY for own in page.own)
    more = f"; {stops} of your {len(page.own)} changes stop{'s' if stops == 1 else ''} it" if stops else ""
    return (
        f"Not ready for the upgrade: {', '.join(counts)}{more}."
        if _blocked(page)
        else (f"Look at this before the upgrade: {', '.join(counts)}.")
    )


def _blocked(page: Inspection) -> bool:
    return any(finding.severity is Severity.ERROR for finding in page.findings)


def _findings(findings: Iterable[Finding]) -> Table:
    """Each finding in the full width: what, what follows, the rows that prove it, and how to cure it by hand."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    staged = settled(StagedFinding(SEEDED, finding, State.STANDING) for finding in findings)
    for number, finding in enumerate(found.finding for found in staged):
        if number:
            table.add_row()
        text = Text.assemble((f"{where(finding).rstrip('.')}: ", "bold"), finding.message)
        if finding.consequence:
            text.append(f"\n{finding.consequence}", "dim")
        if finding.evidence.rows:
            text.append(f"\nproof: {_proof(finding.evidence)}", "dim")
        if finding.cure:
            text.append(f"\ncure: {finding.cure.summary}")
            text.append("".join(f"\n  {line}" for line in _by_hand(finding.cure)), "cyan")
        if finding.command:
            text.append(f"\ntry: {finding.command}")
        table.add_row(Text(finding.severity.value, SEVERITIES[finding.severity]), text)
    return table


def _proof(evidence: Evidence) -> str:
    """The first rows in one line, and how many there are."""
    rows = [", ".join(_short(cell, 40) for cell in row) for row in evidence.rows[:SHOWN_ROWS]]
    more = f" … {evidence.total} in all" if evidence.total > len(rows) else ""
    return f"({', '.join(evidence.columns)}) = {'; '.join(rows)}{more}"


def _by_hand(cure: Cure) -> list[str]:
    """A cure's first statements or commands, each cut to a line or two."""
    lines = [
        f"{service}> {statement}" if service else f"$ {statement}"
        for service, text in cure_blocks(cure)
        for statement in text.splitlines()
    ]
    shown = [_short(line, 150) for line in lines[:SHOWN_STEPS]]
    left = len(lines) - len(shown)
    return [*shown, f"… {left} more, all of them with --json"] if left else shown


def _short(text: str, most: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"


def _told(finding: Finding, own: Iterable[Own]) -> bool:
    """Whether the table of what is yours says it already."""
    if finding.source not in ("schema", "prediction"):
        return False
    return any(one.service == finding.service and one.place == finding.place for one in own)


def _head(text: str, console: Console) -> None:
    console.print()
    console.print(Text(text, "bold"))


def _databases(databases: Iterable[Database]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("service", "is really at", "it says", "tables", "size"):
        table.add_column(name, no_wrap=name != "it says", justify="right" if name == "size" else "left")
    table.add_column("largest tables, rows (about)", overflow="fold", ratio=1)
    for one in databases:
        name = one.service if one.database == one.service else f"{one.service} ({one.database})"
        says = ", ".join(one.claim) or "nothing"
        odd = _odd(one)
        table.add_row(
            Text(name, "bold"),
            f"{one.release} {_revision(one)}",
            Text(says, "" if one.honest else "bold red"),
            Text.assemble(str(one.tables), (f", {odd}" if odd else "", "yellow")),
            size(one.bytes),
            ", ".join(f"{t.table} {t.rows:,}".replace(",", "\N{NARROW NO-BREAK SPACE}") for t in _large(one)),
        )
    return table


def _revision(one: Database) -> str:
    return "" if one.revision == one.release else one.revision


def _large(one: Database) -> list[Size]:
    return [table for table in one.largest if table.rows][:SHOWN_TABLES]


def _odd(one: Database) -> str:
    """Character sets and engines beside the usual ones: ``24 latin1, 2 MyISAM``."""
    counted: list[Mapping[str, int]] = [one.charsets, one.engines]
    return ", ".join(
        f"{count} {name}"
        for usual, names in zip(_USUAL, counted, strict=True)
        for name, count in names.items()
        if name not in usual
    )


def _own(entries: Iterable[Own]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("service", no_wrap=True)
    table.add_column("what", overflow="fold", ratio=3)
    table.add_column("what becomes of it", overflow="fold", ratio=2)
    order = list(_FATES)
    for one in sorted(entries, key=lambda own: (order.index(own.fate), own.service, own.place)):
        at = f" in {one.revision} ({one.release})" if one.revision else ""
        why = "" if one.fate is Fate.KEPT else f": {one.why}"
        fate = "stays so" if one.fate is Fate.KEPT else one.fate.value
        table.add_row(one.service, one.difference, Text.assemble((f"{fate}{at}", _FATES[one.fate]), why))
    return table

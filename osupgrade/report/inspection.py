"""The page that ``osupgrade inspect`` shows: what is there, what is yours and what the path does to it, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from osupgrade.model.finding import Cure, Evidence, Fate, Finding, Severity
from osupgrade.model.findings import settled
from osupgrade.model.quoting import one_line, visible
from osupgrade.model.report import StagedFinding, State
from osupgrade.model.stage import SEEDED
from osupgrade.model.text import counted, size
from osupgrade.rehearsal.inspect.model import Database, Inspection, Own, Size
from osupgrade.report.digest import cure_blocks, where
from osupgrade.report.terminal.console import SEVERITIES, print_table, shown
from osupgrade.report.terminal.console import table as empty_table

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
        _head(f"Local changes, and what the upgrade to {last} does to them", console)
        print_table(_own(page.own), console)
    elif any(one.catalogued for one in page.databases):
        console.print(Text("\nThe schemas hold no local changes.", "green"))
    elif page.databases:
        console.print(
            "\nThe schema catalogue does not know these releases, so local changes cannot be detected in them."
        )
    findings = _beside(page)
    bad = [f for f in findings if f.severity is not Severity.INFO]
    if bad:
        _head("Problems, and what to do about them", console)
        print_table(_findings(bad), console)
    notes = [f for f in findings if f.severity is Severity.INFO]
    if notes:
        _head("Notes", console)
        for note in notes:
            service = f"{note.service}: " if note.service else ""
            console.print(shown(one_line(f"  {service}{note.message}")), soft_wrap=True)
    console.print()
    console.print(shown(_verdict(page), "bold green" if page.clean else "bold red"), soft_wrap=True)
    console.print(Text.assemble(("next  ", "dim"), (visible(next_command), "bold")), soft_wrap=True)


def _verdict(page: Inspection) -> str:
    if page.clean:
        return "No action needed before the upgrade beyond the standard steps of this path."
    listed = settled(StagedFinding(SEEDED, finding, State.UNRESOLVED) for finding in _beside(page))
    counts = [
        _some(sum(found.finding.severity is severity for found in listed), severity.value)
        for severity in (Severity.ERROR, Severity.WARNING)
    ]
    counts.append(_local(page))
    said = "Not ready for the upgrade" if _blocked(page) else "Check this before the upgrade"
    return f"{said}: {', '.join(filter(None, counts))}."


def _local(page: Inspection) -> str:
    """How many local changes there are to look at, and how many stop the upgrade; they have a table of their own."""
    noted = [f for f in page.findings if f.severity is not Severity.INFO and _in_table(f, page.own)]
    worth = len({(finding.service, finding.place) for finding in noted})
    stops = sum(own.fate is Fate.IN_THE_WAY for own in page.own)
    if stops == worth:
        stopping = counted(stops, " that stop[s|] the upgrade")
    else:
        stopping = counted(stops, " ({n} of them stop[s|] the upgrade)") if stops else ""
    return f"{_some(worth, 'local change')}{stopping}" if worth else ""


def _some(number: int, what: str) -> str:
    return counted(number, f"{{n}} {what}[s]") if number else ""


def _beside(page: Inspection) -> list[Finding]:
    """The findings that the table of local changes does not say already."""
    return [finding for finding in page.findings if not _in_table(finding, page.own)]


def _blocked(page: Inspection) -> bool:
    return any(finding.severity is Severity.ERROR for finding in page.findings)


def _findings(findings: Iterable[Finding]) -> Table:
    """Each finding in the full width: what, what follows, the rows that prove it, and how to cure it by hand."""
    table = empty_table(header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    staged = settled(StagedFinding(SEEDED, finding, State.UNRESOLVED) for finding in findings)
    for number, finding in enumerate(found.finding for found in staged):
        if number:
            table.add_row()
        text = Text.assemble((one_line(f"{where(finding).rstrip('.')}: "), "bold"), one_line(finding.message))
        if finding.consequence:
            text.append(f"\n{one_line(finding.consequence)}", "dim")
        if finding.evidence.rows:
            text.append(f"\nproof: {_proof(finding.evidence)}", "dim")
        if finding.cure:
            text.append(f"\ncure: {one_line(finding.cure.summary)}")
            text.append("".join(f"\n  {line}" for line in _by_hand(finding.cure)), "cyan")
        if finding.command:
            text.append(f"\ntry: {one_line(finding.command)}")
        table.add_row(Text(finding.severity.value, SEVERITIES[finding.severity]), text)
    return table


def _proof(evidence: Evidence) -> str:
    """The first rows in one line, and how many there are."""
    rows = [", ".join(_short(cell, 40) for cell in row) for row in evidence.rows[:SHOWN_ROWS]]
    more = f" … {evidence.total} in all" if evidence.total > len(rows) else ""
    return one_line(f"({', '.join(evidence.columns)}) = {'; '.join(rows)}{more}")


def _by_hand(cure: Cure) -> list[str]:
    """A cure's first statements or commands, each cut to a line or two."""
    lines = [
        f"{service}> {statement}" if service else f"$ {statement}"
        for service, text in cure_blocks(cure)
        for statement in text.split("\n")
    ]
    first = [_short(line, 150) for line in lines[:SHOWN_STEPS]]
    left = len(lines) - len(first)
    return [*first, f"… {left} more, all of them with --json"] if left else first


def _short(text: str, most: int) -> str:
    flat = one_line(text)
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"


def _in_table(finding: Finding, own: Iterable[Own]) -> bool:
    """Whether the table of local changes says it already."""
    if finding.source not in ("schema", "prediction"):
        return False
    return any(one.service == finding.service and one.place == finding.place for one in own)


def _head(text: str, console: Console) -> None:
    console.print()
    console.print(Text(text, "bold"))


def _databases(databases: Iterable[Database]) -> Table:
    table = empty_table()
    for name in ("service", "release, by its schema", "version table", "tables", "size"):
        table.add_column(name, no_wrap=name != "version table", justify="right" if name == "size" else "left")
    table.add_column("largest tables, rows (about)", overflow="fold", ratio=1)
    for one in databases:
        name = one.service if one.database == one.service else f"{one.service} ({one.database})"
        says = one_line(", ".join(one.claim)) or "nothing"
        odd = _odd(one)
        table.add_row(
            shown(name, "bold"),
            f"{one.release} {_revision(one)}",
            Text(says, "" if one.honest else "bold red"),
            Text.assemble(str(one.tables), (f", {odd}" if odd else "", "yellow")),
            size(one.bytes),
            one_line(", ".join(f"{t.table} {t.rows:,}".replace(",", "\N{NARROW NO-BREAK SPACE}") for t in _large(one))),
        )
    return table


def _revision(one: Database) -> str:
    return "" if one.revision == one.release else one.revision


def _large(one: Database) -> list[Size]:
    return [table for table in one.largest if table.rows][:SHOWN_TABLES]


def _odd(one: Database) -> str:
    """Character sets and engines beside the usual ones: ``24 latin1, 2 MyISAM``."""
    kinds: list[Mapping[str, int]] = [one.charsets, one.engines]
    return ", ".join(
        f"{count} {name}"
        for usual, names in zip(_USUAL, kinds, strict=True)
        for name, count in names.items()
        if name not in usual
    )


def _own(entries: Iterable[Own]) -> Table:
    table = empty_table()
    table.add_column("service", no_wrap=True)
    table.add_column("change", overflow="fold", ratio=3)
    table.add_column("what becomes of it", overflow="fold", ratio=2)
    order = list(_FATES)
    for one in sorted(entries, key=lambda own: (order.index(own.fate), own.service, own.place)):
        at = f" in {one.revision} ({one.release})" if one.revision else ""
        why = "" if one.fate is Fate.KEPT else f": {one.why}"
        fate = "unchanged" if one.fate is Fate.KEPT else one.fate.value
        table.add_row(
            shown(one.service),
            shown(one_line(one.difference)),
            Text.assemble((f"{fate}{at}", _FATES[one.fate]), one_line(why)),
        )
    return table

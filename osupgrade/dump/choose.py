"""Which of the dumps that were given are restored: of several nights the newest whole one, and why not the others."""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from osupgrade.catalog.identity import service_of
from osupgrade.catalog.survey import Survey
from osupgrade.dump.find import KEYS_OFF, find_dumps
from osupgrade.dump.holdings import Holding, is_system
from osupgrade.dump.problems import SCHEMA_ONLY, refusal
from osupgrade.dump.read import Dump, Reading, read_dump
from osupgrade.dump.remembered import read_remembered
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Finding, Severity

_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%a %b %d %H:%M:%S %Y")
APART = datetime.timedelta(hours=12)
"""Dumps further apart than this are of different nights."""


@dataclass(frozen=True)
class Chosen:
    """The dumps to restore, what there is to say of the others, and the faults of those that nothing replaces."""

    dumps: tuple[Dump, ...]
    findings: tuple[Finding, ...] = ()
    refused: tuple[tuple[Path, UsageFault], ...] = ()


def read_dumps(paths: Sequence[Path], progress: Reading | None = None, *, insist: bool = False) -> tuple[Dump, ...]:
    """Read and choose the dumps behind ``paths``; what there is to say of the others is found with the first.

    Raises UsageFault with the first dump that cannot be restored and that no other replaces; see
    :func:`~osupgrade.dump.read.read_dump` for ``insist``.
    """
    chosen = choose_dumps(paths, progress, insist=insist)
    if chosen.refused:
        raise chosen.refused[0][1]
    first, *others = chosen.dumps
    return (replace(first, findings=(*first.findings, *chosen.findings)), *others)


def choose_dumps(paths: Sequence[Path], progress: Reading | None = None, *, insist: bool = False) -> Chosen:
    """Read the dumps behind ``paths``, each once, and choose among them; raises UsageFault when nothing is left."""
    found = find_dumps(paths, progress)
    given = {path for path in paths if not path.is_dir()}
    read: list[Dump] = []
    faults: list[tuple[Path, UsageFault]] = []
    for path, parts in found:
        try:
            read.append(read_remembered(path, parts, progress))
        except UsageFault as fault:
            faults.append((path, fault))
    read = _together(_joined(read, progress), progress)
    whole = [dump for dump in read if dump.whole or insist]
    broken = [dump for dump in read if not (dump.whole or insist)]
    if not whole:
        raise _fault_of(broken[0]) if broken else faults[0][1]
    dumps, older = _newest(whole)
    services = {holding.service for holding in _holdings(dumps)}
    findings, refused = list(older), []
    for path, why in (*faults, *((dump.path, _fault_of(dump)) for dump in broken)):
        its = {holding.service for dump in broken if dump.path == path for holding in _holdings([dump])}
        if (its and its <= services) or (not its and (path not in given or _is_empty(path))):
            instead = f", {_called(dumps, its)} is restored" if its else ""
            name = _apart_from(path, [other for other, _ in found])
            told = f"{name}{why.message.removeprefix(path.name)}" if why.message.startswith(path.name) else why.message
            words = f"{told}: left out{instead}"
            findings.append(Finding("dump", Severity.WARNING, "", path.name, words, why.evidence))
        else:
            refused.append((path, why))
    if older:
        findings += _apart(dumps)
    return Chosen(tuple(dumps), tuple(findings), tuple(refused))


def version_of_server(dumps: Sequence[Dump], survey: Survey | None) -> str:
    """What the operator's database server calls itself, by the survey or else by the dumps; empty where none says."""
    if survey:
        return survey.variables["version"]
    return next((dump.server_version for dump in dumps if dump.server_version), "")


def _fault_of(dump: Dump) -> UsageFault:
    return refusal(next(finding for finding in dump.findings if finding.severity is Severity.ERROR))


def _apart_from(path: Path, others: Iterable[Path]) -> str:
    """A file's name, with the directories that tell it from others of that name: one for each night, perhaps."""
    alike = [other for other in others if other.name == path.name and other != path]
    parts = path.parts
    for length in range(1, len(parts)):
        if all(other.parts[-length:] != parts[-length:] for other in alike):
            return "/".join(parts[-length:])
    return str(path)


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except OSError:
        return False


def _called(dumps: Sequence[Dump], services: set[str]) -> str:
    return " and ".join(dict.fromkeys(held.dump.name for held in _holdings(dumps) if held.service in services))


def _holdings(dumps: Sequence[Dump]) -> Iterator[Holding]:
    for dump in dumps:
        for section in dump.sections:
            service = "" if is_system(section) else service_of(section)
            if service:
                yield Holding(service, dump, section)


def _joined(dumps: Sequence[Dump], progress: Reading | None) -> list[Dump]:
    """The dumps, with a file of rows alone put behind the file that has the tables of the same database."""
    left = list(dumps)
    for rows in dumps:
        if any(section.tables for section in rows.sections) or rows.whole:
            continue
        tables = [
            dump
            for dump in left
            if dump.whole
            and dump.database == rows.database
            and any(f.consequence == SCHEMA_ONLY for f in dump.findings)
        ]
        if len(tables) == 1:
            both = read_dump(tables[0].path, (*tables[0].parts, *rows.parts), progress, insist=True)
            left[left.index(tables[0])] = both
            left.remove(rows)
    return left


def _together(dumps: Sequence[Dump], progress: Reading | None) -> list[Dump]:
    """The dumps, with those that hold the tables of one database each in a file of its own as one."""
    groups: dict[tuple[Path, str], list[Dump]] = {}
    for dump in dumps:
        if dump.database and len(dump.sections) == 1 and not dump.sections[0].named:
            groups.setdefault((dump.path.parent, dump.database), []).append(dump)
    left = list(dumps)
    for several in groups.values():
        tables = [table for dump in several for table in dump.sections[0].tables]
        if len(several) > 1 and len(set(tables)) == len(tables):
            for dump in several:
                if not dump.whole:  # what it lacks, no other file has
                    raise _fault_of(dump)
            parts = tuple(replace(part, before=KEYS_OFF) for dump in several for part in dump.parts)
            one = read_dump(several[0].path.parent, parts, progress)
            left[left.index(several[0])] = one
            left = [dump for dump in left if dump not in several]
    return left


def _newest(dumps: Sequence[Dump]) -> tuple[list[Dump], list[Finding]]:
    """The dumps without what a newer one of the same database has, and a finding for each database left out."""
    claims: dict[str, list[Holding]] = {}
    for holding in _holdings(dumps):
        claims.setdefault(holding.service, []).append(holding)
    gone: set[tuple[Path, str]] = set()
    findings = []
    for service, several in claims.items():
        files = {holding.dump.path for holding in several}
        if len(files) < 2 or len(files) < len(several) or len({_database(holding) for holding in several}) > 1:
            continue
        order = _order([holding.dump for holding in several])
        newest = max(several, key=lambda holding: order[holding.dump.path])
        for holding in several:
            if holding is not newest:
                gone.add((holding.dump.path, holding.section.name))
                name, other = (_apart_from(one.dump.path, files) for one in (holding, newest))
                words = f"{name} is an older dump of {service} than {other}: left out"
                findings.append(Finding("dump", Severity.INFO, service, holding.dump.name, words))
    kept = []
    for dump in dumps:
        sections = tuple(section for section in dump.sections if (dump.path, section.name) not in gone)
        if len(sections) == len(dump.sections):
            kept.append(dump)
        elif any(not is_system(section) and service_of(section) for section in sections):
            kept.append(replace(dump, sections=sections))
    return kept, findings


def _database(holding: Holding) -> str:
    """What is common to the nightly dumps of one database: its name, or the file's without what changes."""
    return holding.section.name or re.sub(r"[\d_.:-]+", "", holding.dump.path.name.partition(".")[0])


def _order(dumps: Sequence[Dump]) -> Mapping[Path, tuple[object, ...]]:
    """By what dumps are ordered in time: their own dates where all have one, those in their names, their files'."""
    dates = {dump.path: _date(dump) for dump in dumps}
    digits = {dump.path: re.sub(r"\D", "", dump.path.name) for dump in dumps}
    some = [all(dates.values()), all(digits.values())]
    return {
        dump.path: (
            dates[dump.path] if some[0] else 0,
            digits[dump.path].ljust(20, "0") if some[1] else "",
            _modified(dump.path),
        )
        for dump in dumps
    }


def _date(dump: Dump) -> datetime.datetime | None:
    for each in _FORMATS:
        with contextlib.suppress(ValueError):
            return datetime.datetime.strptime(" ".join(dump.date.split()), each)
    return None


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _apart(dumps: Sequence[Dump]) -> Iterator[Finding]:
    """A finding when the dumps that are left are of different nights."""
    dates = {dump.name: date for dump in dumps if (date := _date(dump))}
    if dates and max(dates.values()) - min(dates.values()) > APART:
        listed = ", ".join(f"{name} of {date}" for name, date in sorted(dates.items(), key=lambda item: item[1]))
        yield Finding(
            "dump",
            Severity.WARNING,
            "",
            "",
            f"the newest complete dumps are from different nights: {listed}",
            "services that refer to each other may be inconsistent; take all dumps at the same time",
        )

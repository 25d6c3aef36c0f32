"""Joining what shards found out into one report. Pure but for the paths of their evidence."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from osupgrade.history.rundir import UNFINISHED
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.report import Manifest, Part, RunReport
from osupgrade.model.text import counted
from osupgrade.report.json import read_json

_ORDER = (Exit.CAME_THROUGH, Exit.MISSING, Exit.DID_NOT, Exit.USAGE, Exit.LAB_FAULT, Exit.INTERRUPTED)


def worst(statuses: Iterable[int]) -> int:
    """The worst of some exit statuses: what did not come through weighs more than what could not be run."""
    return max(statuses, key=_ORDER.index, default=Exit.CAME_THROUGH)


def nightly_report(
    parts: Sequence[Part],
    matrix: Sequence[str],
    manifest: Manifest,
    seconds: float,
    where: str,
    notes: Sequence[str] = (),
) -> RunReport:
    """The report of a nightly, or of one of its shards, made of its parts; ``where`` is its directory."""
    status = worst(part.exit_status for part in parts)
    return RunReport(
        kind="nightly",
        manifest=manifest,
        exit_status=status,
        verdict=_verdict(parts),
        next_command=_next(parts, where),
        seconds=seconds,
        invariants={name: title for part in parts if part.report for name, title in part.report.invariants.items()},
        notes=tuple(notes),
        parts=tuple(parts),
        matrix=tuple(matrix),
    )


def join(reports: Mapping[Path, RunReport], where: Path, manifest: Manifest) -> RunReport:
    """One report of several by the directories in which they lie; the new one will lie in ``where``.

    Scenarios of one path on one database that shards shared become one part again. What no shard ran is reported,
    and so is what two ran: then they did not split the same matrix.
    """
    parts = [part for directory, report in reports.items() for part in _parts(report, directory, where)]
    matrix = tuple(dict.fromkeys(unit for report in reports.values() for unit in report.matrix))
    ran = Counter(unit for part in parts for unit in part.units)
    missing = tuple(unit for unit in matrix if not ran[unit])
    twice = [unit for unit, times in ran.items() if times > 1]
    notes = list(dict.fromkeys(note for report in reports.values() for note in report.notes))
    if twice:
        notes.append(
            counted(
                len(twice),
                "{n} unit[s] [was|were] run twice, such as {unit}: the shards did not split the same matrix",
                unit=twice[0],
            )
        )
    joined = _together(parts)
    if missing:
        joined.append(Part("not run by any shard", missing, Exit.MISSING, None, _list(missing)))
    # Shards run side by side: the longest says how long the nightly took.
    seconds = max((report.seconds for report in reports.values()), default=0.0)
    return nightly_report(joined, matrix, manifest, seconds, str(where), notes)


def read_shards(directories: Iterable[Path]) -> Mapping[Path, RunReport]:
    """The reports that lie in some directories or one level below them; raises UsageFault when there is none."""
    found = {}
    for directory in directories:
        if not directory.is_dir():
            raise UsageFault(f"{directory} is not a directory", hint="osupgrade report --join DIR DIR …")
        for path in (directory, *sorted(p for p in directory.iterdir() if p.is_dir() and not p.is_symlink())):
            if (path / "report.json").is_file() and not (path / UNFINISHED).exists():
                found[path] = read_json(path / "report.json")
    if not found:
        raise UsageFault("there is no finished run in those directories", hint="osupgrade report --join DIR DIR …")
    return found


def merged_manifest(base: Manifest, reports: Iterable[RunReport]) -> Manifest:
    """What all of some runs were made of together; ``base`` says by which command and when."""
    manifests = [report.manifest for report in reports]
    return dataclasses.replace(
        base,
        database=_each_once(m.database for m in manifests),
        images={name: image for m in manifests for name, image in m.images.items()},
        commits={name: commit for m in manifests for name, commit in m.commits.items()},
        cloud=_each_once(m.cloud for m in manifests),
    )


def _each_once(lists: Iterable[str]) -> str:
    """Lists with commas as one; a shard's manifest is merged already."""
    return ", ".join(dict.fromkeys(name for names in lists for name in names.split(", ") if name))


def _parts(report: RunReport, directory: Path, where: Path) -> Iterable[Part]:
    here = os.path.relpath(directory, where)
    if not report.parts:
        name = f"{report.kind} {report.manifest.started}"
        yield Part(name, (), report.exit_status, report, directory=here)
    for part in report.parts:
        yield dataclasses.replace(part, directory=f"{here}/{part.directory}" if part.directory else "")


def _together(parts: Iterable[Part]) -> list[Part]:
    """The scenarios of a path on a database that several shards ran become one part; whole rehearsals stay."""
    named: dict[str, list[Part]] = {}
    for number, part in enumerate(parts):
        whole = part.report is not None and part.report.result is not None
        named.setdefault(f"{part.name} {number}" if whole else part.name, []).append(part)
    return [_one(same) if len(same) > 1 else same[0] for same in named.values()]


def _one(same: Sequence[Part]) -> Part:
    reports = [part.report for part in same if part.report]
    scenarios = tuple(scenario for report in reports for scenario in report.scenarios)
    passed = sum(scenario.passed for scenario in scenarios)
    merged = (
        dataclasses.replace(
            reports[0],
            exit_status=worst(report.exit_status for report in reports),
            verdict=counted(
                passed, "{n} of {all} scenarios failed as expected and [was|were] cured", all=len(scenarios)
            ),
            seconds=sum(report.seconds for report in reports),
            scenarios=scenarios,
            notes=tuple(dict.fromkeys(note for report in reports for note in report.notes)),
        )
        if reports
        else None
    )
    return Part(
        name=same[0].name,
        units=tuple(unit for part in same for unit in part.units),
        exit_status=worst(part.exit_status for part in same),
        report=merged,
        problem="; ".join(dict.fromkeys(part.problem for part in same if part.problem)),
        directory=same[0].directory,
    )


def _verdict(parts: Sequence[Part]) -> str:
    good = sum(part.exit_status == Exit.CAME_THROUGH for part in parts)
    absent = sum(part.exit_status == Exit.MISSING for part in parts)
    text = counted(len(parts), "{good} of {n} part[s] of the nightly succeeded", good=good)
    return counted(absent, "{text}, {n} [was|were] not run", text=text) if absent else text


def _next(parts: Sequence[Part], where: str) -> str:
    for part in parts:
        if part.exit_status not in (Exit.CAME_THROUGH, Exit.MISSING) and part.report:
            return part.report.next_command
    return f"open {where}/report.html"


def _list(units: Sequence[str], most: int = 5) -> str:
    more = f" and {len(units) - most} more" if len(units) > most else ""
    return ", ".join(units[:most]) + more

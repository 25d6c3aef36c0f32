"""Judging a run at its end: what the cloud holds then, and what each phase reports."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.fingerprint import fingerprint, volume
from osupgrade.model.estimate import Estimate
from osupgrade.model.report import ApiCall, LaneResult, SchemaVerdict, Strategy
from osupgrade.rehearsal.phases import Ended
from osupgrade.rehearsal.prepare import Prepared
from osupgrade.rehearsal.runner import Ran

_T = TypeVar("_T")


@dataclass(frozen=True)
class Judged:
    """Everything that was found out about a rehearsal. ``result`` has the findings of all phases."""

    result: LaneResult
    cloud: Cloud
    schemas: tuple[SchemaVerdict, ...]
    calls: tuple[ApiCall, ...]
    strategy: Strategy | None
    estimate: Estimate | None
    rows: Mapping[str, Mapping[str, int]]
    sizes: Mapping[str, Mapping[str, int]]
    hashes: Mapping[str, Mapping[str, str]]
    contents: Mapping[str, str]


def judge(prepared: Prepared, ran: Ran) -> Judged:
    """Measure the cloud as it came out, and ask each phase; raises Fault for what is not the cloud's doing."""
    after = volume(ran.cloud)
    prints = fingerprint(ran.cloud, sum(after.bytes.values()), prepared.task.plan.releases, prepared.since)
    ended = Ended(ran.result, ran.cloud, after, prints)
    results = [phase.after(ended) for phase in prepared.phases]
    before, unscaled = prepared.before, prepared.brought.unscaled
    findings = tuple(finding for result in results for finding in result.findings)
    return Judged(
        result=dataclasses.replace(ran.result, findings=(*ran.result.findings, *findings)),
        cloud=ran.cloud,
        schemas=tuple(verdict for result in results for verdict in result.schemas),
        calls=tuple(call for result in results for call in result.calls),
        strategy=_only([result.strategy for result in results]),
        estimate=_only([result.estimate for result in results]),
        rows=side_by_side(unscaled=unscaled, seeded=before.rows, verify=after.rows),
        sizes=side_by_side(seeded=before.bytes, verify=after.bytes),
        hashes=prints.hashes,
        contents=prints.contents,
    )


def side_by_side(**stages: Mapping[str, int]) -> Mapping[str, Mapping[str, int]]:
    """Measurements as the report shows them: by table, then by stage."""
    tables = sorted({table for rows in stages.values() for table in rows})
    return {table: {stage: rows[table] for stage, rows in stages.items() if table in rows} for table in tables}


def _only(parts: Iterable[_T | None]) -> _T | None:
    """The part of the report that one phase has made."""
    return next((part for part in parts if part is not None), None)

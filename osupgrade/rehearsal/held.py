"""What a cloud held at one moment, for comparing a copy of it, or itself, with later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.fingerprint import Fingerprint, differences, fingerprint, volume
from osupgrade.model.finding import Evidence, Finding, Severity


@dataclass(frozen=True)
class Held:
    """What a cloud held before it was touched, for comparing with later."""

    cloud: Cloud
    size: int
    rows: Mapping[str, int]
    prints: Fingerprint

    @classmethod
    def now(cls, cloud: Cloud) -> Held:
        """What it holds now."""
        held = volume(cloud)
        size = sum(held.bytes.values())
        return cls(cloud, size, held.rows, fingerprint(cloud, size))

    def compared(self, cloud: Cloud, says: str, source: str) -> tuple[Finding, ...]:
        """How ``cloud`` differs, as findings of ``source``; ``says`` has ``{}`` for what does."""
        now = fingerprint(cloud, self.size)
        found = list(differences(self.prints, now, source, f"the databases {says}"))
        if not now.contents:
            rows = cloud.row_counts()
            other: list[tuple[object, ...]] = [
                (table, self.rows.get(table), rows.get(table))
                for table in sorted(self.rows.keys() | rows.keys())
                if self.rows.get(table) != rows.get(table)
            ]
            if other:
                evidence = Evidence.of(("table", "then", "now"), other)
                message = f"the databases {says.format('number of rows')}"
                found.append(Finding(source, Severity.ERROR, "databases", "rows", message, evidence=evidence))
        return tuple(found)

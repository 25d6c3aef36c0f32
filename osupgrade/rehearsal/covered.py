"""Whether two findings say the same, one of them with a cure."""

from __future__ import annotations

from collections.abc import Iterable

from osupgrade.model.finding import Finding, Severity


def covered(finding: Finding, others: Iterable[Finding]) -> bool:
    """Whether a scenario's finding says the same of the same thing, with a cure besides."""
    if finding.severity is not Severity.ERROR and not finding.evidence.rows:
        return False
    names = {row[0] for row in finding.evidence.rows} or {finding.place.rpartition(".")[2]}
    return any(
        other.service == finding.service and other.severity is Severity.ERROR and names <= _words(other)
        for other in others
    )


def _words(finding: Finding) -> set[str]:
    texts = [finding.message, *finding.place.split("."), *(cell for row in finding.evidence.rows for cell in row)]
    return {word.strip("`'\",;:()") for text in texts for word in text.split()}

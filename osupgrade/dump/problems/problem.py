"""What a rule reports about a dump."""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_ONLY = "only the schema is rehearsed"
"""What follows of a dump without rows."""


@dataclass(frozen=True)
class Problem:
    """One sentence, what follows of it, and what to do."""

    message: str
    consequence: str
    cure: str = ""

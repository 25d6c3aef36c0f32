"""Making directories below one that must be there already."""

from __future__ import annotations

from pathlib import Path


def below(directory: Path, *names: str) -> Path:
    """The directory at the end of ``names``, made where it or one between is missing.

    Raises FileNotFoundError if ``directory`` itself is missing: a run directory that was deleted during a run must not
    be recreated, because it would lack the mark UNFINISHED.
    """
    path = directory
    for name in names:
        path /= name
        path.mkdir(exist_ok=True)
    return path

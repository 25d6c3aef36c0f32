"""Making directories."""

from __future__ import annotations

from pathlib import Path

from osupgrade.model.errors import MissingFault


def made(directory: Path, option: str) -> Path:
    """A directory that the operator named by ``option``, made where it is missing.

    Raises MissingFault where none can be made at all, and OSError for all else.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as fault:  # of all below it, too, so that nothing was removed meanwhile: as in /proc
        hint = f"choose another {option}"
        raise MissingFault(f"cannot make the directory {directory}: {fault.strerror}", hint=hint) from fault
    return directory


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

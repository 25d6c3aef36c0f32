"""The faults that end a command, each with its exit status, one sentence and what to do next."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """The command line's exit statuses, a contract of design.md."""

    CAME_THROUGH = 0
    DID_NOT = 1
    USAGE = 2
    MISSING = 3
    LAB_FAULT = 4
    INTERRUPTED = 130


class Fault(Exception):
    """One clear sentence, what to do next, and the exit status that goes with it."""

    status = Exit.LAB_FAULT

    def __init__(self, message: str, *, hint: str = "", evidence: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.evidence = evidence


class UsageFault(Fault):
    """The command was given something it cannot use: an unknown name, a broken file, a bad dump."""

    status = Exit.USAGE


class MissingFault(Fault):
    """Something that the lab needs is not there: engine, sources, images, disk."""

    status = Exit.MISSING


class LabFault(Fault):
    """The lab itself failed."""

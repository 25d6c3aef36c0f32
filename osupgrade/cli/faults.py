"""What the system, the engine and the database raise, as the fault that ends a command."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import docker.errors
import pymysql
import requests
import sqlalchemy.exc

from osupgrade.lab.database import no_room
from osupgrade.lab.engine import engine_fault
from osupgrade.model.errors import Fault, LabFault, MissingFault, UsageFault

_REASONS = {
    errno.ENOSPC: ("the disk is full", "free some space there, or choose another directory"),
    errno.EDQUOT: ("the disk quota is used up", "free some space there, or choose another directory"),
    errno.EROFS: ("the file system is read-only", "choose another directory"),
    errno.EACCES: ("permission denied", "check who owns it, or choose another directory"),
    errno.EPERM: ("permission denied", "check who owns it, or choose another directory"),
    errno.ENOENT: ("no such file or directory", "check the path; if it was removed while the command ran, try again"),
    errno.EIO: ("it cannot be read or written", "check the disk and the kernel log (dmesg)"),
    errno.ESTALE: ("it can no longer be read or written", "is the file server's directory still mounted?"),
    errno.EMFILE: ("too many files are open", "raise the limit: ulimit -n 4096"),
    errno.ENFILE: ("too many files are open on this machine", "stop other programs on this machine"),
    errno.ENOMEM: ("out of memory", "stop other programs on this machine, or use a larger machine"),
}

_NAMES = {
    errno.ENAMETOOLONG: "the name is too long",
    errno.EEXIST: "it already exists",
    errno.ENOTDIR: "it is not a directory",
    errno.EISDIR: "it is a directory",
    errno.ELOOP: "its symbolic links form a loop",
}

_LOST = frozenset({0, 1040, 1053, 1317, 2002, 2003, 2006, 2013, 2055})
"""Error numbers of MySQL's servers and clients that mean that the server is gone; others are about a statement."""


def known_fault(raised: BaseException) -> Fault | None:
    """The fault that an exception means; None for one that only a mistake of our own can raise."""
    for one in _causes(raised):
        if isinstance(one, Fault):
            return one
        if isinstance(one, MemoryError):
            reason, hint = _REASONS[errno.ENOMEM]
            return MissingFault(reason, hint=hint)
        # The driver's own error comes where a connection is given back, behind SQLAlchemy's back, or is the only one.
        if isinstance(one, pymysql.err.OperationalError):
            return _database_fault(one)
        if isinstance(one, sqlalchemy.exc.DBAPIError):
            full = no_room("this cloud", str(one.orig))
            if full is not None:
                return full
            if one.connection_invalidated or isinstance(one, sqlalchemy.exc.OperationalError):
                return _database_fault(one.orig, lost=one.connection_invalidated)
        if isinstance(one, docker.errors.DockerException | requests.RequestException):
            return engine_fault(one, "the Docker engine failed")
        if isinstance(one, OSError) and one.errno in _REASONS:
            reason, hint = _REASONS[one.errno]
            where = f"{one.filename}: " if isinstance(one.filename, str) else ""
            return MissingFault(f"{where}{reason}", hint=hint)
        if isinstance(one, OSError) and one.errno in _NAMES and isinstance(one.filename, str):
            return UsageFault(f"{one.filename}: {_NAMES[one.errno]}", hint="choose another name")
    return None


def _database_fault(said: BaseException | None, *, lost: bool = False) -> LabFault:
    """A server that is gone, or one that is there and refused a statement of the lab's own."""
    number = said.args[0] if said is not None and said.args else None
    if not lost and isinstance(number, int) and number not in _LOST:
        return LabFault("the lab's database server refused a statement of the lab", evidence=str(said))
    return LabFault(
        "the lab's database server stopped answering",
        hint="check whether memory or disk ran out, then try again",
        evidence=str(said),
    )


def _causes(raised: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while raised is not None and id(raised) not in seen:
        seen.add(id(raised))
        yield raised
        raised = raised.__cause__ or (None if raised.__suppress_context__ else raised.__context__)

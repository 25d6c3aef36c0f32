"""The run directory: everything that proves what a rehearsal did."""

from __future__ import annotations

import contextlib
import datetime
import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from osupgrade.lab.directories import below, made
from osupgrade.model.errors import Fault, MissingFault, UsageFault

UNFINISHED = "UNFINISHED"
"""A file that is in a run directory until its reports are written: a run that has it is not complete."""


NO_ROOM = 1 << 20
"""Free bytes below which a file system counts as full."""


class RunDirectory:
    """``runs/<UTC time>-<path>/`` with its logs, schemas and configuration."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def make(cls, parent: Path, name: str) -> RunDirectory:
        """A new directory, marked as unfinished; raises UsageFault or MissingFault when it cannot be made."""
        now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        for attempt in range(100):
            path = parent / f"{now}-{name}{f'-{attempt}' if attempt else ''}"
            try:
                made(parent, "--out")
                path.mkdir()
                (path / UNFINISHED).write_text("this rehearsal is running, or was stopped before its end\n")
                for part in ("logs", "schema", "config"):
                    (path / part).mkdir()
            except FileExistsError:
                if parent.is_dir():
                    continue
                raise UsageFault(f"{parent} is not a directory", hint="choose another --out") from None
            except OSError as fault:
                raise MissingFault(
                    f"cannot write to {parent}: {fault.strerror}", hint="choose another --out"
                ) from fault
            return cls(path)
        raise UsageFault(f"{parent} has too many runs that started in this second")

    @property
    def events(self) -> Path:
        """Where events are recorded."""
        return self.path / "events.jsonl"

    def log(self, step: str) -> Path:
        """Where a step's log goes."""
        return self.path / "logs" / f"{_slug(step)}.log"

    def record(self, step: str) -> Path:
        """Where it goes what was seen of a step's migrations."""
        return self.path / "logs" / f"{_slug(step)}.migrations.jsonl"

    def config(self, step: str) -> Path:
        """Where the files that a step's tool read are kept; it is made."""
        return self.below("config", _slug(step))

    def schema(self, stage: str, service: str) -> Path:
        """Where a service's schema at a stage goes; its directory is made."""
        return self.below("schema", _slug(stage)) / f"{service}.sql"

    def below(self, *names: str) -> Path:
        """A directory below this one, made where it is missing; raises FileNotFoundError if this one was deleted."""
        return below(self.path, *names)

    def lane(self, name: str) -> RunDirectory:
        """A directory of the same make below this one, for one lane."""
        return self._below("lanes", name)

    def part(self, name: str) -> RunDirectory:
        """A directory of the same make below this one, for one part of a nightly."""
        return self._below("parts", name)

    def _below(self, kind: str, name: str) -> RunDirectory:
        made = RunDirectory(self.below(kind, _slug(name)))
        for part in ("logs", "schema", "config"):
            made.below(part)
        return made

    @contextlib.contextmanager
    def marked_when_stopped(self, what: str) -> Iterator[None]:
        """What ends ``what`` before its reports are written is left in the directory, as why it is unfinished."""
        try:
            yield
        except KeyboardInterrupt:
            (self.path / UNFINISHED).write_text(f"{what} was interrupted\n", "utf-8")
            raise
        except Fault as fault:
            (self.path / UNFINISHED).write_text(f"{what} ended early: {fault.message}\n", "utf-8")
            raise
        except OSError as fault:
            # A write does not say where it was.
            if fault.errno == errno.ENOSPC and fault.filename is None and shutil.disk_usage(self.path).free < NO_ROOM:
                fault.filename = str(self.path)
            raise

    def finish(self) -> None:
        """All reports are written: take the mark away and let ``latest`` point here."""
        (self.path / UNFINISHED).unlink(missing_ok=True)
        link = self.path.parent / "latest"
        scratch = self.path.parent / f".latest-{os.getpid()}"
        scratch.unlink(missing_ok=True)
        scratch.symlink_to(self.path.name)
        if link.is_symlink() or not link.exists():
            scratch.replace(link)
        else:
            scratch.unlink()


def find_run(text: str, parent: Path = Path("runs")) -> RunDirectory:
    """The finished run that a user names, by path or by name below ``runs``; raises UsageFault otherwise."""
    for path in (Path(text), parent / text):
        if (path / "report.json").is_file() and not (path / UNFINISHED).exists():
            return RunDirectory(path)
        if (path / UNFINISHED).is_file():
            why = (path / UNFINISHED).read_text("utf-8").strip()
            raise UsageFault(f"{path} is not a complete run: {why}")
    raise UsageFault(f"there is no run {text!r}", hint="osupgrade rehearse makes one; runs/latest is the newest")


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-")

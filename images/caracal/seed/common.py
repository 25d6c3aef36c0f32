"""What every seeding script needs: the description, ids that all services agree on, and neither chance nor a clock.

A script imports this module and calls ``deterministic`` before it imports anything of its service.

Every id that belongs to the cloud's own contents carries ``c000`` as its second group and ``4c0d`` as its third, as
in the other seeded clouds, so that a copy of the whole cloud is one REPLACE a column. What all copies share (roles,
services, hosts) has none.
"""

from __future__ import annotations

import collections
import contextlib
import datetime
import hashlib
import json
import random
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NOW = datetime.datetime(2026, 3, 1, 12, 0, 0)
PASSWORD = "seeded"
REGION = "RegionOne"
DOMAIN = "default"


class _Stopped(datetime.datetime):
    """A stopped clock; the services see it as ``datetime.datetime``."""

    __slots__ = ()

    @classmethod
    def utcnow(cls) -> datetime.datetime:
        return cls(*NOW.timetuple()[:6])

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return cls.utcnow().replace(tzinfo=tz)


def marked(text: str, *, shared: bool = False) -> str:
    """The UUID that belongs to ``text``, with the marker unless it is shared between copies."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    middle = ["5eed", "4" + digest[24:27]] if shared else ["c000", "4c0d"]
    return "-".join([digest[:8], *middle, "89ab"[int(digest[8], 16) % 4] + digest[9:12], digest[12:24]])


class Cloud:
    """The description, and the names and ids that several services must agree on."""

    def __init__(self, path: str) -> None:
        given: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
        self.databases: dict[str, str] = given["databases"]
        described = given["cloud"]
        self.seed: int = described["seed"]
        self.projects: list[str] = described["tenants"]["names"]
        self.users_per_project: int = described["tenants"]["users"]
        self.computes = [f"compute{n}" for n in range(1, described["hosts"]["compute"] + 1)]
        self.instances: int = described["instances"]["per_tenant"]
        self.volumes: int = described["volumes"]["per_tenant"]
        self.images: int = described["images"]["per_tenant"]

    def id(self, kind: str, *name: object) -> str:
        """The UUID of one thing of the cloud's own."""
        return marked(f"{self.seed}/{kind}/{'/'.join(map(str, name))}")

    def shared(self, kind: str, *name: object) -> str:
        """The UUID of one thing that copies of the cloud share."""
        return marked(f"{self.seed}/{kind}/{'/'.join(map(str, name))}", shared=True)

    def configured(self, **sections: dict[str, object]) -> list[str]:
        """The arguments that make a service read a configuration file of these sections."""
        text = "".join(
            f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in options.items())
            for section, options in sections.items()
        )
        with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as file:
            file.write(text)
        return ["--config-file", file.name]

    def project_id(self, project: str) -> str:
        """A project's id, 32 hex digits as keystone makes them."""
        return self.id("project", project).replace("-", "")

    def user_id(self, project: str, number: int = 1) -> str:
        """The id of a project's user."""
        return self.id("user", project, number).replace("-", "")

    def servers(self) -> list[tuple[str, int, str, str]]:
        """Every instance: project, number, id, compute host."""
        every = [(project, n) for project in self.projects for n in range(1, self.instances + 1)]
        return [
            (project, n, self.id("instance", project, n), self.computes[i % len(self.computes)])
            for i, (project, n) in enumerate(every)
        ]

    def mac(self, *name: object) -> str:
        """The address of a port that is named so."""
        digest = hashlib.sha256(self.id("mac", *name).encode()).digest()
        return "fa:16:3e:" + ":".join(f"{byte:02x}" for byte in digest[:3])


def deterministic(service: str) -> Cloud:
    """Read the cloud that the command line names, and take chance and time out of this process."""
    cloud = Cloud(sys.argv[1])
    still(f"{cloud.seed}/{service}")
    return cloud


_shared = False


@contextlib.contextmanager
def shared() -> Iterator[None]:
    """While this holds, ids are drawn for what all copies of the cloud share."""
    global _shared
    _shared = True
    try:
        yield
    finally:
        _shared = False


def still(key: str, *, all_shared: bool = False) -> None:
    """Take chance and time out of this process: what it draws is that of ``key``.

    ``all_shared`` says that copies of the cloud share whatever it makes.
    Threads that the service starts draw for themselves: whether before or after the main one is chance, too.
    """
    drawn: collections.Counter[str] = collections.Counter()

    def uuid4() -> uuid.UUID:
        thread = threading.current_thread()
        stream = key if thread is threading.main_thread() else f"{key}/{thread.name}"
        drawn[stream] += 1
        return uuid.UUID(marked(f"{stream}/{drawn[stream]}", shared=all_shared or _shared))

    uuid.uuid4 = uuid4
    random.seed(key)
    datetime.datetime = _Stopped  # type: ignore[misc]

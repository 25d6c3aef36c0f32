"""Listening to a release's tools: after each revision the schema, and the statements that were sent for it.

The hook is ``tools/inside/sitecustomize.py``. It lies in a directory that comes first on a tool's PYTHONPATH, and it
takes hold of the libraries as the observer of rehearsals does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from docker.models.containers import Container

from osupgrade.cloud.cloud import Cloud
from osupgrade.lab import observer
from osupgrade.lab.engine import put_files, read_file
from osupgrade.model.errors import LabFault
from osupgrade.model.release import Command
from osupgrade.schema.reading import QUERIES, assemble
from osupgrade.schema.snapshot import Schema

_HOOK = Path(__file__).parent / "inside" / "sitecustomize.py"
_LIBRARIES = Path(observer.__file__).parent / "inside" / "osupgrade_hooks.py"


@dataclass(frozen=True)
class Heard:
    """One revision as its tool ran it: the statements that it sent, each once, and the schema that it left.

    ``database`` is the name on the server. Both names are empty for what was sent after the last revision.
    """

    database: str
    revision: str
    statements: Sequence[str]
    rows: Mapping[str, Sequence[Sequence[object]]]
    """What the queries of :mod:`osupgrade.schema.reading` returned."""

    @property
    def schema(self) -> Schema:
        """The database's schema after the revision."""
        return assemble(self.rows, self.database)


def prepare(container: Container, directory: str) -> None:
    """Lay the hook into a release's container."""
    files = {
        f"{directory}/sitecustomize.py": _HOOK.read_bytes(),
        f"{directory}/osupgrade_hooks.py": _LIBRARIES.read_bytes(),
        f"{directory}/asked.json": json.dumps(dict(QUERIES)).encode(),
    }
    put_files(container, files)


def heard(container: Container, directory: str) -> tuple[Heard, ...]:
    """What the tools have reported that ran with this directory; raises LabFault where the hook failed."""
    return tuple(read(read_file(container, f"{directory}/heard.jsonl") or b""))


def read(content: bytes) -> Iterator[Heard]:
    """The lines of a report."""
    for line in content.decode("utf-8").splitlines():
        said = json.loads(line)
        if "fault" in said:
            raise LabFault("the hook of the catalogue failed", evidence=said["fault"])
        yield Heard(**said)


def listen(cloud: Cloud, release: str, service: str, command: Command) -> tuple[tuple[Heard, ...], tuple[str, ...]]:
    """Run one of a release's own calls: the revisions of the service's database, and what was sent after the last.

    Raises LabFault when the call fails.
    """
    assert cloud.workshop is not None
    container = cloud.workshop.release(release)
    directory = f"/lab/{cloud.lane}/{release}-{service}-{command.name.replace(' ', '_')}"
    prepare(container.container, directory)
    run = container.tool(service, command, cloud.setting, first=directory)
    if not run.ok:
        raise LabFault(f"{release}'s {service} failed at `{command.name}`", evidence=run.output[-4000:])
    lines = heard(container.container, directory)
    mine = tuple(one for one in lines if one.database == cloud.databases[service])
    return mine, tuple(statement for one in lines if not one.revision for statement in one.statements)

"""Data directories of database servers that were shut down cleanly, each in a volume of the engine.

A server starts from a copy of one in seconds, however long it took to make. A volume without a record is one that was
not finished: it is never used, and removed once the process that made it is gone.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
import platform
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors
from docker.models.volumes import Volume

from osupgrade.lab.database import DATA, DatabaseServer
from osupgrade.lab.engine import Lab, Mount
from osupgrade.lab.leftovers import LABEL, PID_LABEL, runs
from osupgrade.lab.relay import elsewhere
from osupgrade.lab.snapshots.records import Record, Records, surplus
from osupgrade.model.errors import LabFault, UsageFault
from osupgrade.model.places import cache_directory

LIMIT = "OSUPGRADE_SNAPSHOTS_GB"
"""The environment variable that says how many gigabytes all snapshots may take; 0 keeps none."""
USUAL_LIMIT = 50.0
SPARE = 2 << 30
"""Bytes of the engine's disk that are left free."""
_SNAPSHOT_KIND = "snapshot"
_SNAPSHOT = f"{LABEL}.snapshot"
_STORE = f"{LABEL}.store"


class SnapshotStore:
    """The snapshots of one user on one engine; ``directory`` holds their records."""

    def __init__(self, client: docker.DockerClient, directory: Path | None = None) -> None:
        self._client = client
        self.records = Records(directory or cache_directory() / "snapshots")
        # Several machines may use one engine, and have their records at the same place.
        owner = f"{platform.node()}:{self.records.directory.absolute()}"
        self._id = hashlib.sha256(owner.encode()).hexdigest()[:16]

    def __iter__(self) -> Iterator[Record]:
        """The snapshots, the least recently used first. Records whose volume is gone are forgotten."""
        engine = self._engine()
        there = {volume.name for volume in self._volumes()}
        for record in self.records:
            if record.engine != engine:
                continue
            if record.volume in there:
                yield record
            else:
                self.records.remove(record.key)

    def find(self, key: str) -> Record | None:
        """The snapshot of a key, which counts as used now; None where there is none."""
        found = next((record for record in self if record.key == key), None)
        if found:
            self.records.touch(key)
        return found

    def has_room(self, size: int) -> bool:
        """Whether a snapshot of ``size`` bytes may be kept, and there is room for it and for a copy of it."""
        if size > limit():
            return False
        root = Path(str(self._client.info().get("DockerRootDir", "")))
        if elsewhere() or not root.is_dir():
            return True  # that engine's disk cannot be seen from here
        return shutil.disk_usage(root).free > 2 * size + SPARE

    @contextlib.contextmanager
    def making(self, key: str) -> Iterator[str]:
        """A new volume to make the snapshot of a key in; it is removed unless :meth:`keep` was called for it."""
        self.sweep()
        name = f"osupgrade-snapshot-{key}-{secrets.token_hex(4)}"
        labels = {LABEL: _SNAPSHOT_KIND, _SNAPSHOT: key, _STORE: self._id, PID_LABEL: str(os.getpid())}
        try:
            self._client.volumes.create(name, labels=labels)
            yield name
        finally:
            known = self.records.find(key)
            if known is None or known.volume != name:
                self._drop(name)

    def keep(self, lab: Lab, server: DatabaseServer, image: str, record: Record) -> Record:
        """Shut a server down whose data directory is the volume of ``record``, and keep that as a snapshot.

        The record's engine, size and time are filled in here. Raises LabFault where the server did not end cleanly:
        such a directory is not kept. The least recently used snapshots make room for it.
        """
        server.stop()
        lab.remove(server.container)
        taken = _settled(lab, image, record.volume)
        made = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        whole = Record(record.key, record.volume, self._engine(), taken, record.about, made, record.kept)
        self.records.put(whole)
        for surplus_one in surplus(list(self), limit(), spared=record.key):
            self._remove(surplus_one)
        return whole

    def remove(self, key: str) -> Record:
        """Remove a snapshot; raises UsageFault where there is none, or where a run that goes on was started from it."""
        found = next((record for record in self if record.key == key), None)
        if found is None:
            raise UsageFault(f"there is no snapshot {key}", hint="osupgrade snapshots list")
        if not self._remove(found):
            raise UsageFault(f"the snapshot {key} is in use by an active run", hint="try again later")
        return found

    def sweep(self) -> tuple[str, ...]:
        """Remove what was never finished, or is replaced, of processes that are gone; the volumes' names."""
        kept = {record.volume for record in self.records}
        gone = []
        for volume in self._volumes():
            maker = (volume.attrs["Labels"] or {}).get(PID_LABEL, "")
            if volume.name not in kept and not (maker.isdigit() and runs(int(maker))) and self._drop(volume.name):
                gone.append(volume.name)
        return tuple(gone)

    def remove_all(self) -> tuple[str, ...]:
        """Remove every snapshot on the engine that no container has mounted, of any user; the volumes' names."""
        volumes = self._client.volumes.list(filters={"label": f"{LABEL}={_SNAPSHOT_KIND}"})
        gone = tuple(volume.name for volume in volumes if self._drop(volume.name))
        for record in self.records:
            if record.volume in gone:
                self.records.remove(record.key)
        return gone

    def _remove(self, record: Record) -> bool:
        """Remove a snapshot unless a container has it mounted; whether it is gone. The volume goes first."""
        if not self._drop(record.volume):
            return False
        self.records.remove(record.key)
        return True

    def _drop(self, volume: str) -> bool:
        try:
            self._client.volumes.get(volume).remove()
        except docker.errors.NotFound:
            return True
        except docker.errors.APIError:  # a container has it mounted
            return False
        return True

    def _volumes(self) -> list[Volume]:
        found: list[Volume] = self._client.volumes.list(filters={"label": f"{_STORE}={self._id}"})
        return found

    def _engine(self) -> str:
        return str(self._client.info().get("ID", ""))


def limit() -> int:
    """How many bytes all snapshots together may take; raises UsageFault for a setting that is no number."""
    text = os.environ.get(LIMIT, "")
    try:
        return int(max(float(text) if text else USUAL_LIMIT, 0.0) * 1e9)
    except (ValueError, OverflowError) as fault:
        raise UsageFault(f"{LIMIT} is {text!r}, which is not a number of gigabytes", hint="0 keeps none") from fault


def _settled(lab: Lab, image: str, volume: str) -> int:
    """Have a volume written to the disk, so that its record never outlives it; the bytes that it takes."""
    script = f"sync -f {DATA} && du --summarize --block-size=1 {DATA}"
    settling = lab.start(image, f"settle-{volume[-8:]}", entrypoint=("sh", "-c", script), mounts=[Mount(volume, DATA)])
    try:
        status = settling.wait()["StatusCode"]
        said = settling.logs().decode("utf-8", "replace")
    finally:
        lab.remove(settling)
    if status != 0:
        raise LabFault("cannot write a snapshot to the disk", evidence=said)
    return int(said.split()[0])

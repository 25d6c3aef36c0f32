"""Snapshots that outlive a run: a cloud's databases as dumps, kept in the user's cache by what made them."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from osupgrade.lab.database import SHELF, DatabaseServer
from osupgrade.model.errors import LabFault

_MADE = "made.txt"


class CloudCache:
    """Snapshots by digest below one directory. A snapshot appears there whole or not at all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def has(self, digest: str) -> bool:
        """Whether this cloud was made before."""
        return (self._directory / digest / _MADE).is_file()

    def keep(self, server: DatabaseServer, shelf: str, digest: str) -> None:
        """Fetch the snapshot ``shelf`` from the server's container into the cache."""
        self._directory.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".cloud-", dir=self._directory))
        try:
            stream, _ = server.container.get_archive(f"{SHELF}/{shelf}/.")
            with tempfile.TemporaryFile() as spool:
                for chunk in stream:
                    spool.write(chunk)
                spool.seek(0)
                with tarfile.open(fileobj=spool) as tar:
                    tar.extractall(scratch, filter="data")
            (scratch / _MADE).write_text(f"{server.version}\n", "utf-8")
            if not self.has(digest):
                scratch.rename(self._directory / digest)
        except OSError as fault:
            raise LabFault(f"cannot keep the seeded cloud in {self._directory}: {fault}") from fault
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def bring(self, server: DatabaseServer, digest: str, shelf: str) -> None:
        """Put a cached cloud on the server's shelf under the name ``shelf``."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for path in self.files(digest):
                tar.add(path, arcname=f"{shelf}/{path.name}")
        server.shell(f"mkdir -p {SHELF}")
        server.container.put_archive(SHELF, buffer.getvalue())

    def files(self, digest: str) -> Sequence[Path]:
        """The dumps of a cached cloud, one a database."""
        return sorted((self._directory / digest).glob("*.sql"))

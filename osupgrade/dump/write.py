"""Writing databases of a server back into one dump file, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import lzma
import os
import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import docker.errors
import requests
import zstandard

from osupgrade.lab.database import NO_GTID, DatabaseServer
from osupgrade.lab.exec import close_stream
from osupgrade.model.errors import LabFault, MissingFault, UsageFault

_DUMPER = (
    "mysqldump --no-defaults --user=root --protocol=socket --socket=/run/mysqld/mysqld.sock --single-transaction "
    "--quick --routines --triggers --events --hex-blob --max-allowed-packet=1G $no_gtid"
)


@dataclass(frozen=True)
class Written:
    """A dump that lies whole where it was wanted."""

    path: Path
    sql_bytes: int
    sha256: str


def check_output(out: Path) -> None:
    """Refuse an output that exists or whose directory does not; raises UsageFault before any work is done."""
    if out.exists() or out.is_symlink():
        raise UsageFault(f"{out} exists already", hint="choose another name with -o, or move it")
    if not out.parent.is_dir():
        raise UsageFault(f"there is no directory {out.parent} for the output")
    try:
        tempfile.TemporaryFile(dir=out.parent).close()  # rights do not say it: /proc takes no file from root
    except OSError as fault:
        raise UsageFault(f"cannot write into the directory {out.parent}: {fault.strerror}") from fault


@contextlib.contextmanager
def unless_it_fails() -> Iterator[list[Path]]:
    """Collect the files that were written; they are deleted if the block raises, also on an interrupt."""
    files: list[Path] = []
    try:
        yield files
    except BaseException:
        for file in files:
            file.unlink(missing_ok=True)
        raise


def write_dump(
    server: DatabaseServer,
    databases: Sequence[str],
    out: Path,
    progress: Callable[[int], None] | None = None,
    *,
    watch: Callable[[bytes], None] | None = None,
    approve: Callable[[Path], None] | None = None,
) -> Written:
    """Dump ``databases`` into ``out``, compressed where its name ends in .gz, .xz or .zst; ``mysql < OUT`` restores it.

    ``progress`` gets the bytes of SQL so far; ``watch`` sees every block before it is written, ``approve`` the whole
    file before it gets its name, and both may raise. The file appears when it is whole; whatever goes wrong, nothing is
    left. Raises UsageFault for an output that exists, MissingFault for a full disk, LabFault when the dumper or its
    container fails.
    """
    check_output(out)
    digest, written = hashlib.sha256(), 0
    handle, name = tempfile.mkstemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as raw:
            with _compressor(out, cast(IO[bytes], raw)) as file:
                for block in dumped(server, databases):
                    if watch:
                        watch(block)
                    file.write(block)
                    digest.update(block)
                    written += len(block)
                    if progress:
                        progress(written)
            raw.flush()
            os.fsync(raw.fileno())
        partial.chmod(0o600)
        if approve:
            approve(partial)
        check_output(out)
        partial.rename(out)
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MissingFault(
                f"the disk is full: no room for {out}", hint="free some space, or choose another place with -o"
            ) from fault
        raise UsageFault(f"cannot write {out}: {fault.strerror or fault}") from fault
    finally:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
    return Written(out, written, digest.hexdigest())


def dumped(server: DatabaseServer, databases: Sequence[str]) -> Iterator[bytes]:
    """The dump of ``databases`` as a stream of blocks, executable comments and all; raises LabFault when it is cut."""
    wide = server.rows(
        "",
        "SELECT COUNT(*) FROM information_schema.columns WHERE character_set_name = 'utf8mb4' AND table_schema IN %s",
        (tuple(databases),),
    )[0][0]
    charset = "utf8mb4" if wide else "utf8"
    names = " ".join(shlex.quote(name) for name in databases)
    command = f"{NO_GTID}; {_DUMPER} --default-character-set={charset} --databases -- {names}"
    api = server.container.client.api  # type: ignore[union-attr]
    tail, errors = b"", b""
    try:
        handle = api.exec_create(
            server.container.id, ["bash", "-c", command], environment={"MYSQL_PWD": server.admin.password}
        )
        stream = api.exec_start(handle["Id"], stream=True, demux=True)
        with contextlib.ExitStack() as stack:
            stack.callback(close_stream, stream)
            for block, error in stream:
                errors = (errors + (error or b""))[-2000:]
                if block:
                    tail = (tail + block[-200:])[-200:]
                    yield block
        status = api.exec_inspect(handle["Id"])["ExitCode"]
    except (docker.errors.APIError, requests.RequestException) as fault:
        raise LabFault("lost the database's container while it was dumped", evidence=str(fault)) from fault
    if status or b"-- Dump completed" not in tail:
        raise LabFault(f"mysqldump did not finish (exit {status})", evidence=errors.decode("utf-8", "replace"))


def _compressor(out: Path, raw: IO[bytes]) -> contextlib.AbstractContextManager[IO[bytes]]:
    if out.suffix == ".gz":
        return cast(
            "contextlib.AbstractContextManager[IO[bytes]]",
            gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0),
        )
    if out.suffix == ".xz":
        return cast("contextlib.AbstractContextManager[IO[bytes]]", lzma.LZMAFile(raw, "wb"))
    if out.suffix == ".zst":
        return cast(
            "contextlib.AbstractContextManager[IO[bytes]]",
            zstandard.ZstdCompressor(level=3, write_checksum=True).stream_writer(raw, closefd=False),
        )
    return contextlib.nullcontext(raw)

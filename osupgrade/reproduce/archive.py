"""The archive that carries a failing run elsewhere: written whole or not at all, and opened as what a stranger sent."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import functools
import gzip
import hashlib
import json
import math
import os
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import create_model

from osupgrade.catalog.loading import LONGEST, Strict, read_json, shown, validate
from osupgrade.catalog.site import Site, read_site
from osupgrade.dump.limits import FREE, how_to_raise, limits
from osupgrade.dump.write import check_output
from osupgrade.model.errors import Fault, MissingFault, UsageFault
from osupgrade.model.failure import Failure

FORMAT = 1
"""Of ``reproduction.json``; raised when a field changes its meaning or goes."""
_STORED = {"left_at": "stands"}
"""Fields of :class:`Failure` that the format has under another name."""
FACTS = "reproduction.json"
SITE = "site.toml"
DUMP = "cloud.sql"
LOG = "step.log"
_MEMBERS = {FACTS, SITE, DUMP, LOG}
_SMALL = {FACTS, SITE, LOG}
_LONGEST_READ = 16 << 20
_GIGABYTE = 1e9
_ROOM = "set TMPDIR to a disk that has more"
_HINT = "it should be what `osupgrade reproduce RUN -o ARCHIVE` wrote; have it sent again"


@dataclass(frozen=True)
class Facts:
    """What is to fail, how, and on what. ``files`` has the SHA-256 of every other file of the archive.

    Images are given by their recipes' hashes, commits by ``release/service``; only those that the step needs.
    """

    osupgrade: str
    made: str
    """UTC, ISO 8601."""
    path: str
    service: str
    databases: tuple[str, ...]
    server: str
    """The database's image, and what the server called itself."""
    images: Mapping[str, str]
    commits: Mapping[str, str]
    lane: str
    instead: str
    """The scenario that did the step in place of the release's own tool; empty for none."""
    masked: bool
    origin: str
    """Of the cloud before it was masked: a seed's digest, or the dumps' SHA-256."""
    failure: Failure
    files: Mapping[str, str]


@dataclass(frozen=True)
class Packed:
    """An opened archive."""

    facts: Facts
    site: Site
    dump: Path
    log: str


def pack(out: Path, facts: Facts, site: Site, dump: Path, log: Path) -> None:
    """Write the archive; ``facts.files`` is filled in here. The file appears when it is whole.

    Raises UsageFault for an output that exists or cannot be written, MissingFault for a full disk.
    """
    check_output(out)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        place = Path(scratch)
        try:
            # Own migration scripts are not packed, so where they lie here means nothing elsewhere.
            (place / SITE).write_text(site_text(dataclasses.replace(site, migrations=())), "utf-8")
            files = {SITE: place / SITE, DUMP: dump, LOG: log}
            facts = dataclasses.replace(facts, files={name: _sha256(path) for name, path in files.items()})
            (place / FACTS).write_text(_text(facts), "utf-8")
            with tarfile.open(place / "archive", "w:gz") as tar:
                for name, path in {FACTS: place / FACTS, **files}.items():
                    tar.add(path, name, filter=_nobodys)
            check_output(out)
            (place / "archive").chmod(0o600)
            (place / "archive").rename(out)
        except OSError as fault:
            if fault.errno in (errno.ENOSPC, errno.EDQUOT):
                raise MissingFault(
                    f"the disk is full: no room for {out}", hint="choose another place with -o"
                ) from fault
            raise UsageFault(f"cannot write {out}: {fault.strerror or fault}") from fault


def unpack(archive: Path, into: Path) -> Packed:
    """Open an archive into the empty directory ``into``.

    Raises UsageFault for one that is damaged, changed, or not ours, before a byte of a stranger's choosing is written
    anywhere else than in its four files.
    """
    try:
        with _Bounded(archive) as plain, tarfile.open(fileobj=plain, mode="r:") as tar:
            members = _checked(archive, tar)
            if sum(member.size for member in members) > shutil.disk_usage(into).free:
                raise MissingFault(f"there is no room to unpack {archive}", hint=_ROOM)
            for member in members:
                content = tar.extractfile(member)
                assert content is not None
                with content, (into / member.name).open("wb") as file:
                    shutil.copyfileobj(content, file)
    except Fault:
        raise
    except Exception as fault:  # tarfile raises whatever a strange header leads to
        said = os.strerror(fault.errno) if isinstance(fault, OSError) and fault.errno else str(fault)
        if isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MissingFault(f"there is no room to unpack {archive}", hint=_ROOM) from fault
        raise UsageFault(f"{archive} is damaged or not an archive: {said}", hint=_HINT) from fault
    facts = _facts(archive, into / FACTS)
    for name, digest in facts.files.items():
        if _sha256(into / name) != digest:
            raise UsageFault(f"{archive} was changed after it was packed: {name} has another SHA-256", hint=_HINT)
    with contextlib.suppress(UnicodeDecodeError):
        return Packed(facts, read_site(into / SITE, trusted=False), into / DUMP, (into / LOG).read_text("utf-8"))
    raise UsageFault(f"{archive} is not an archive of osupgrade: its log is no text", hint=_HINT)


class _Bounded(gzip.GzipFile):
    """A compressed file that gives no more at a time than a file's content is read in, and no more in all than it may.

    What describes a member, such as its name, is read in one piece of the length that the archive itself says.
    """

    def __init__(self, archive: Path) -> None:
        super().__init__(archive, "rb")
        self._most = FREE + limits().ratio * archive.stat().st_size
        self._archive = archive

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _LONGEST_READ:
            raise UsageFault(f"{self._archive} is not an archive of osupgrade: it describes a file in {size} bytes")
        if self.tell() > self._most:
            more = self._most / self._archive.stat().st_size * 10
            raise UsageFault(
                f"{self._archive} is larger than {self._most / 1e9:.1f} GB when unpacked",
                hint=how_to_raise("ratio", more),
            )
        return super().read(size)


def _checked(archive: Path, tar: tarfile.TarFile) -> list[tarfile.TarInfo]:
    """The members of an archive, refused at the first that none of ours has: there may be any number of them."""
    members: list[tarfile.TarInfo] = []
    for member in tar:
        said = ""
        if member.name not in _MEMBERS or not member.isreg() or member.issparse():
            said = f"it holds {shown(member.name)}" + ("" if member.isreg() else ", which is not a regular file")
        elif any(member.name == other.name for other in members):
            said = "it holds a file twice"
        elif member.name in _SMALL and member.size > LONGEST:
            said = f"its {member.name} is larger than {LONGEST >> 20} MB"
        if said:
            raise UsageFault(f"{archive} is not an archive of osupgrade: {said}", hint=f"nothing was unpacked; {_HINT}")
        if member.size > limits().archive * _GIGABYTE:
            raise UsageFault(
                f"{archive} holds {member.name} of {member.size / _GIGABYTE:.1f} GB, and an archive may hold "
                f"{limits().archive:g} GB",
                hint=f"nothing was unpacked; {how_to_raise('archive', math.ceil(member.size / _GIGABYTE))}",
            )
        members.append(member)
    if lacks := ", ".join(sorted(_MEMBERS - {member.name for member in members})):
        raise UsageFault(f"{archive} is not an archive of osupgrade: it lacks {lacks}")
    return members


def site_text(site: Site) -> str:
    """A site as ``site.toml``, without what is as usual."""
    usual = Site()
    lines = []
    for field in dataclasses.fields(site):
        value = getattr(site, field.name)
        if value == getattr(usual, field.name):
            continue
        if field.name == "migrations":
            value = "{ " + ", ".join(f"{service} = {json.dumps(path)}" for service, path in value) + " }"
            lines.append(f"{field.name} = {value}")
        else:
            # JSON's strings, lists and booleans are TOML's.
            lines.append(f"{field.name} = {json.dumps(list(value) if isinstance(value, tuple) else value)}")
    return "".join(f"{line}\n" for line in lines)


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """A member without the name of whoever packed it."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


def _text(facts: Facts) -> str:
    data = dataclasses.asdict(facts)
    data["failure"] = {_STORED.get(name, name): value for name, value in data["failure"].items()}
    return json.dumps({"format": FORMAT, **data}, indent=1) + "\n"


@functools.cache
def _model() -> type[Strict]:
    """What ``reproduction.json`` must hold: the fields of :class:`Facts`, and its format."""
    fields = {_STORED.get(name, name): field for name, field in _fields(Failure).items()}
    failure = create_model("FailureFile", __base__=Strict, **fields)
    made: type[Strict] = create_model(
        "FactsFile", __base__=Strict, **{**_fields(Facts), "failure": (failure, ...), "format": (int, ...)}
    )
    return made


def _fields(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {one.name: (hints[one.name], ...) for one in dataclasses.fields(kind)}


def _facts(archive: Path, file: Path) -> Facts:
    try:
        data = read_json(file)
        packed = data.get("format", FORMAT) if isinstance(data, dict) else FORMAT
        checked = dict(validate(data, _model(), FACTS)) if packed == FORMAT else {}
    except UsageFault as fault:
        raise UsageFault(
            f"{archive} is not an archive of osupgrade: {FACTS} cannot be read ({fault})", hint=_HINT
        ) from fault
    if packed != FORMAT:
        raise UsageFault(
            f"{archive} was packed by a different version of osupgrade ({data.get('osupgrade')})",
            hint="use that version",
        )
    checked.pop("format")
    stored = dict(checked["failure"])
    failure = Failure(
        **{field.name: stored[_STORED.get(field.name, field.name)] for field in dataclasses.fields(Failure)}
    )
    facts = Facts(**{**checked, "failure": failure})
    if set(facts.files) != {SITE, DUMP, LOG}:
        raise UsageFault(
            f"{archive} is not an archive of osupgrade: {FACTS} cannot be read (it lists {', '.join(facts.files)})"
        )
    return facts


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""A dump in a zip archive, as phpMyAdmin and file managers make them: the one file that it holds."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from osupgrade.dump.magic import compression_of
from osupgrade.model.errors import UsageFault
from osupgrade.model.text import counted

_UNPACK = "unpack it and give the dump inside, or the directory"
_ENCRYPTED = 1


def zipped(raw: IO[bytes], name: str, block: int) -> Iterator[bytes]:
    """The decompressed bytes of the only dump in an archive; raises UsageFault for one that has none, or several."""
    try:
        with zipfile.ZipFile(raw) as archive:
            files = [info for info in archive.infolist() if not (info.is_dir() or _is_of_the_packer(info.filename))]
            files = [info for info in files if info.filename.lower().endswith(".sql")] or files
            if len(files) != 1:
                held = counted(len(files), "{n} file[s]") if files else "no file"
                raise UsageFault(f"{name} is a zip archive that holds {held}", hint=_UNPACK)
            if files[0].flag_bits & _ENCRYPTED:
                raise UsageFault(f"{name} is an encrypted zip archive", hint=_UNPACK)
            with archive.open(files[0]) as member:
                data = member.read(block)
                if compression_of(data):
                    raise UsageFault(f"{name} holds a file that is compressed itself", hint=_UNPACK)
                while data:
                    yield data
                    data = member.read(block)
    except NotImplementedError as fault:
        raise UsageFault(f"{name} is compressed in a way that cannot be read here: {fault}", hint=_UNPACK) from fault
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as fault:
        raise UsageFault(
            f"{name} is damaged: its zip data is broken or ends in the middle",
            hint="copy it again and compare checksums, or take the dump again",
            evidence=str(fault),
        ) from fault


def _is_of_the_packer(path: str) -> bool:
    """Whether a file came into the archive by itself, such as what macOS adds for each file."""
    return path.startswith("__MACOSX/") or path.rpartition("/")[2].startswith(".")

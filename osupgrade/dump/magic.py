"""The first bytes of what compressors make that the lab reads."""

from __future__ import annotations

MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
}
_SKIPPABLE = (b"\x2a\x4d\x18", range(0x50, 0x60))
"""How a frame of zstd begins that holds no data, which pzstd and others put before the first that does."""


def compression_of(first: bytes) -> str:
    """What the first bytes of a file say that it is compressed with; empty for nothing that the lab reads."""
    if first[1:4] == _SKIPPABLE[0] and first[0] in _SKIPPABLE[1]:
        return "zstd"
    return next((kind for magic, kind in MAGIC.items() if first.startswith(magic)), "")

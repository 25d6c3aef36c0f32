"""The first bytes of what compressors make that the lab reads."""

from __future__ import annotations

MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
}


def compression_of(first: bytes) -> str:
    """What the first bytes of a file say that it is compressed with; empty for nothing that the lab reads."""
    return next((kind for magic, kind in MAGIC.items() if first.startswith(magic)), "")

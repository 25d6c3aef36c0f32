"""What a host is capable of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Host:
    """One host. Megabytes a second of one core and of the disk, milliseconds of an fsync, bytes."""

    host: str
    cores: int
    memory_bytes: int
    free_bytes: int
    cpu_mb_s: float
    fsync_ms: float
    write_mb_s: float
    read_mb_s: float | None

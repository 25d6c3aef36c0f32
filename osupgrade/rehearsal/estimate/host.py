"""What a host is capable of, as ``measure_host.py`` prints it, and what that means for times measured on another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osupgrade.catalog.loading import read_json
from osupgrade.model.errors import UsageFault
from osupgrade.model.fit import Interval
from osupgrade.model.host import Host

FORMAT = 1
SCRIPT = Path(__file__).with_name("measure_host.py")


def read_host(path: Path) -> Host:
    """The host that a file describes; raises UsageFault naming what is wrong with it."""
    hint = "osupgrade survey --speed prints the script that makes it, to be run on the host that it describes"
    try:
        data = read_json(path)
    except UsageFault as fault:
        raise UsageFault(fault.message, hint=hint) from fault
    return host_of(data, str(path), hint)


def host_of(data: object, where: str, hint: str = "") -> Host:
    """A host from parsed JSON; raises UsageFault, ``where`` names its origin."""
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        raise UsageFault(f"{where} is not a measurement of a host (format {FORMAT})", hint=hint)
    return Host(
        host=str(data.get("host", "")),
        cores=int(_number(data, "cores", where, hint)),
        memory_bytes=int(_number(data, "memory_bytes", where, hint)),
        free_bytes=int(_number(data, "free_bytes", where, hint)),
        cpu_mb_s=_number(data, "cpu_mb_s", where, hint),
        fsync_ms=_number(data, "fsync_ms", where, hint),
        write_mb_s=_number(data, "write_mb_s", where, hint),
        read_mb_s=None if data.get("read_mb_s") is None else _number(data, "read_mb_s", where, hint),
    )


def _number(data: Mapping[str, Any], key: str, where: str, hint: str) -> float:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        raise UsageFault(f"{where}: {key} must be a number above 0, not {value!r}", hint=hint)
    return float(value)


def slower(here: Host, there: Host, cpu_share: float) -> Interval:
    """How many times longer ``there`` takes than ``here`` for work that computes for ``cpu_share`` of its time.

    The rest waits for the disk, and how much of it for single writes and how much for long ones nobody knows: the
    interval reaches from the better to the worse of these two ratios, and what is expected lies between.
    """
    cpu = here.cpu_mb_s / there.cpu_mb_s
    waits = sorted((there.fsync_ms / here.fsync_ms, here.write_mb_s / there.write_mb_s))
    rest = 1.0 - cpu_share
    return Interval(
        cpu_share * cpu + rest * waits[0],
        cpu_share * cpu + rest * math.sqrt(waits[0] * waits[1]),
        cpu_share * cpu + rest * waits[1],
    )

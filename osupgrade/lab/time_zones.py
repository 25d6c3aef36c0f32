"""Names of time zones for a server whose tables of them are empty: each when it is needed, from the server's image.

No image loads them all: that takes seconds of every start, and hardly any dump names one.
"""

from __future__ import annotations

import datetime
import io
import re
import zoneinfo
from collections.abc import Iterable, Iterator

from osupgrade.lab.database import DatabaseServer
from osupgrade.lab.engine import read_file
from osupgrade.lab.sql_server import send

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
_DIRECTORY = "/usr/share/zoneinfo"
_FIRST, _LAST = datetime.datetime(1970, 1, 1), datetime.datetime(2106, 2, 7)
"""What a TIMESTAMP can hold, on the newest of servers."""
_DAY = datetime.timedelta(days=1)
_BEGINNING = -(1 << 31)
_SEVERAL = 200
"""Rows that one statement inserts."""

_Kind = tuple[int, bool, str]
"""Seconds east of UTC, whether it is summer time, and what it is called."""


def load_time_zones(server: DatabaseServer, names: Iterable[str]) -> tuple[str, ...]:
    """Make these names of time zones known to a server; those that neither it nor this machine has a file of."""
    unknown = []
    for name in names:
        if name.upper() == "SYSTEM" or _knows(server, name):
            continue
        zone = _zone(server, name)
        if zone is None:
            unknown.append(name)
        else:
            _write(server, name, *changes(zone))
    return tuple(unknown)


def changes(zone: zoneinfo.ZoneInfo) -> tuple[list[_Kind], list[tuple[int, int]]]:
    """The kinds of time that a zone has, and each second of UTC at which another begins, with its number."""
    kinds: dict[_Kind, int] = {}
    found = []
    for second, kind in _changes(zone):
        found.append((second, kinds.setdefault(kind, len(kinds))))
    return list(kinds), found


def _changes(zone: zoneinfo.ZoneInfo) -> Iterator[tuple[int, _Kind]]:
    day, before = _FIRST, _kind(zone, _FIRST)
    yield _BEGINNING, before
    while day < _LAST:
        after = _kind(zone, day + _DAY)
        if after != before:
            low, high = 0, int(_DAY.total_seconds())  # the change is after the one, and not after the other
            while high - low > 1:
                middle = (low + high) // 2
                same = _kind(zone, day + datetime.timedelta(seconds=middle)) == before
                low, high = (middle, high) if same else (low, middle)
            yield int((day - _FIRST).total_seconds()) + high, after
        day, before = day + _DAY, after


def _kind(zone: zoneinfo.ZoneInfo, utc: datetime.datetime) -> _Kind:
    there = utc.replace(tzinfo=datetime.UTC).astimezone(zone)
    offset = there.utcoffset() or datetime.timedelta()
    return int(offset.total_seconds()), bool(there.dst()), (there.tzname() or "")[:8]


def _knows(server: DatabaseServer, name: str) -> bool:
    return server.rows("", "SELECT CONVERT_TZ('2020-01-01', '+00:00', %s)", (name,))[0][0] is not None


def _zone(server: DatabaseServer, name: str) -> zoneinfo.ZoneInfo | None:
    """A zone by the server's own file of it, or else by this machine's."""
    if not NAME.fullmatch(name):
        return None
    try:
        content = read_file(server.container, f"{_DIRECTORY}/{name}")
        return zoneinfo.ZoneInfo.from_file(io.BytesIO(content), key=name) if content else zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _write(server: DatabaseServer, name: str, kinds: list[_Kind], found: list[tuple[int, int]]) -> None:
    with server.session("mysql") as session:
        number = send(session, "INSERT INTO time_zone (Use_leap_seconds) VALUES ('N')").lastrowid
        for at, kind in enumerate(kinds):
            send(session, "INSERT INTO time_zone_transition_type VALUES (%s, %s, %s, %s, %s)", (number, at, *kind))
        for at in range(0, len(found), _SEVERAL):
            several = found[at : at + _SEVERAL]
            values = [cell for second, ordinal in several for cell in (number, second, ordinal)]
            send(
                session, f"INSERT INTO time_zone_transition VALUES {', '.join(['(%s, %s, %s)'] * len(several))}", values
            )
        # Last: a server looks for the name, and remembers what it then finds.
        send(session, "INSERT INTO time_zone_name VALUES (%s, %s)", (name, number))

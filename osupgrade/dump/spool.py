"""Hashes of tokens on disk: as many as there are, in a memory that does not grow with them.

They go into parts by their first bits, so that two collections are compared part by part. The file has no name, so a
process that is killed leaves nothing.
"""

from __future__ import annotations

import bisect
import itertools
import tempfile
from array import array
from collections.abc import Collection, Iterator
from typing import IO

from osupgrade.model.errors import MissingFault

PARTS = 1024
"""Into how many parts hashes go."""
SHIFT = 54
"""Bits of a hash below those that say its part."""
GATHERED = 1 << 19
"""Hashes that are kept in memory before they are written."""
WHOLE = 1 << 19
"""Hashes of a part that are compared at once."""
_EDGES = [part << SHIFT for part in range(PARTS)] + [1 << 64]


class Spool:
    """A collection of 64-bit hashes, which are added in sorted blocks."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by whoever made this
        self._parts = [array("Q") for _ in range(PARTS)]
        self._places: list[array[int]] = [array("Q") for _ in range(PARTS)]
        """Of each part, where its pieces begin in the file and how many hashes they have."""
        self._gathered = 0

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()

    def add(self, block: array[int]) -> None:
        """Add a sorted block."""
        cuts = [bisect.bisect_left(block, edge) for edge in _EDGES]
        for part, (low, high) in zip(self._parts, itertools.pairwise(cuts), strict=True):
            if low != high:
                part.extend(block[low:high])
        self._gathered += len(block)
        if self._gathered >= GATHERED:
            self._write()

    def common(self, other: Spool, without: Collection[int]) -> Iterator[int]:
        """The hashes that both have, but for those in ``without``."""
        self._write()
        other._write()
        for number in range(PARTS):
            mine, theirs = self._read(number), other._read(number)
            slices = len(mine) // WHOLE + 1
            for chosen in range(slices):
                known = {digest for digest in mine if digest % slices == chosen} if slices > 1 else set(mine)
                known.difference_update(without)
                yield from known.intersection(theirs)

    def _write(self) -> None:
        place = self._file.seek(0, 2)
        for part, places in zip(self._parts, self._places, strict=True):
            if part:
                _put(self._file, part)
                places.extend((place, len(part)))
                place += len(part) * part.itemsize
        self._parts = [array("Q") for _ in range(PARTS)]
        self._gathered = 0

    def _read(self, number: int) -> array[int]:
        found = array("Q")
        places = self._places[number]
        for place, length in zip(places[::2], places[1::2], strict=True):
            self._file.seek(place)
            found.frombytes(self._file.read(length * found.itemsize))
        return found


class Blocks:
    """Blocks of hashes in the order in which they came, on disk."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by whoever made this
        self._lengths = array("Q")

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()

    def add(self, block: array[int]) -> None:
        """Add a block."""
        _put(self._file, block)
        self._lengths.append(len(block))

    def first(self, wanted: Collection[int]) -> set[int]:
        """The numbers of the blocks in which each of the wanted hashes occurs first."""
        left, found = set(wanted), set()
        self._file.seek(0)
        for number, length in enumerate(self._lengths):
            if not left:
                break
            block = array("Q")
            block.frombytes(self._file.read(length * block.itemsize))
            if hits := left.intersection(block):
                found.add(number)
                left -= hits
        return found


def _put(file: IO[bytes], block: array[int]) -> None:
    try:
        file.write(block)
    except OSError as fault:
        raise MissingFault(
            f"no room for the leak scan's hashes in {tempfile.gettempdir()}: {fault.strerror}",
            hint="free some space there, or set TMPDIR to a directory with more: a third of the dumps' SQL is enough",
        ) from fault

"""The leak scan: whether anything that was masked is still in the output, plain, escaped, in base64 or in hex.

It knows nothing of masks. What goes into the server and what comes out is split into tokens; a token on both
sides that is no word of the services' is a candidate, and the caller has to say where each comes from. Only hashes
are kept, eight bytes a token and on disk; the few candidates are read from the output again.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import signal
import struct
import subprocess
import sys
import zlib
from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import BinaryIO

from osupgrade.dump.spool import Blocks, Spool
from osupgrade.model.errors import LabFault

SHORTEST = 10
"""Shorter runs of letters and digits turn up by chance in other masks, so they prove nothing."""
_SHORTEST_NUMBER = 16
BLOCK = 2 << 20
_LONGEST_LINE = 1 << 26
WORKERS = 2
_PENDING = 4
"""Blocks that wait for a worker at a time: the scan must not hold a dump in memory."""

_LETTERS = bytes(range(48, 58)) + bytes(range(65, 91)) + bytes(range(97, 123))


def _table(kept: bytes, *, fold: bool = True) -> bytes:
    """A translation that leaves ``kept`` and letters and digits, and makes spaces of all else."""
    table = bytes(byte if byte in kept + _LETTERS else 32 for byte in range(256))
    return table.lower() if fold else table


_LONG = _table(b"_.@-:")
_HELD = _table(b"_.@-")
_SIDES = _table(b"_.-")
_RUNS = _table(b"")
_BEYOND = bytes(range(128, 256))
_OTHER = _table(_BEYOND + b"_.@-"), _table(_BEYOND)
"""For words with letters beyond ASCII. The tables above take those for spaces, so a text that the input has in latin1
and the output in UTF-8 still has in common what is between them."""
_ENCODED = _table(b"+/", fold=False)
_ESCAPE = re.compile(rb"\\[nrtbfZ0]")
_ESCAPED = re.compile(rb"\\+u([0-9a-fA-F]{4})")
_UUID = re.compile(
    rb"(?<![0-9a-f])(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32})(?![0-9a-f])"
)
_COLONS = re.compile(rb"[0-9a-f]*(?::+[0-9a-f]*){5,}\Z")
_IPV4 = re.compile(rb"\d{1,3}(?:\.\d{1,3}){3}\Z")
_HEX = re.compile(rb"(?:0[xX])?((?:[0-9A-Fa-f]{2}){10,})\Z")
_ENDS = b"._-@"
_NUMBERS = b"0123456789-.tz"


@dataclass(frozen=True)
class Tokens:
    """What a text is recognised by. Uuids are without dashes, all is in small letters."""

    words: frozenset[bytes]
    addresses: frozenset[bytes]
    """MAC and IP addresses: few different ones, and a mask of one may well be another."""


def tokens(text: bytes) -> Tokens:
    """Long runs of letters and digits, what dots, dashes and underscores hold together, addresses."""
    text = _unescaped(text)
    long = {run for run in text.translate(_LONG).split() if len(run) >= SHORTEST}
    whole = {run for run in long if len(run) in (32, 36) and _UUID.fullmatch(run)}
    rest = b" ".join(long - whole)
    inside = _UUID.findall(rest)
    rest = _UUID.sub(b" ", rest)
    colons = {run.strip(b":") for run in long if run.count(b":") >= 5 and _COLONS.match(run)}
    found = {word.strip(_ENDS) for table in (_HELD, _SIDES, _RUNS) for word in rest.translate(table).split()}
    found = {word for word in found if len(word) >= SHORTEST}
    addresses = {word for word in found if _IPV4.match(word)}
    words = {w for w in found - addresses if w.strip(_NUMBERS) or (w.isdigit() and len(w) >= _SHORTEST_NUMBER)}
    words.update(run.replace(b"-", b"") for run in (*whole, *inside))
    if not text.isascii():
        others = {run.strip(_ENDS) for table in _OTHER for run in text.translate(table).split() if not run.isascii()}
        words.update(run for run in others if _characters(run) >= SHORTEST)
    return Tokens(frozenset(words), frozenset(addresses | colons))


def encoded_texts(text: bytes) -> bytes:
    """What a text holds in base64 or hex, a line each."""
    runs = {run for run in _ESCAPE.sub(b" ", text).translate(_ENCODED).split() if len(run) >= 16}
    return b"\n".join(map(_decoded, runs))


def _decoded(run: bytes) -> bytes:
    if match := _HEX.match(run):
        return binascii.unhexlify(match[1])
    return base64.b64decode(run[: len(run) - (len(run) % 4 == 1)] + b"===")


def _unescaped(text: bytes) -> bytes:
    if b"\\" not in text:
        return text
    text = _ESCAPE.sub(b" ", text)
    if b"\\u" not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)).encode("utf-8", "surrogatepass"), text)


def _characters(word: bytes) -> int:
    """How many characters of UTF-8 a word has; 0 where it is none, such as an id read as base64."""
    try:
        return len(word.decode()) if len(word) >= SHORTEST else 0
    except UnicodeDecodeError:
        return 0


def _digest(word: bytes) -> int:
    """Two words with the same hash make a candidate too many, no more: what is cheap is good enough."""
    return zlib.crc32(word) << 32 | zlib.crc32(word[::-1])


def _hashed(block: bytes, *, decode: bool) -> bytes:
    """The hashes of a block's tokens, sorted."""
    found = _all_tokens(block) if decode else tokens(block)
    return array("Q", sorted(map(_digest, found.words | found.addresses))).tobytes()


def _all_tokens(block: bytes) -> Tokens:
    plain, decoded = tokens(block), tokens(encoded_texts(block))
    return Tokens(plain.words | decoded.words, plain.addresses | decoded.addresses)


class _Workers:
    """Processes that take tokens out of blocks, each behind a thread that talks to it.

    Not of multiprocessing: its processes import the whole command line first, a second of a core each.
    """

    def __init__(self) -> None:
        root = str(Path(__file__).parents[2])
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self._all = [
            subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": root},
            )
            for _ in range(WORKERS)
        ]
        for process in self._all:
            self._idle.put(process)
        self._threads = ThreadPoolExecutor(WORKERS)

    def submit(self, block: bytes, *, decode: bool) -> Future[bytes]:
        return self._threads.submit(self._ask, block, decode)

    def _ask(self, block: bytes, decode: bool) -> bytes:
        process = self._idle.get()
        assert process.stdin
        assert process.stdout
        process.stdin.write(_QUESTION.pack(decode, len(block)))
        process.stdin.write(block)
        process.stdin.flush()
        header = process.stdout.read(_ANSWER.size)
        if not header:
            raise LabFault(f"a process that looks for leaks ended with {process.wait()}")
        (length,) = _ANSWER.unpack(header)
        found = process.stdout.read(length)
        self._idle.put(process)
        return found

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        for process in self._all:
            with process:  # closes both pipes, which ends it
                pass


_QUESTION = struct.Struct("?Q")
_ANSWER = struct.Struct("Q")


def _work(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more questions; what a worker process does."""
    while header := questions.read(_QUESTION.size):
        decode, length = _QUESTION.unpack(header)
        found = _hashed(questions.read(length), decode=decode)
        answers.write(_ANSWER.pack(len(found)) + found)
        answers.flush()


@dataclass(frozen=True)
class Candidates:
    """Tokens that are on both sides."""

    words: frozenset[bytes]
    addresses: frozenset[bytes]


class LeakScan:
    """Takes in what was fed to the server (:meth:`raw`), then what came out (:meth:`masked`), and compares.

    ``parallel`` starts processes that take tokens out of blocks; below some ten megabytes they are not worth their
    start. Leaving ends them, and gives back the disk that the hashes take.
    """

    def __init__(self, *, parallel: bool = False) -> None:
        self._raw, self._masked = Spool(), Spool()
        self._blocks = Blocks()
        """The output's hashes once more, in its order."""
        self._lengths = array("Q")
        self._workers = _Workers() if parallel else None
        self._pending: deque[Future[bytes]] = deque()
        self._carry: list[bytes] = []
        self._size = 0
        self._output = False
        self.scanned = 0
        """Bytes of output."""

    def __enter__(self) -> LeakScan:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._workers:
            self._workers.close()
        for spool in (self._raw, self._masked, self._blocks):
            spool.close()

    def raw(self, block: bytes) -> None:
        """Read a block of the server's input; all of it comes before the first block of the output."""
        self._feed(block)

    def masked(self, block: bytes) -> None:
        """Take in a block of the output."""
        if not self._output:
            self._flush()
            self._output = True
        self.scanned += len(block)
        self._feed(block)

    def candidates(self, output: Iterator[bytes], harmless: Iterable[str] = ()) -> Candidates:
        """What is on both sides but for tokens of ``harmless``; only for that is ``output`` read once more."""
        self._flush()
        meaningless = frozenset(map(_digest, tokens("\n".join(harmless).encode()).words))
        both = frozenset(self._raw.common(self._masked, meaningless))
        words: set[bytes] = set()
        addresses: set[bytes] = set()
        if both:
            wanted = self._blocks.first(both)
            for number, piece in enumerate(_pieces(output, self._lengths)):
                if number in wanted:
                    found = _all_tokens(piece)
                    words.update(word for word in found.words if _digest(word) in both)
                    addresses.update(address for address in found.addresses if _digest(address) in both)
        return Candidates(frozenset(words), frozenset(addresses))

    def _feed(self, block: bytes) -> None:
        self._carry.append(block)
        self._size += len(block)
        if self._size < BLOCK:
            return
        data = b"".join(self._carry)
        cut = data.rfind(b"\n") + 1 or (len(data) if len(data) > _LONGEST_LINE else 0)
        self._carry, self._size = [data[cut:]], len(data) - cut
        if cut:
            self._take(data[:cut])

    def _flush(self) -> None:
        self._take(b"".join(self._carry))
        self._carry, self._size = [], 0
        while self._pending:
            self._collect()

    def _take(self, block: bytes) -> None:
        if self._output:
            self._lengths.append(len(block))
        if self._workers:
            self._pending.append(self._workers.submit(block, decode=self._output))
        else:
            self._keep(_hashed(block, decode=self._output))
        while len(self._pending) > _PENDING:
            self._collect()

    def _collect(self) -> None:
        self._keep(self._pending.popleft().result())

    def _keep(self, found: bytes) -> None:
        hashes = array("Q", found)
        if self._output:
            self._masked.add(hashes)
            self._blocks.add(hashes)
        else:
            self._raw.add(hashes)


def _pieces(blocks: Iterator[bytes], lengths: Iterable[int]) -> Iterator[bytes]:
    """A stream cut into pieces of these lengths."""
    data = b""
    for length in lengths:
        while len(data) < length and (block := next(blocks, b"")):
            data += block
        yield data[:length]
        data = data[length:]


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it decides
    _work(sys.stdin.buffer, sys.stdout.buffer)

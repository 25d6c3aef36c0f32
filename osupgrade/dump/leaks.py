"""The leak scan: whether anything that was masked still stands in the output, plain, escaped, in base64 or in hex."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterator

SHORTEST = 10
"""Shorter runs of letters and digits turn up by chance in other masks, so they prove nothing."""
_SHORTEST_NUMBER = 16

_RUN = re.compile(rb"[A-Za-z0-9]{%d,}" % SHORTEST)
_TOKEN = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.@-]{%d,}[A-Za-z0-9_]" % (SHORTEST - 2))
_COLONS = re.compile(rb"[0-9A-Fa-f]+(?::+[0-9A-Fa-f]+){5,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")
_HEX = re.compile(rb"(?:0x)?((?:[0-9A-Fa-f]{2}){10,})")
_ESCAPE = re.compile(rb"\\+u([0-9a-fA-F]{4})|\\+[nrt]")
_HEX_ONLY = re.compile(rb"[0-9A-Fa-f]+\Z")


def _unescaped(text: bytes) -> bytes:
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)).encode("utf-8", "replace") if m[1] else b" ", text)


def tokens(text: bytes) -> Iterator[bytes]:
    """What a text is recognised by: long runs of letters and digits, and what dots, dashes and colons hold together."""
    for pattern in (_RUN, _TOKEN, _COLONS):
        for match in pattern.finditer(text):
            token = match[0]
            if not token.isdigit() or len(token) >= _SHORTEST_NUMBER:
                yield token


class LeakScan:
    """Remembers what was masked, then looks for it. Only hashes are kept, some 70 bytes a value."""

    def __init__(self, harmless: Collection[str] = ()) -> None:
        self._harmless = {hash(token.lower()) for text in harmless for token in tokens(text.encode())}
        self._masked: set[int] = set()
        self._carry = b""
        self.found: set[str] = set()
        self.scanned = 0

    def masked(self, old: bytes, new: bytes) -> None:
        """Take down a value and what it became: what stands in the one and not in the other must not turn up."""
        kept = {hash(token.lower()) for token in tokens(new)}
        for token in tokens(_unescaped(old)):
            value = hash(token.lower())
            if value not in kept and value not in self._harmless:
                self._masked.add(value)

    def __len__(self) -> int:
        return len(self._masked)

    def feed(self, block: bytes) -> None:
        """Look through a block of the output; what it ends with in mid-line waits for the next."""
        data = self._carry + block
        cut = data.rfind(b"\n") + 1
        if not cut and len(data) < 1 << 25:
            self._carry = data
            return
        cut = cut or len(data)
        self._carry = data[cut:]
        self._look(data[:cut])

    def finish(self) -> None:
        """Look through the rest."""
        self._look(self._carry)
        self._carry = b""

    def _look(self, data: bytes) -> None:
        self.scanned += len(data)
        self._look_plain(_unescaped(data) if b"\\" in data else data)
        for match in _HEX.finditer(data):
            self._look_plain(binascii.unhexlify(match[1]))
        for match in _BASE64.finditer(data):
            run = match[0]
            if _HEX_ONLY.match(run) or (run.isalpha() and run.islower()):
                continue
            run = run.rstrip(b"=")
            self._look_plain(base64.b64decode(run[: len(run) - (len(run) % 4 == 1)] + b"==="))

    def _look_plain(self, data: bytes) -> None:
        for token in tokens(data):
            if hash(token.lower()) in self._masked:
                self.found.add(token.decode("latin1"))

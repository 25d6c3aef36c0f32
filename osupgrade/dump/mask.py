"""Masks: what a value becomes, by its shape and a key. Nothing here knows a database.

The same value always becomes the same mask, whatever table or service it stands in, so everything that hangs together
by equal values still does. A mask keeps length, alphabet, upper and lower case and punctuation, and two values of the
same form never get the same mask: short ones go through a permutation (a Feistel network over their own alphabet),
longer ones through HMAC-SHA256. Values that differ only in case, which MySQL's collations take for equal, still differ
only in case.
"""

from __future__ import annotations

import functools
import hmac
import ipaddress
import json
import re
import uuid
from collections.abc import Collection, Iterable
from typing import Any

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])"

_UUID = re.compile(UUID, re.IGNORECASE)
_WHOLE_UUID = re.compile(f"(?:{UUID})\\Z", re.IGNORECASE)
_DHCP = re.compile(r"dhcp([0-9a-f-]{36})-([0-9a-f-]{36})\Z")
_MAC = re.compile(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\Z")
_IPV4 = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(/\d{1,2})?\Z")
_IPV6 = re.compile(r"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*(?:/\d{1,3})?\Z")
_NUMBER = re.compile(r"-?\d{1,5}(?:\.\d{1,6})?%?\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?\Z")
_EMAIL = re.compile(r"([^@\s/:]+)@([\w-]+(?:\.[\w-]+)+)\Z")
_DOTTED = re.compile(r"[\w-]+(?:\.[\w-]+)+\Z")
_TOKEN = re.compile(f"({UUID}|[^/\\s,;=@:(){{}}$%\"'\\[\\]#!|<>&?]+)", re.IGNORECASE)

_BIG = 1 << 64
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_WIDE = {2: "äöüéèçñåøß", 3: "–—‘’“”•…‰€"}
_FAR = {2: "жзийклмноп", 3: "一丁七三上下不与世中", 4: "😀😁😂😃😄😅😆😇😈😉"}
"""What stands for characters beyond ASCII, by length in UTF-8; the first fit into latin1 as MySQL means it."""


class Masker:
    """Masks values under one key. ``words``, in whatever case, are left as they are: the services' own vocabulary."""

    def __init__(self, key: bytes, words: Collection[str] = (), *, wide_nets: Collection[int] = ()) -> None:
        self._key = key
        self._words = frozenset(_fold(word) for word in words)
        self._hosts: dict[str, str] = {}
        usable = [a for a in range(1, 224) if a not in (127, 169)]
        shuffled = sorted(usable, key=lambda a: self._digest(b"octet", bytes([a])))
        self._first = dict(zip(usable, shuffled, strict=True))
        # The second octet of a net wider than /16 is part of its hosts' addresses and stays.
        self._second = {a: 0 if a in wide_nets else self._digest(b"second", bytes([a]))[0] for a in usable}
        secret = self._digest(b"mac", b"")
        self._mac_factor = int.from_bytes(secret[:3], "big") | 1
        self._mac_shift = int.from_bytes(secret[3:6], "big")
        self.mask = functools.lru_cache(maxsize=1 << 16)(self._mask)

    def learn_hosts(self, hosts: Iterable[str]) -> None:
        """Hosts whose names stand as uuid5 in ``device_id`` of DHCP ports; the short form of each is learned too."""
        for host in hosts:
            for name in (host, host.partition(".")[0]):
                new = self.mask(name)
                self._hosts[str(uuid.uuid5(uuid.NAMESPACE_DNS, name))] = str(uuid.uuid5(uuid.NAMESPACE_DNS, new))
        self.mask.cache_clear()

    def _mask(self, value: str) -> str:
        """The mask of one value, by its shape."""
        if not value or _fold(value) in self._words or _NUMBER.match(value) or _DATE.match(value):
            return value
        if _WHOLE_UUID.match(value):
            return self._uuid(value)
        if dhcp := _DHCP.match(value):
            return f"dhcp{self._hosts.get(dhcp[1]) or self._uuid(dhcp[1])}-{self._uuid(dhcp[2])}"
        if _MAC.match(value):
            return self._mac(value)
        if _IPV4.match(value) and (address := self._ipv4(value)):
            return address
        if ":" in value and _IPV6.match(value) and (address := self._ipv6(value)):
            return address
        if email := _EMAIL.match(value):
            return f"{self._text(email[1])}@{self._dotted(email[2])}"
        if _DOTTED.match(value):
            return self._dotted(value)
        if _UUID.search(value) or "://" in value:
            return self.parts(value)
        return self._text(value)

    def parts(self, value: str) -> str:
        """The mask of a text made of several values: a URL, a path, a message; what stands between them is kept."""
        return _TOKEN.sub(lambda match: self._part(match[0]), value)

    def _part(self, token: str) -> str:
        bare = token.rstrip(".")
        if (found := _UUID.search(bare)) and found[0] != bare:
            ends = f"{self._piece(bare[: found.start()])}{self._uuid(found[0])}{self._piece(bare[found.end() :])}"
            return ends + token[len(bare) :]
        return self.mask(bare) + token[len(bare) :]

    def _piece(self, text: str) -> str:
        """What stands before or after a uuid in one token, such as ``volume-``."""
        core = text.strip("-_.")
        return text.replace(core, self.mask(core)) if core else text

    def json(self, value: str, keys: Collection[str]) -> str:
        """The mask of a JSON text, value by value; keys beyond ``keys`` are masked too. No JSON: as any text."""
        try:
            data = json.loads(value)
        except (ValueError, RecursionError):
            return self.mask(value)
        if not isinstance(data, dict | list):
            return self.mask(value)
        escaped = value.isascii()
        return json.dumps(self._walk(data, keys), ensure_ascii=escaped)

    def _walk(self, data: Any, keys: Collection[str]) -> Any:
        if isinstance(data, dict):
            return {k if k in keys else self.mask(k): self._walk(v, keys) for k, v in data.items()}
        if isinstance(data, list):
            return [self._walk(item, keys) for item in data]
        if isinstance(data, str):
            return self.json(data, keys) if data[:1] in ("{", "[") else self._leaf(data)
        return data

    def _leaf(self, value: str) -> str:
        masked = self.mask(value)
        return self.parts(value) if masked != value and "/" in value and not _IPV4.match(value) else masked

    def digits(self, value: str) -> str:
        """The mask of a number: other digits, as many, the first of them never 0; for columns that no service knows."""
        core = value.lstrip("-0.")
        alphabets = [_alphabet(character) for character in core]
        if core:
            alphabets[0] = _DIGITS[1:]
        return value[: len(value) - len(core)] + self._permuted(core, alphabets)

    def _digest(self, purpose: bytes, data: bytes) -> bytes:
        return hmac.digest(self._key, purpose + b"\0" + data, "sha256")

    def _uuid(self, value: str) -> str:
        """First block, version and variant stay, so the order by id does; 22 of 32 digits are keyed."""
        plain = value.replace("-", "").lower()
        keyed = self._digest(b"uuid", plain.encode()).hex()
        new = plain[:8] + keyed[8:12] + plain[12] + keyed[13:16] + plain[16] + keyed[17:32]
        if value.isupper():
            new = new.upper()
        return "-".join((new[:8], new[8:12], new[12:16], new[16:20], new[20:])) if "-" in value else new

    def _mac(self, value: str) -> str:
        low = int(value[9:].replace(":", ""), 16)
        text = f"{(low * self._mac_factor + self._mac_shift) % (1 << 24):06x}"
        new = f"{value[:9]}{text[:2]}:{text[2:4]}:{text[4:]}"
        return new.upper() if value.isupper() else new

    def _ipv4(self, value: str) -> str:
        """The first two octets are keyed, the last two stay: nets stay nets, and the order within them too."""
        match = _IPV4.match(value)
        assert match
        a, b, c, d = (int(match[i]) for i in range(1, 5))
        if max(a, b, c, d) > 255:
            return ""
        if a not in self._first or (a, b, c, d) == (0, 0, 0, 0):
            return value
        return f"{self._first[a]}.{b ^ self._second[a]}.{c}.{d}{match[5] or ''}"

    def _ipv6(self, value: str) -> str:
        text, slash, length = value.partition("/")
        try:
            packed = bytearray(ipaddress.IPv6Address(text).packed)
        except ValueError:
            return ""
        if any(packed[:6]) and packed[0] not in (0xFE, 0xFF):
            packed[1:6] = (x ^ y for x, y in zip(packed[1:6], self._digest(b"v6", bytes(packed[:1])), strict=False))
        if packed[11:13] == b"\xff\xfe":
            low = int.from_bytes(packed[13:], "big")
            packed[13:] = ((low * self._mac_factor + self._mac_shift) % (1 << 24)).to_bytes(3, "big")
        return str(ipaddress.IPv6Address(bytes(packed))) + slash + length

    def _dotted(self, value: str) -> str:
        """Host names and the like, label by label: the first label of an FQDN is masked as the short name is."""
        return ".".join(self.mask(label) for label in value.split("."))

    def _text(self, value: str) -> str:
        folded = _fold(value)
        alphabets = [_alphabet(character) for character in folded]
        masked = self._permuted(folded, alphabets)
        while masked in self._words:  # A mask that is a word of the services would pass for it: go on.
            masked = self._permuted(masked, alphabets)
        return "".join(
            new.upper() if old.isupper() and len(new.upper()) == 1 else new
            for new, old in zip(masked, value, strict=True)
        )

    def _permuted(self, folded: str, alphabets: list[str]) -> str:
        size = 1
        for alphabet in alphabets:
            size *= len(alphabet) or 1
        if size == 1:
            return folded
        form = "".join(alphabet[:1] or character for alphabet, character in zip(alphabets, folded, strict=True))
        if size < _BIG and all(c in a for c, a in zip(folded, alphabets, strict=True) if a):
            number = 0
            for character, alphabet in zip(folded, alphabets, strict=True):
                if alphabet:
                    number = number * len(alphabet) + alphabet.index(character)
            number = self._walked(number, size, form.encode("utf-8", "surrogatepass"))
        else:
            number = self._stream(folded.encode("utf-8", "surrogatepass"), (size.bit_length() + 128) // 8 + 1)
        out = []
        for character, alphabet in zip(reversed(folded), reversed(alphabets), strict=True):
            if alphabet:
                number, digit = divmod(number, len(alphabet))
                out.append(alphabet[digit])
            else:
                out.append(character)
        return "".join(reversed(out))

    def _walked(self, number: int, size: int, form: bytes) -> int:
        """A permutation of the numbers below ``size``: four rounds of a Feistel network, again until below it."""
        half = max(1, (size.bit_length() + 1) // 2)
        limit = (1 << half) - 1
        rounds = [form + bytes([i]) for i in range(4)]
        while True:
            left, right = number >> half, number & limit
            for name in rounds:
                keyed = int.from_bytes(self._digest(b"short", name + right.to_bytes(8, "big"))[:8], "big")
                left, right = right, left ^ (keyed & limit)
            number = left << half | right
            if number < size:
                return number

    def _stream(self, data: bytes, length: int) -> int:
        seed = self._digest(b"long", data)
        blocks = b"".join(hmac.digest(seed, bytes([i & 0xFF, i >> 8]), "sha256") for i in range(length // 32 + 1))
        return int.from_bytes(blocks[:length], "big")


def dropped(value: str) -> str:
    """Content that is not needed at all: as many x's as there were characters."""
    return "x" * len(value)


def _fold(value: str) -> str:
    """Lower case, character for character; those whose small letter is of another length stay."""
    return value.lower() if value.isascii() else "".join(map(_small, value))


@functools.lru_cache(maxsize=1 << 12)
def _small(character: str) -> str:
    low = character.lower()
    same = len(low) == 1 and len(low.encode(errors="surrogatepass")) == len(character.encode(errors="surrogatepass"))
    return low if same else character


def _alphabet(character: str) -> str:
    """What a character may become; nothing where it stays: punctuation, space, bytes that are no text."""
    if character.isascii():
        if character.isdigit():
            return _DIGITS
        return _LOWER if character.isalpha() else ""
    if "\ud800" <= character <= "\udfff":
        return ""
    size = len(character.encode())
    try:
        character.encode("cp1252")
    except UnicodeEncodeError:
        return _FAR[size]
    return _WIDE[size]

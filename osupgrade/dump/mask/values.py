"""Masks: what a value becomes, by its shape and a key. Nothing here knows a database.

The same value always becomes the same mask, in every table and service, so whatever is connected by equal values
stays connected. A mask keeps length, alphabet, upper and lower case and punctuation, and two values of the same form
never get the same mask. Values that differ only in case, which MySQL's collations hold equal, still differ only in
case. Ids in the form of a uuid are masked by HMAC alone, so that a server can do it too (:meth:`Masker.uuid_sql`).
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import ipaddress
import json
import re
import uuid
from collections.abc import Collection, Iterable
from typing import Any

from osupgrade.dump.mask import sql
from osupgrade.dump.mask.permute import DIGITS, Permutation, alphabet, fold, recase
from osupgrade.dump.mask.sql import NIL
from osupgrade.model.errors import LabFault

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])"

_UUID = re.compile(UUID, re.IGNORECASE)
_WHOLE_UUID = re.compile(f"(?:{UUID})\\Z", re.IGNORECASE)
_BARE_HEX = re.compile(r"[0-9a-f]{32}\Z")
_MAC = re.compile(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\Z")
_IPV4 = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(/\d{1,2})?\Z")
_IPV6 = re.compile(r"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*(?:/\d{1,3})?\Z")
_NUMBER = re.compile(r"-?\d{1,5}(?:\.\d{1,6})?%?\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?\Z")
_EMAIL = re.compile(r"([^@\s/:]+)@([\w-]+(?:\.[\w-]+)+)\Z")
_DOTTED = re.compile(r"[\w-]+(?:\.[\w-]+)+\Z")
_GROUPS = r"(?<![\w.+-])(?!\d{4}-\d\d-\d\d)\+?\d{1,5}(?:[ -]\d{1,5}){2,}(?![\w.:-])"
"""A number in groups, as phone and card numbers are written."""
_TOKEN = re.compile(f"({UUID}|{_GROUPS}|[^/\\s,;=@:(){{}}$%\"'\\[\\]#!|<>&?]+)", re.IGNORECASE)
_GROUPED = re.compile(f"(?:{_GROUPS})\\Z")
_EXPONENT = re.compile(r"([^eE]*)([eE][+-]?\d+)?\Z")

SMALL = 5
"""Digits of numbers that say nothing wherever they occur: counts, ports, tags, sizes."""
PLAIN = 9
"""Digits of numbers that say nothing under a key of JSON that the services have; phone and card numbers have more."""
_PRIVATE = frozenset({10, 100, 172})
"""First octets of private blocks wider than /16 (RFC 1918 and 6598). Nets are cut out of them at any length, and a dump
of one service does not hold the nets that another knows: what is masked apart has to fit together too."""


class Masker:
    """Masks values under one key.

    ``words``, in whatever case, are left as they are: the services' own vocabulary. Of JSON, keys other than
    ``json_keys`` are masked too, and what is under ``secret_keys`` is masked as a secret. ``wide_nets`` are first
    octets of IPv4 nets wider than /16, beside the private ones. A value that begins with ``own_prefix`` keeps it. Of
    a value that matches one of ``composed``, the groups are masked one by one; one that matches one of ``kept`` stays.
    """

    def __init__(
        self,
        key: bytes,
        words: Collection[str] = (),
        *,
        json_keys: Collection[str] = (),
        secret_keys: Collection[str] = (),
        wide_nets: Collection[int] = (),
        own_prefix: str = "",
        composed: Collection[re.Pattern[str]] = (),
        kept: Collection[re.Pattern[str]] = (),
    ) -> None:
        self._key = key
        self._own_prefix = own_prefix
        self._composed, self._kept = tuple(composed), tuple(kept)
        self._words = frozenset(fold(word) for word in words)
        self._json_keys = frozenset(json_keys)
        self._secret_keys = frozenset(secret_keys)
        self._derived: dict[str, str] = {}
        usable = [a for a in range(1, 224) if a not in (127, 169)]
        shuffled = sorted(usable, key=lambda a: self._digest(b"octet", bytes([a])))
        self._first = dict(zip(usable, shuffled, strict=True))
        # The second octet of a net wider than /16 is part of its hosts' addresses and stays.
        wide = _PRIVATE.union(wide_nets)
        self._second = {a: 0 if a in wide else self._digest(b"second", bytes([a]))[0] for a in usable}
        secret = self._digest(b"mac", b"")
        self._uuid_key = self._digest(b"uuid", b"")
        self._secret_key = self._digest(b"secret", b"")
        self._permutation = Permutation(self._digest(b"text", b""))
        self._mac_factor = int.from_bytes(secret[:3], "big") | 1
        self._mac_shift = int.from_bytes(secret[3:6], "big")
        self.mask = functools.lru_cache(maxsize=1 << 13)(self._mask)

    def learn_derived(self, way: str, values: Iterable[str]) -> None:
        """Values out of which services compute others, which must follow them: ``way`` is a key of ``DERIVATIONS``."""
        if way not in DERIVATIONS:
            raise LabFault(f"the policy derives values by {way!r}; known ways are {', '.join(DERIVATIONS)}")
        for value in values:
            for form in dict.fromkeys((value, value.partition(".")[0])):
                self._derived[DERIVATIONS[way](form)] = DERIVATIONS[way](self.mask(form))
        self.mask.cache_clear()

    def _mask(self, value: str) -> str:
        """The mask of one value, by its shape."""
        if not value or fold(value) in self._words or _NUMBER.match(value) or _DATE.match(value):
            return value
        if self._own_prefix and value.startswith(self._own_prefix):
            return self._own_prefix + self._text(value.removeprefix(self._own_prefix))
        if _WHOLE_UUID.match(value):
            return self._uuid(value)
        if derived := self._derived.get(value):
            return derived
        if any(pattern.fullmatch(value) for pattern in self._kept):
            return value
        for pattern in self._composed:
            if match := pattern.fullmatch(value):
                return self._groups(match)
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

    def _groups(self, match: re.Match[str]) -> str:
        """A value of which the groups are masked, and what is between them stays."""
        text, done = "", 0
        for number, group in enumerate(match.groups(), 1):
            text += match.string[done : match.start(number)] + (self._derived.get(group) or self.mask(group))
            done = match.end(number)
        return text + match.string[done:]

    def parts(self, value: str) -> str:
        """The mask of a text made of several values: a URL, a path, a message; what is between them is kept."""
        return _TOKEN.sub(lambda match: self._part(match[0]), value)

    def _part(self, token: str) -> str:
        if " " in token or _GROUPED.match(token):
            long = sum(map(str.isdigit, token)) >= PLAIN
            return self._text(token) if long else re.sub(r"\d+", lambda match: self.mask(match[0]), token)
        bare = token.rstrip(".")
        if (found := _UUID.search(bare)) and found[0] != bare:
            ends = f"{self._piece(bare[: found.start()])}{self._uuid(found[0])}{self._piece(bare[found.end() :])}"
            return ends + token[len(bare) :]
        return self.mask(bare) + token[len(bare) :]

    def _piece(self, text: str) -> str:
        """What comes before or after a uuid in one token, such as ``volume-``."""
        core = text.strip("-_.")
        return text.replace(core, self.mask(core)) if core else text

    def json(self, value: str) -> str:
        """The mask of a JSON text, value by value; of anything else, as of any text."""
        try:
            data = json.loads(value)
            if not isinstance(data, dict | list | str):
                return self.mask(value)
            masked = self.json(data) if isinstance(data, str) else self._walk(data, known=True)  # a text: encoded twice
            compact = (",", ":") if ": " not in value else None
            text = json.dumps(masked, ensure_ascii=value.isascii(), separators=compact)
        except (ValueError, RecursionError):
            return self.mask(value)
        try:
            text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # half of a character, written as an escape
            return json.dumps(masked, separators=compact)
        return text

    def _walk(self, data: Any, *, known: bool) -> Any:
        """``known`` is whether it is under a key that the services have."""
        if isinstance(data, dict):
            return {k if k in self._json_keys else self.mask(k): self._under(k, v) for k, v in data.items()}
        if isinstance(data, list):
            return [self._walk(item, known=known) for item in data]
        if isinstance(data, str):
            return self.json(data) if data[:1] in ("{", "[") else self._leaf(data)
        if isinstance(data, int | float) and not isinstance(data, bool):
            return self.number(data, PLAIN if known else SMALL)
        return data

    def _under(self, key: str, value: Any) -> Any:
        if isinstance(value, str) and key.lower() in self._secret_keys:
            return self.secret(value)
        return self._walk(value, known=key in self._json_keys)

    def _leaf(self, value: str) -> str:
        masked = self.mask(value)
        return self.parts(value) if masked != value and "/" in value and not _IPV4.match(value) else masked

    def number(self, value: int | float, longest: int) -> int | float:
        """The mask of a number of JSON with more than ``longest`` digits before or after its point."""
        whole, _, fraction = repr(value).lstrip("-").partition(".")
        if max(len(whole), len(fraction)) <= longest or not whole.isdigit():
            return value
        return type(value)(self.digits(repr(value)))

    def secret(self, value: str) -> str:
        """A keyed hash of the same length and alphabet, of which nothing is kept: for passwords, tokens and keys."""
        if _BARE_HEX.match(value):
            return hmac.digest(self._secret_key, value.encode(), "sha1").hex()[:32]
        return self._text(value)

    def digits(self, value: str, most: int = 0) -> str:
        """The mask of a number: other digits, as many, the first of them never 0; for columns that no service knows.

        ``most`` is the largest number that fits its column, if there is one. An exponent stays.
        """
        match = _EXPONENT.match(value)
        mantissa, exponent = (match[1], match[2] or "") if match else (value, "")
        core = mantissa.lstrip("-0.")
        if not core:
            return value
        alphabets = [alphabet(character) for character in core]
        if core[0].isdigit():
            alphabets[0] = DIGITS[1:]
        sign = value[: len(mantissa) - len(core)]
        masked = self._permutation.text(core, alphabets)
        # Going on until it fits keeps different numbers different; the number itself fits, so there is an end.
        while most and masked.isdigit() and int(masked) > most:
            masked = self._permutation.text(masked, alphabets)
        return sign + masked + exponent

    def foreign(self, value: bytes) -> bytes:
        """The mask of a text in an encoding that is not known here: bytes beyond ASCII become letters."""
        stream = self._permutation.stream(value, len(value))
        letters = bytes(old if old < 128 else 97 + drawn % 26 for old, drawn in zip(value, stream, strict=True))
        return self.mask(letters.decode("ascii")).encode("ascii") if letters == value else letters

    def _digest(self, purpose: bytes, data: bytes) -> bytes:
        return hmac.digest(self._key, purpose + b"\0" + data, "sha256")

    def _uuid(self, value: str) -> str:
        """The first ten digits, version and variant stay, so the order by id and names of tap devices do; 20 are keyed.

        HMAC-SHA1, because MySQL computes that twice as fast as any SHA-2; :func:`uuid_sql` says the same in SQL.
        """
        plain = value.replace("-", "").lower()
        if plain == NIL:
            return value
        keyed = hmac.digest(self._uuid_key, plain.encode(), "sha1").hex()
        new = f"{plain[:10]}{keyed[11:13]}{plain[12]}{keyed[15:18]}{plain[16]}{keyed[20:23]}{keyed[24:36]}"
        if value.isupper():
            new = new.upper()
        return "-".join((new[:8], new[8:12], new[12:16], new[16:20], new[20:])) if "-" in value else new

    def uuid_sql(self, column: str) -> str:
        """An SQL expression: the mask of ``column``, a text for which :func:`is_uuid_sql` holds."""
        return sql.uuid_sql(self._uuid_key, column)

    def secret_sql(self, column: str) -> str:
        """An SQL expression: the mask of ``column``, a text for which :func:`is_bare_hex_sql` holds, as a secret."""
        return sql.secret_sql(self._secret_key, column)

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
        return self.text(value, self._words)

    def mask_beside(self, value: str, others: Collection[str]) -> str:
        """The mask of a value that must not become one of ``others``, which are in small letters and stay."""
        masked = self.mask(value)
        while fold(masked) in others and masked != value:
            masked = self._text(masked)
        return masked

    def is_date(self, value: str) -> bool:
        """Whether a text is a date, which :meth:`mask` leaves as it is."""
        return _DATE.match(value) is not None

    def constant(self, purpose: str, least: int, most: int) -> int:
        """A number between two that is the same wherever it is needed for ``purpose``."""
        drawn = int.from_bytes(self._digest(b"constant", purpose.encode()), "big")
        return least + drawn % (most - least + 1)

    def blob(self, value: bytes) -> bytes:
        """The mask of bytes that are no text: others, as many; no two of a length become the same."""
        middle = (len(value) + 1) // 2
        halves = [value[:middle], value[middle:]]
        for number in range(4):
            turned, other = number % 2, 1 - number % 2
            stream = self._permutation.stream(b"%d\0" % number + halves[other], len(halves[turned]))
            halves[turned] = bytes(a ^ b for a, b in zip(halves[turned], stream, strict=True))
        return b"".join(halves)

    def text(self, value: str, avoid: Collection[str]) -> str:
        """Another text of the same form. It is none of ``avoid``, in small letters, among which ``value`` is not."""
        folded = fold(value)
        alphabets = [alphabet(character) for character in folded]
        masked = self._permutation.text(folded, alphabets)
        while masked in avoid and masked != folded:  # it would pass for one of them
            masked = self._permutation.text(masked, alphabets)
        return masked if folded == value else recase(masked, value)


DERIVATIONS = {
    "uuid5-dns": lambda value: str(uuid.uuid5(uuid.NAMESPACE_DNS, value)),
    "sha256": lambda value: hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest(),
}
"""How services compute a value out of another."""

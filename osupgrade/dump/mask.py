"""Masks: what a value becomes, by its shape and a key. Nothing here knows a database.

The same value always becomes the same mask, whatever table or service it stands in, so everything that hangs together
by equal values still does. A mask keeps length, alphabet, upper and lower case and punctuation, and two values of the
same form never get the same mask: short ones go through a permutation (a Feistel network over their own alphabet),
longer ones through a keyed stream. Values that differ only in case, which MySQL's collations take for equal, still
differ only in case. Ids in the form of a uuid are masked by HMAC alone, so a server can do it too (:func:`uuid_sql`).
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import ipaddress
import json
import math
import re
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])"

_UUID = re.compile(UUID, re.IGNORECASE)
_WHOLE_UUID = re.compile(f"(?:{UUID})\\Z", re.IGNORECASE)
_BARE_HEX = re.compile(r"[0-9a-f]{32}\Z")
_DHCP = re.compile(r"dhcp([0-9a-f-]{36})-([0-9a-f-]{36})\Z")
_MAC = re.compile(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\Z")
_IPV4 = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(/\d{1,2})?\Z")
_IPV6 = re.compile(r"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*(?:/\d{1,3})?\Z")
_NUMBER = re.compile(r"-?\d{1,5}(?:\.\d{1,6})?%?\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?\Z")
_EMAIL = re.compile(r"([^@\s/:]+)@([\w-]+(?:\.[\w-]+)+)\Z")
_DOTTED = re.compile(r"[\w-]+(?:\.[\w-]+)+\Z")
_TAP = re.compile(r"(?:tap|qvo|qvb|qbr|qr-|qg-)[0-9a-f]{8}(?:-[0-9a-f]{2})?\Z")
_TOKEN = re.compile(f"({UUID}|[^/\\s,;=@:(){{}}$%\"'\\[\\]#!|<>&?]+)", re.IGNORECASE)

_BIG = 1 << 64
_ROUNDS = 6
NIL = "0" * 32
"""The uuid of nothing: no secret, and nova knows cell0 by it."""
_PRIVATE = frozenset({10, 100, 172})
"""First octets of private blocks wider than /16 (RFC 1918 and 6598). Nets are cut out of them at any length, and a dump
of one service does not tell of the nets that another knows: what is masked apart has to fit together too."""
_PAD = 64
"""Bytes of a block of SHA-1, which HMAC fills the key up to."""
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_WIDE = {2: "äöüéçñìðþ", 3: "–—‘’“”•…‰€"}
_FAR = {2: "жзиклмнопр", 3: "一丁七三上下不与世中", 4: "😀😁😂😃😄😅😆😇😈😉"}
_FAR_CASED = {3: "ạẹịọụḅḍḥḳṃ"}
"""What stands for characters beyond ASCII, by length in UTF-8; the first fit into latin1 as MySQL means it. No two of a
row are equal under MySQL's collations, and letters that have a capital are put for letters that have one."""


class Masker:
    """Masks values under one key.

    ``words``, in whatever case, are left as they are: the services' own vocabulary. Of JSON, keys other than
    ``json_keys`` are masked too, and what stands under ``secret_keys`` is masked as a secret. ``wide_nets`` are first
    octets of IPv4 nets wider than /16, beside the private ones. A value that begins with ``own_prefix`` keeps it.
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
    ) -> None:
        self._key = key
        self._own_prefix = own_prefix
        self._words = frozenset(_fold(word) for word in words)
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
        self._text_key = self._digest(b"text", b"")
        self._mac_factor = int.from_bytes(secret[:3], "big") | 1
        self._mac_shift = int.from_bytes(secret[3:6], "big")
        self.mask = functools.lru_cache(maxsize=1 << 16)(self._mask)

    def learn_hosts(self, hosts: Iterable[str]) -> None:
        """Hosts whose names stand as uuid5 in ``device_id`` of DHCP ports; the short form of each is learned too."""
        for host in hosts:
            for name in (host, host.partition(".")[0]):
                new = self.mask(name)
                self._derived[str(uuid.uuid5(uuid.NAMESPACE_DNS, name))] = str(uuid.uuid5(uuid.NAMESPACE_DNS, new))
        self.mask.cache_clear()

    def learn_access(self, keys: Iterable[str]) -> None:
        """EC2 access keys: the id of a credential is the SHA-256 of its access key (keystone's 033 counts on it)."""
        for key in keys:
            old, new = (hashlib.sha256(text.encode("utf-8", "surrogateescape")) for text in (key, self.mask(key)))
            self._derived[old.hexdigest()] = new.hexdigest()
        self.mask.cache_clear()

    def _mask(self, value: str) -> str:
        """The mask of one value, by its shape."""
        if not value or _fold(value) in self._words or _NUMBER.match(value) or _DATE.match(value):
            return value
        if self._own_prefix and value.startswith(self._own_prefix):
            return self._own_prefix + self._text(value.removeprefix(self._own_prefix))
        if _WHOLE_UUID.match(value):
            return self._uuid(value)
        if (derived := self._derived.get(value)) or _TAP.match(value):
            return derived or value  # A tap device is named by what masks keep of its port's id.
        if dhcp := _DHCP.match(value):
            return f"dhcp{self._derived.get(dhcp[1]) or self._uuid(dhcp[1])}-{self._uuid(dhcp[2])}"
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

    def json(self, value: str) -> str:
        """The mask of a JSON text, value by value. No JSON: as any text."""
        try:
            data = json.loads(value)
        except (ValueError, RecursionError):
            return self.mask(value)
        if not isinstance(data, dict | list | str):
            return self.mask(value)
        masked = self.json(data) if isinstance(data, str) else self._walk(data)  # a text: encoded twice
        compact = (",", ":") if ": " not in value else None
        return json.dumps(masked, ensure_ascii=value.isascii(), separators=compact)

    def _walk(self, data: Any) -> Any:
        if isinstance(data, dict):
            return {k if k in self._json_keys else self.mask(k): self._under(k, v) for k, v in data.items()}
        if isinstance(data, list):
            return [self._walk(item) for item in data]
        if isinstance(data, str):
            return self.json(data) if data[:1] in ("{", "[") else self._leaf(data)
        return data

    def _under(self, key: str, value: Any) -> Any:
        return self.secret(value) if isinstance(value, str) and key.lower() in self._secret_keys else self._walk(value)

    def _leaf(self, value: str) -> str:
        masked = self.mask(value)
        return self.parts(value) if masked != value and "/" in value and not _IPV4.match(value) else masked

    def secret(self, value: str) -> str:
        """A keyed hash of the same length and alphabet, of which nothing is kept: for passwords, tokens and keys."""
        if _BARE_HEX.match(value):
            return hmac.digest(self._secret_key, value.encode(), "sha1").hex()[:32]
        return self._text(value)

    def digits(self, value: str) -> str:
        """The mask of a number: other digits, as many, the first of them never 0; for columns that no service knows."""
        core = value.lstrip("-0.")
        alphabets = [_alphabet(character) for character in core]
        if core:
            alphabets[0] = _DIGITS[1:]
        return value[: len(value) - len(core)] + self._permuted(core, alphabets)

    def foreign(self, value: bytes) -> bytes:
        """The mask of a text in an encoding that is not known here: bytes beyond ASCII become letters."""
        stream = hashlib.shake_128(self._text_key + value).digest(len(value))
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
        """An SQL expression: the mask of ``column``, a text for which :func:`is_uuid_sql` holds.

        Whatever the form, it is built with dashes out of one HMAC and what stays is put over it.
        """

        def keyed(plain: str, begin: str, third: str, fourth: str) -> str:
            made = f"LEFT({_hmac_sql(self._uuid_key, plain)}, 36)"
            for place, length, part in ((1, 11, begin), (14, 2, third), (19, 2, fourth), (24, 1, "'-'")):
                made = f"INSERT({made}, {place}, {length}, {part})"
            return made

        dashed = keyed(
            f"REPLACE({column}, '-', '')",
            f"LEFT({column}, 11)",
            f"SUBSTR({column}, 14, 2)",
            f"SUBSTR({column}, 19, 2)",
        )
        bare = keyed(
            column,
            f"CONCAT(LEFT({column}, 8), '-', SUBSTR({column}, 9, 2))",
            f"CONCAT('-', SUBSTR({column}, 13, 1))",
            f"CONCAT('-', SUBSTR({column}, 17, 1))",
        )
        return f"IF(LENGTH({column}) = 36, {dashed}, REPLACE({bare}, '-', ''))"

    def secret_sql(self, column: str) -> str:
        """An SQL expression: the mask of ``column``, a text for which :func:`is_bare_hex_sql` holds, as a secret."""
        return f"LEFT({_hmac_sql(self._secret_key, column)}, 32)"

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
        if folded == value:
            return masked
        return "".join(
            new.upper() if old.isupper() and len(new.upper()) == 1 else new
            for new, old in zip(masked, value, strict=True)
        )

    def _permuted(self, folded: str, alphabets: list[str]) -> str:
        """Another text over the same alphabets; no two texts of one form get the same where it matters, see above."""
        size = math.prod([len(alphabet) or 1 for alphabet in alphabets]) if len(folded) < 64 else _BIG
        if size == 1:
            return folded
        if size >= _BIG or not all(c in a for c, a in zip(folded, alphabets, strict=True) if a):
            stream = hashlib.shake_128(self._text_key + folded.encode("utf-8", "surrogatepass")).digest(len(folded))
            drawn = zip(folded, alphabets, stream, strict=True)
            return "".join([a[byte % len(a)] if a else c for c, a, byte in drawn])
        places = [place for place, alphabet in enumerate(alphabets) if alphabet]
        middle = (len(places) + 1) // 2
        halves = [_Half.of(folded, alphabets, part) for part in (places[:middle], places[middle:])]
        form = "".join([a[0] if a else c for c, a in zip(folded, alphabets, strict=True)]).encode(
            "utf-8", "surrogatepass"
        )
        # Both halves wrap around at their own size, so whatever comes out is a text of this form.
        for number in range(_ROUNDS):
            turned, other = halves[number % 2], halves[1 - number % 2]
            data = b"%d\0%d\0%s" % (number, other.number, form)
            keyed = hashlib.blake2b(data, digest_size=16, key=self._text_key).digest()
            turned.number = (turned.number + int.from_bytes(keyed, "big")) % turned.size
        out = list(folded)
        for half in halves:
            half.into(out, alphabets)
        return "".join(out)


@dataclass
class _Half:
    """Half of a text's characters as one number below ``size``."""

    places: list[int]
    number: int
    size: int

    @classmethod
    def of(cls, text: str, alphabets: list[str], places: list[int]) -> _Half:
        number, size = 0, 1
        for place in places:
            alphabet = alphabets[place]
            number = number * len(alphabet) + alphabet.index(text[place])
            size *= len(alphabet)
        return cls(places, number, size)

    def into(self, out: list[str], alphabets: list[str]) -> None:
        number = self.number
        for place in reversed(self.places):
            number, digit = divmod(number, len(alphabets[place]))
            out[place] = alphabets[place][digit]


def is_uuid_sql(column: str) -> str:
    """An SQL condition: whether ``column`` holds a uuid to mask in small letters, dashed or bare; never NULL."""
    plain = f"REPLACE({column}, '-', '')"
    return (
        f"CASE LENGTH({column}) WHEN 36 THEN {column} LIKE '________-____-____-____-____________' AND "
        f"{is_bare_hex_sql(plain)} AND {plain} <> '{NIL}' "
        f"WHEN 32 THEN {is_bare_hex_sql(column)} AND {column} <> '{NIL}' ELSE 0 END"
    )


def is_bare_hex_sql(column: str) -> str:
    """An SQL condition: whether ``column`` holds 32 hexadecimal digits in small letters; never NULL."""
    same = f"BINARY LOWER(HEX(UNHEX({column}))) = BINARY {column}"
    return f"IF(LENGTH({column}) = 32, IFNULL({same}, 0), 0)"


def _hmac_sql(key: bytes, text: str) -> str:
    """HMAC-SHA1 in SQL, as hexadecimal digits; ``key`` is shorter than SHA-1's block.

    Bytes go in and come out: MariaDB reads a literal of bytes in the character set of the column beside it (1300), and
    does not put a hash, which is text of the connection's, into a column's text of another (1267).
    """
    inner, outer = (bytes(a ^ b for a in key.ljust(_PAD, b"\0")).hex() for b in (0x36, 0x5C))
    return f"BINARY SHA1(CONCAT(X'{outer}', UNHEX(SHA1(CONCAT(X'{inner}', BINARY {text})))))"


def _fold(value: str) -> str:
    """Lower case, character for character; those whose small letter is of another length stay."""
    return value.lower() if value.isascii() else "".join(map(_small, value))


@functools.lru_cache(maxsize=1 << 12)
def _small(character: str) -> str:
    low = character.lower()
    same = len(low) == 1 and len(low.encode(errors="surrogatepass")) == len(character.encode(errors="surrogatepass"))
    return low if same else character


@functools.lru_cache(maxsize=1 << 12)
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
        cased = character.lower() != character.upper()
        return _FAR_CASED.get(size, _FAR[size]) if cased else _FAR[size]
    return _WIDE[size]

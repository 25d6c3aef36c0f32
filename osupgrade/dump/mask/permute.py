"""Another text of the same form: the same length, alphabets and punctuation, other letters and digits."""

from __future__ import annotations

import functools
import hashlib
import math
from dataclasses import dataclass

_BIG = 1 << 64
_ROUNDS = 6
LOWER = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
_WIDE = {2: "äöüéçñìðþ", 3: "–—‘’“”•…‰€"}
_FAR = {2: "жзиклмнопр", 3: "一丁七三上下不与世中", 4: "😀😁😂😃😄😅😆😇😈😉"}
_FAR_CASED = {3: "ạẹịọụḅḍḥḳṃ"}
"""Replacements for characters beyond ASCII, by length in UTF-8; the first fit into latin1 as MySQL means it. No two of
a row are equal under MySQL's collations, and letters that have a capital are replaced by letters that have one."""


class Permutation:
    """A keyed permutation of the texts of each form.

    Short texts go through a Feistel network over their own alphabets, so no two of them meet; longer ones through a
    keyed stream, where two meeting is a matter of 1 in 2**64.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def stream(self, data: bytes, length: int) -> bytes:
        """Keyed bytes for ``data``."""
        return hashlib.shake_128(self._key + data).digest(length)

    def text(self, folded: str, alphabets: list[str]) -> str:
        """Another text over the same alphabets; an empty alphabet keeps its character."""
        size = math.prod([len(alphabet) or 1 for alphabet in alphabets]) if len(folded) < 64 else _BIG
        if size == 1:
            return folded
        if size >= _BIG or not all(c in a for c, a in zip(folded, alphabets, strict=True) if a):
            stream = self.stream(folded.encode("utf-8", "surrogatepass"), len(folded))
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
            keyed = hashlib.blake2b(data, digest_size=16, key=self._key).digest()
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


def fold(value: str) -> str:
    """Lower case, character for character; those whose small letter is of another length stay."""
    return value.lower() if value.isascii() else "".join(map(_small, value))


def recase(masked: str, value: str) -> str:
    """``masked`` with capitals where ``value`` has them."""
    return "".join(
        new.upper() if old.isupper() and len(new.upper()) == 1 else new for new, old in zip(masked, value, strict=True)
    )


@functools.lru_cache(maxsize=1 << 12)
def _small(character: str) -> str:
    low = character.lower()
    same = len(low) == 1 and len(low.encode(errors="surrogatepass")) == len(character.encode(errors="surrogatepass"))
    return low if same else character


@functools.lru_cache(maxsize=1 << 12)
def alphabet(character: str) -> str:
    """What a character may become; nothing where it stays: punctuation, space, bytes that are not text."""
    if character.isascii():
        if character.isdigit():
            return DIGITS
        return LOWER if character.isalpha() else ""
    if "\ud800" <= character <= "\udfff":
        return ""
    size = len(character.encode())
    try:
        character.encode("cp1252")
    except UnicodeEncodeError:
        cased = character.lower() != character.upper()
        return _FAR_CASED.get(size, _FAR[size]) if cased else _FAR[size]
    return _WIDE[size]

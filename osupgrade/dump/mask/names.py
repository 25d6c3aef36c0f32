"""Names of tables, columns, indexes, variables: those of the services stay, the site's own become others.

A name is masked word by word, so ``ix_ports_acme`` follows ``ports`` and ``acme``: what MySQL, SQLAlchemy and people
name after something else still is.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from osupgrade.dump.mask.values import SMALL, Masker
from osupgrade.dump.mask.words import words

_WORD = re.compile(r"[^\W_]+")
_STRUCTURE = words(
    "fk fkey ibfk id idx index ix key pk pkey primary seq shadow tbl trg tmp u uc uidx uk uniq unique uq v vw"
)
"""Words that only say what kind of thing a name is for."""


class Names:
    """What names become under a masker; ``known`` are those that stay, in whatever case."""

    def __init__(self, masker: Masker, known: Collection[str]) -> None:
        self._masker = masker
        self._known = frozenset(name.lower() for name in known)
        self._words = self._known | _STRUCTURE
        self.made: dict[str, str] = {}
        """The names that became others, and which."""

    def knows(self, name: str) -> bool:
        """Whether a name is the services' own or SQL's."""
        return name.lower() in self._known

    def mask(self, name: str) -> str:
        """What a name becomes; always the same, and no two become the same."""
        if self.knows(name):
            return name
        if name in self.made:
            return self.made[name]
        masked = _WORD.sub(self._word, name)
        # Going on until it is nobody's keeps different names different.
        while self.knows(masked) and masked != name:
            masked = _WORD.sub(self._word, masked)
        if masked != name:
            self.made[name] = masked
        return masked

    def _word(self, match: re.Match[str]) -> str:
        word = match[0]
        if word.lower() in self._words or (word.isdigit() and len(word) <= SMALL):
            return word
        return self._masker.text(word, self._words)

"""SQL as a server writes it, split into tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(\s*+)(`(?:[^`]|``)*+`|'(?:[^'\\]|''|\\.)*+'|"(?:[^"\\]|""|\\.)*+"|/\*M?!?\d*|\*/|@+|\w++(?:\.\d++)?|\S|\Z)""",
    re.DOTALL,
)
_ESCAPES = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "b": "\b"}


@dataclass(frozen=True)
class Token:
    """A token and the space before it."""

    space: str
    text: str

    @property
    def upper(self) -> str:
        """In capitals, as keywords are compared."""
        return self.text.upper()

    @property
    def is_name(self) -> bool:
        """Whether it is an identifier in backticks."""
        return self.text.startswith("`")

    @property
    def is_text(self) -> bool:
        """Whether it is a literal in quotes."""
        return self.text.startswith(("'", '"'))

    @property
    def bare(self) -> str:
        """An identifier or a text without its quotes."""
        return unquoted(self.text)


def tokens_of(text: str) -> list[Token]:
    """The tokens of SQL as a server writes it."""
    return [Token(match[1], match[2]) for match in _TOKEN.finditer(text) if match[2]]


def unquoted(text: str) -> str:
    """What is between the quotes of an identifier or a text."""
    quote, inner = text[0], text[1:-1]
    inner = inner.replace(quote * 2, quote)
    return inner if quote == "`" else re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), inner, flags=re.DOTALL)


def literal(value: str) -> str:
    """A text as it is in a definition, where no other form of literal may be; for sessions with the usual mode."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0").replace("\n", "\\n") + "'"


@dataclass
class Cursor:
    """A place in a list of tokens."""

    tokens: Sequence[Token]
    place: int = 0

    def __bool__(self) -> bool:
        return self.place < len(self.tokens)

    def peek(self, ahead: int = 0) -> Token:
        """The next token, or one after it; an empty one at the end."""
        return self.tokens[self.place + ahead] if self.place + ahead < len(self.tokens) else Token("", "")

    def take(self) -> Token:
        """The next token, and go on."""
        token = self.peek()
        self.place += 1
        return token

    def group(self) -> list[Token]:
        """From an opening parenthesis to the one that closes it, both included."""
        found, depth = [self.take()], 1
        while self and depth:
            found.append(self.take())
            depth += {"(": 1, ")": -1}.get(found[-1].text, 0)
        return found


def joined(tokens: Sequence[Token]) -> str:
    """Tokens as SQL again."""
    return "".join(token.space + token.text for token in tokens)


def split(tokens: Sequence[Token]) -> list[list[Token]]:
    """A list's elements, between the commas that are not inside of parentheses."""
    found: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "," and not depth:
            found.append([])
        else:
            found[-1].append(token)
    return [element for element in found if element]

"""Which of the leak scan's candidates were masked somewhere: only then is one of them a leak."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from osupgrade.dump.columns import connected, distinct
from osupgrade.dump.leaks import Candidates, tokens
from osupgrade.dump.mask.columns import BINARY, TEXT, Column, Form, mask_function
from osupgrade.dump.mask.values import Masker
from osupgrade.dump.policy import Treatment
from osupgrade.lab.database import DatabaseServer

BATCH_BYTES = 1 << 20
DEFINITIONS = "definitions or code"
"""The place of what is in no column."""


def leaks_of(
    server: DatabaseServer,
    columns: Sequence[Column],
    definitions: Iterable[str],
    candidates: Candidates,
    masker: Masker,
) -> dict[str, set[str]]:
    """Which tokens that are on both sides were masked or left out somewhere, and where.

    ``definitions`` are the texts of definitions and code that were. What is the same before and after is no secret; an
    address may be the mask of another one.
    """
    wanted = frozenset(token for token in candidates.words | candidates.addresses if not _stays(masker, token.decode()))
    found: dict[str, set[str]] = {}
    if not wanted:
        return found
    for batch in _batches(text.encode("utf-8", "surrogateescape") for text in definitions):
        for token in _tokens(b"\n".join(batch)) & wanted:
            found.setdefault(token.decode(), set()).add(DEFINITIONS)
    made: set[bytes] = set()
    with connected(server) as connection:
        for column in columns:
            if column.looked_up or (column.treatment is Treatment.DROP and column.type in TEXT | BINARY):
                function = _nothing if column.treatment is Treatment.DROP else mask_function(Form.of(column), masker)
                values = distinct(connection, column)
                for token in _masked_tokens(values, wanted, function, masker, candidates.addresses, made):
                    found.setdefault(token.decode(), set()).add(str(column))
    return {token: places for token, places in found.items() if token.encode() not in made}


def _nothing(_value: bytes) -> bytes:
    return b""


def _stays(masker: Masker, word: str) -> bool:
    """Whether a mask leaves a word as it is. So does leaving it out, where it was blanked already: it writes x's."""
    return not word.strip("x") or masker.mask(word) == word or masker.parts(word) == word


def _masked_tokens(
    values: Iterator[bytes],
    wanted: frozenset[bytes],
    function: Callable[[bytes], bytes],
    masker: Masker,
    addresses: frozenset[bytes],
    made: set[bytes],
) -> Iterator[bytes]:
    """The wanted tokens that a column's values have and their masks have not.

    Those of ``addresses`` that are masks of addresses in the values are added to ``made``.
    """
    for batch in _batches(values):
        found = tokens(b"\n".join(batch))
        if addresses:
            made |= addresses.intersection(masker.mask(address.decode()).encode() for address in found.addresses)
        if (found.words | found.addresses) & wanted:
            for value in batch:
                if hit := _tokens(value) & wanted:
                    yield from hit - _tokens(function(value))


def _tokens(text: bytes) -> frozenset[bytes]:
    found = tokens(text)
    return found.words | found.addresses


def _batches(values: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for value in values:
        batch.append(value)
        size += len(value)
        if size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch

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

    ``definitions`` are the texts of definitions and code that were. What a mask leaves as it is anyway is no secret; an
    address may be the mask of another one.
    """
    words = {word for word in candidates.words if not _stays(masker, word.decode())}
    made = (
        {masker.mask(address.decode()).encode() for address in candidates.raw_addresses}
        if candidates.addresses
        else set()
    )
    wanted = frozenset(words | (candidates.addresses - made))
    found: dict[str, set[str]] = {}
    if not wanted:
        return found
    for batch in _batches(text.encode("utf-8", "surrogateescape") for text in definitions):
        for token in _tokens(b"\n".join(batch)) & wanted:
            found.setdefault(token.decode(), set()).add(DEFINITIONS)
    with connected(server) as connection:
        for column in columns:
            if column.looked_up or (column.treatment is Treatment.DROP and column.type in TEXT | BINARY):
                function = _nothing if column.treatment is Treatment.DROP else mask_function(Form.of(column), masker)
                for token in _masked_tokens(distinct(connection, column), wanted, function):
                    found.setdefault(token.decode(), set()).add(str(column))
    return found


def _nothing(_value: bytes) -> bytes:
    return b""


def _stays(masker: Masker, word: str) -> bool:
    return masker.mask(word) == word or masker.parts(word) == word


def _masked_tokens(
    values: Iterator[bytes], wanted: frozenset[bytes], function: Callable[[bytes], bytes]
) -> Iterator[bytes]:
    """The wanted tokens that a column's values have and their masks have not."""
    for batch in _batches(values):
        if _tokens(b"\n".join(batch)) & wanted:
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

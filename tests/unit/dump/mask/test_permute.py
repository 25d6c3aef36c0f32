"""Texts of the same form, none of which meets another."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osupgrade.dump.mask.permute import DIGITS, LOWER, Permutation, alphabet, fold, recase

KEYED = Permutation(b"k" * 32)


@pytest.mark.parametrize("form", [(DIGITS,), (DIGITS, DIGITS), (LOWER, "", DIGITS), (LOWER, LOWER)])
def test_every_text_of_a_form_becomes_another_of_it_and_no_two_meet(form):
    texts = ["".join(signs) for signs in itertools.product(*(part or "-" for part in form))]
    found = {KEYED.text(text, list(form)) for text in texts}
    assert found == set(texts)


@given(st.text("abc019-_.é", min_size=1, max_size=80))
def test_the_form_stays(text):
    found = KEYED.text(text, [alphabet(sign) for sign in text])
    assert len(found) == len(text) and len(found.encode()) == len(text.encode())
    assert [sign for sign in found if not alphabet(sign)] == [sign for sign in text if not alphabet(sign)]


def test_another_key_gives_another_text():
    texts = ["".join(pair) for pair in itertools.product(LOWER, LOWER)]
    other = Permutation(b"o" * 32)
    assert [KEYED.text(t, [LOWER, LOWER]) for t in texts] != [other.text(t, [LOWER, LOWER]) for t in texts]


@given(st.text(min_size=1, max_size=20))
def test_case_is_put_back_where_it_was(text):
    small = fold(text)
    assert len(small) == len(text)
    if text.isascii():
        assert recase(small, text) == text

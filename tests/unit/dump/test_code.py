"""Triggers, views and routines that are made of names alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osupgrade.dump.code import masked_code

from .mask._names import NAMES, rewritten


@given(st.text(max_size=80))
def test_no_text_raises(text):
    rewritten(f"CREATE TABLE `a` ({text}) {text}")
    masked_code(text, NAMES, {})


@pytest.mark.parametrize(
    ("body", "stays"),
    [
        ("SET NEW.id = 1", True),
        ("lbl: BEGIN DECLARE acmevar INT; SET @acme = COUNT(*); END lbl", True),
        ("INSERT INTO acme (id, n) VALUES (NEW.id, 1)", True),
        ("SET NEW.name = 'acme'", False),
        ("SET NEW.id = 41795551234", False),
        ("SET NEW.id = 1 -- acme", False),
        ("SET NEW.id = 1 # acme", False),
        ("/* acme */ SET NEW.id = 1", False),
        ("CALL acme()", False),
        ("SET NEW.id = acme(1)", False),
        ("SET NEW.id = `acme`(1)", False),
        ("SET NEW.ä = 1", False),
        ("", False),
    ],
)
def test_code_stays_where_it_is_names_alone(body, stays):
    masked = masked_code(body, NAMES, {})
    assert bool(masked) == stays
    assert "acme" not in masked

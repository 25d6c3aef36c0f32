"""SQL in tokens is the same SQL."""

from hypothesis import given
from hypothesis import strategies as st

from osupgrade.dump.mask.tokens import joined, literal, tokens_of, unquoted
from osupgrade.model.quoting import quoted


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20))
def test_any_name_and_any_text_survives_tokens(text):
    sql = f"CREATE TABLE {quoted(text)} ({quoted(text)} varchar(9) DEFAULT {literal(text)})"
    tokens = tokens_of(sql)
    assert joined(tokens) == sql
    assert unquoted(tokens[2].text) == text
    assert tokens[-2].bare == text

"""Files from strangers become models, or one clear error."""

import contextlib
import enum
import json
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from osupgrade.catalog import loading
from osupgrade.catalog.loading import Strict, load_json, load_toml, parse_json, parse_toml, read_toml
from osupgrade.model.errors import UsageFault


class Kind(enum.StrEnum):
    ONE = "one"
    TWO = "two"


class Inner(Strict):
    count: int
    on: bool = False


class Sample(Strict):
    name: str
    kind: Kind = Kind.ONE
    words: tuple[str, ...] = ()
    inner: Inner | None = None
    many: tuple[Inner, ...] = ()
    columns: Mapping[str, Kind] = Field(default_factory=dict)


GOOD = (
    'name = "a"\nkind = "two"\nwords = ["x", "y"]\n[inner]\ncount = 3\n[[many]]\ncount = 4\n[columns]\n"a.b" = "one"\n'
)


def test_a_file_becomes_a_model(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text(GOOD)
    found = load_toml(file, Sample)
    assert found == Sample(
        name="a",
        kind=Kind.TWO,
        words=("x", "y"),
        inner=Inner(count=3),
        many=(Inner(count=4),),
        columns={"a.b": Kind.ONE},
    )
    assert read_toml(file)["words"] == ["x", "y"]
    other = tmp_path / "a.json"
    other.write_text(json.dumps(read_toml(file)))
    assert load_json(other, Sample) == found


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ('name = "a"\nwords = 3', "f: words: must be a list, not 3", ""),
        ('name = "a"\ncolumns = 3', "f: columns: must be a table of keys, not 3", ""),
        ('name = "a"\ninner = []', "f: inner: must be a table of keys, not a list", ""),
        ("name = 1", "f: name: must be text, not 1", ""),
        ('kind = "two"', "f: name: is missing", ""),
        ('name = "a"\nnmae = "b"', "f: nmae: is not a known key", "did you mean name?"),
        ('name = "a"\n[inner]\ncount = 1\ncounts = 2', "f: inner.counts: is not a known key", "did you mean count?"),
        ('name = "a"\n[[many]]\ncount = "x"', 'f: many[0].count: must be a whole number, not "x"', ""),
        (
            'name = "a"\n[[many]]\ncount = 1\nzzzz = 2',
            "f: many[0].zzzz: is not a known key",
            "known keys are count, on",
        ),
        ('name = "a"\n[inner]\ncount = true', "f: inner.count: must be a whole number, not true", ""),
        ('name = "a"\nkind = "six"', "f: kind: must be 'one' or 'two', not \"six\"", ""),
        ('name = "a"\n[columns]\n"a.b" = 3', "f: columns.\"a.b\": must be 'one' or 'two', not 3", ""),
        ('name = "a\\u0000b"', "f: name: holds a NUL character", ""),
        ('"\\u001b[31m" = 1', 'f: "\\x1b[31m": is not a known key', "known keys are"),
        ('name = "a"\nkind = inf', "f: kind: must be a finite number", ""),
        ("name = " + "9" * 5000, "f: not valid TOML", ""),
        ("name = " + "9" * 50, "f: name: the number is too large", ""),
        ("nonsense", "f: not valid TOML", ""),
        ("x = " + "[" * 20000 + "]" * 20000, "f: tables or lists are nested more than 64 levels deep", ""),
        (".".join("x" * 20000) + " = 1", "f: tables or lists are nested more than 64 levels deep", ""),
        ("[" + " . ".join(['"x"'] * 20000) + "]", "f: tables or lists are nested more than 64 levels deep", ""),
        ("x = " + "{a=" * 20000 + "1" + "}" * 20000, "f: tables or lists are nested more than 64 levels deep", ""),
    ],
)
def test_an_error_names_file_key_and_reason(text, says, hint):
    with pytest.raises(UsageFault) as caught:
        parse_toml(text, Sample, "f")
    assert caught.value.message.startswith(says)
    assert hint in caught.value.hint
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"\xff\xfe", "f: not valid JSON: the file is not UTF-8"),
        ("[" * 20000, "f: tables or lists are nested more than 64 levels deep"),
        ("[" * 20000 + "]" * 20000, "f: tables or lists are nested more than 64 levels deep"),
        ("[" * 500 + "]" * 500, "f: tables or lists are nested more than 64 levels deep"),
        ('{"name": "\\ud800"}', "f: name: holds half of a character"),
        ('{"name": NaN}', "f: name: must be a finite number"),
        ("[]", "f: the file: must be"),
        ("3", "f: the file: must be"),
        ("", "f: not valid JSON"),
    ],
)
def test_json_too(text, says):
    with pytest.raises(UsageFault) as caught:
        parse_json(text, Sample, "f")
    assert caught.value.message.startswith(says)


def test_several_errors_are_all_shown():
    with pytest.raises(UsageFault) as caught:
        parse_toml("words = 3\nkind = 4", Sample, "f")
    assert len(caught.value.evidence.splitlines()) == 2


@pytest.mark.parametrize("path", ["/dev/zero", "/nowhere/at/all", "/", "a\0b"])
def test_what_is_no_file_is_refused(path, monkeypatch):
    monkeypatch.setattr(loading, "LONGEST", 1 << 16)
    with pytest.raises(UsageFault):
        load_toml(Path(path), Sample, longest=1 << 16)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from([*Sample.model_fields, "other"]) | st.text(max_size=5)


@pytest.mark.exhaustive
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_no_json_raises_anything_else(data):
    try:
        parse_json(json.dumps(data), Sample, "f")
    except UsageFault as fault:
        assert fault.message.isprintable()
        assert fault.message.startswith("f: ")


def test_reading_takes_a_time_in_proportion_to_the_file():
    started = time.process_time()
    for text in ("x" * 3_000_000, '"' * 300_000, "x = '" + "x." * 60 + "'", "a." * 1_000_000 + "b = 1"):
        with contextlib.suppress(UsageFault):
            parse_toml(text, Sample, "f")
    assert time.process_time() - started < 5


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_raise_anything_else(data):
    for parse in (parse_toml, parse_json):
        try:
            parse(data, Sample, "f")
        except UsageFault as fault:
            assert fault.message.isprintable()

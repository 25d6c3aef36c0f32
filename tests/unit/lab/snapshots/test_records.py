import json
import os
from dataclasses import asdict

import pytest

from osupgrade.lab.snapshots.records import Record, Records, surplus
from osupgrade.lab.snapshots.store import LIMIT, limit
from osupgrade.model.errors import UsageFault


def record(key: str, size: int = 10, used: float = 0.0) -> Record:
    return Record(key, f"volume-{key}", "engine", size, "nova.sql", "2026-11-26T11:00:00+00:00", '{"a": 1}', used)


def test_a_record_comes_back_as_it_was_written(tmp_path):
    records = Records(tmp_path / "not" / "there" / "yet")
    assert list(records) == []
    records.put(record("a"))
    assert records.find("a") == record("a")
    assert records.find("b") is None


def test_the_least_recently_used_is_first(tmp_path):
    records = Records(tmp_path)
    for key, used in (("a", 300), ("b", 100), ("c", 200)):
        records.put(record(key))
        os.utime(tmp_path / f"{key}.json", (used, used))
    assert [found.key for found in records] == ["b", "c", "a"]
    records.touch("b")
    assert [found.key for found in records] == ["c", "a", "b"]
    records.remove("c")
    records.remove("c")
    assert [found.key for found in records] == ["a", "b"]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '"text"', json.dumps({"key": "a"}), json.dumps({"strange": 1})]
    + [
        json.dumps({**asdict(record("a")), **wrong})
        for wrong in ({"bytes": "x"}, {"key": "b"}, {"volume": 7}, {"made": []})
    ]
    + ['{"key":' * 20_000, "[" * 20_000, "9" * 5_000],
)
def test_a_damaged_record_is_no_snapshot(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    assert Records(tmp_path).find("a") is None
    assert list(Records(tmp_path)) == []


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    records = Records(tmp_path)
    monkeypatch.setattr("os.fsync", lambda _file: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        records.put(record("a"))
    assert list(tmp_path.iterdir()) == []


def test_what_is_over_the_limit_goes_least_recently_used_first():
    records = [record("new", 40, used=3), record("old", 40, used=1), record("middle", 40, used=2)]
    assert surplus(records, 120) == ()
    assert [gone.key for gone in surplus(records, 119)] == ["old"]
    assert [gone.key for gone in surplus(records, 79)] == ["old", "middle"]
    assert [gone.key for gone in surplus(records, 0)] == ["old", "middle", "new"]


def test_the_snapshot_just_made_stays_even_where_it_alone_is_over_the_limit():
    records = [record("large", 200, used=1), record("small", 10, used=2)]
    assert [gone.key for gone in surplus(records, 100, spared="large")] == ["small"]


def test_the_limit_is_what_the_environment_says(monkeypatch):
    monkeypatch.delenv(LIMIT, raising=False)
    assert limit() == 50_000_000_000
    monkeypatch.setenv(LIMIT, "0.5")
    assert limit() == 500_000_000
    for nothing in ("0", "-3"):
        monkeypatch.setenv(LIMIT, nothing)
        assert limit() == 0
    for wrong in ("many", "nan", "inf"):
        monkeypatch.setenv(LIMIT, wrong)
        with pytest.raises(UsageFault, match=LIMIT):
            limit()

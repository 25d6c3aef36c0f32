"""A record comes out of the container in the tool's own output, after a mark, and is no part of its log."""

import json
import subprocess

from hypothesis import given
from hypothesis import strategies as st

from osupgrade.engine.exec import Cut
from osupgrade.observe.recorder import Recorder


@given(before=st.text("ma:rk", max_size=30), after=st.text("ma:rk", max_size=30), data=st.data())
def test_a_stream_is_cut_wherever_its_chunks_end(before, after, data):
    text, mark = f"{before}\0{after}".encode(), b"\0"
    whole = before.encode() + b"mark::" + after.encode()
    for stream, sign in ((text, mark), (whole, b"mark::")):
        expected, _, rest = stream.partition(sign)
        places = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
        cut = Cut(sign)
        ends = [*places, len(stream)]
        kept = b"".join(cut.feed(stream[a:b]) for a, b in zip([0, *places], ends, strict=True)) + cut.close()
        assert (kept, cut.rest) == (expected, rest)


@given(st.lists(st.binary(max_size=6)))
def test_a_stream_without_the_mark_stays_whole(chunks):
    cut = Cut(b"mark::")
    assert b"".join(map(cut.feed, chunks)) + cut.close() == b"".join(chunks) or cut.rest is not None


def told(tmp_path, script):
    recorder = Recorder(tmp_path / "step.jsonl", "user:password")
    argv, mark = recorder.telling(str(tmp_path / "inside.jsonl"), ["/bin/sh", "-c", script])
    done = subprocess.run(argv, capture_output=True, check=False)
    cut = Cut(mark)
    log = cut.feed(done.stdout) + cut.close()
    recorder.collect(cut.rest, "db_sync")
    return done.returncode, log, [json.loads(line) for line in (tmp_path / "step.jsonl").read_text().splitlines()]


def test_the_tool_s_output_status_and_record_come_apart(tmp_path):
    line = json.dumps({"kind": "spent", "seconds": 0.5})
    status, log, lines = told(tmp_path, f"echo done; echo '{line}' > '{tmp_path}/inside.jsonl'; exit 3")
    assert (status, log) == (3, b"done\n")
    assert lines == [{"kind": "call", "command": "db_sync"}, {"kind": "spent", "seconds": 0.5}]


def test_a_tool_that_was_killed_is_told_by_its_status_and_the_missing_record(tmp_path):
    status, _, lines = told(tmp_path, "kill -9 $$")
    assert status == 137
    assert lines[1] == {"kind": "fault", "text": "`db_sync` left no record of its migrations"}

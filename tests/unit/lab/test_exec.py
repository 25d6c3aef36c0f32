"""A stream is cut at its mark."""

from hypothesis import given
from hypothesis import strategies as st

from osupgrade.lab.exec import Cut


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


@given(st.lists(st.binary(max_size=6) | st.sampled_from([b"ma", b"rk", b"mark:", b":", b"::"])))
def test_a_stream_without_the_mark_stays_whole(chunks):
    whole = b"".join(chunks)
    before, mark, after = whole.partition(b"mark::")
    cut = Cut(b"mark::")
    kept = b"".join(map(cut.feed, chunks)) + cut.close()
    assert (kept, cut.rest) == ((before, after) if mark else (whole, None))

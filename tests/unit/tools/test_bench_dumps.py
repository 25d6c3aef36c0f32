"""The limits of ``make bench`` on dumps are held by what was measured, round by round."""

import pytest

from tools.bench_dumps import DumpTimes, report_dumps


@pytest.mark.parametrize(
    ("restore", "sanitize", "again", "held"),
    [
        (12.0, 44.0, 5.0, True),
        (13.5, 44.0, 5.0, False),
        (12.0, 46.0, 5.0, False),
        (12.0, 44.0, 5.2, False),
    ],
)
def test_every_figure_has_to_be_within_its_limit(capsys, restore, sanitize, again, held):
    took = DumpTimes(bare_restore=10, bare_dump=5, reading=2, restore=restore, sanitize=sanitize, first=15, again=again)
    assert report_dumps(100, [took]) is held
    assert f"restore / mysql < file: {restore / 10:.2f} (limit 1.3)" in capsys.readouterr().out

"""How long an image took is remembered by its name; a file that cannot be read is no time at all."""

import pytest

from osupgrade.lab.images.times import BuildTimes


def test_what_was_remembered_is_known_again(tmp_path):
    times = BuildTimes(tmp_path / "new" / "times.json")
    assert times.of("nova") is None
    times.remember("nova", 81.26)
    times.remember("base", 3)
    times.remember("nova", 70)
    again = BuildTimes(tmp_path / "new" / "times.json")
    assert (again.of("nova"), again.of("base"), again.of("other")) == (70.0, 3.0, None)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["times.json"]


@pytest.mark.parametrize("text", ["", "[1]", '{"nova": "long"}', "{" * 3000])
def test_a_damaged_file_is_replaced(tmp_path, text):
    file = tmp_path / "times.json"
    file.write_text(text)
    times = BuildTimes(file)
    assert times.of("nova") is None
    times.remember("nova", 70)
    assert times.of("nova") == 70


def test_a_place_that_cannot_be_written_is_no_fault(tmp_path):
    (tmp_path / "file").write_text("")
    BuildTimes(tmp_path / "file" / "times.json").remember("nova", 70)

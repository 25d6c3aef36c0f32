"""Excerpts of logs: never more than a page may take, and never a file from elsewhere."""

import pytest

from osupgrade.report.html.logs import Logs


def test_a_long_log_keeps_its_beginning_and_more_of_its_end(tmp_path):
    lines = [f"line {number}" for number in range(1000)]
    (tmp_path / "a.log").write_text("\n".join(lines))
    found = Logs(tmp_path).read("a.log", 1000).splitlines()
    gap = next(number for number, line in enumerate(found) if line.startswith("…"))
    assert found[:gap] == lines[:gap] and found[gap + 1 :] == lines[-(len(found) - gap - 1) :]
    assert 0 < gap < len(found) - gap
    assert f"{1000 - (len(found) - 1)} lines are left out" in found[gap] and "a.log" in found[gap]


def test_all_logs_together_have_an_end(tmp_path):
    (tmp_path / "a.log").write_text(("x" * 99 + "\n") * 1000)
    logs = Logs(tmp_path)
    assert sum(len(logs.read("a.log")) for _ in range(200)) < 1_100_000


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "gone.log", "a\0b"])
def test_what_is_not_in_the_run_s_directory_is_not_shown(tmp_path, path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "run").mkdir()
    assert Logs(tmp_path / "run").read(path) == f"there is no log at {path}"


def test_colours_are_left_out(tmp_path):
    (tmp_path / "a.log").write_text("\x1b[31mred\x1b[0m\r\nplain\n")
    assert Logs(tmp_path).read("a.log") == "red\nplain"

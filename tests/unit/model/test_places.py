"""Where the lab keeps things of its own."""

from pathlib import Path

import pytest

from osupgrade.model.places import cache_directory, state_directory


@pytest.mark.parametrize(
    ("place", "variable", "usual"),
    [(cache_directory, "XDG_CACHE_HOME", ".cache"), (state_directory, "XDG_STATE_HOME", ".local/state")],
)
def test_it_is_where_the_user_says_or_at_home(monkeypatch, tmp_path, place, variable, usual):
    monkeypatch.setenv("HOME", str(tmp_path))
    for unset in (None, ""):
        monkeypatch.delenv(variable, raising=False) if unset is None else monkeypatch.setenv(variable, unset)
        assert place() == Path(tmp_path, usual, "osupgrade")
    monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
    assert place() == tmp_path / "elsewhere" / "osupgrade"

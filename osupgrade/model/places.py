"""Where the lab keeps things of its own on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def cache_directory() -> Path:
    """What can be made again: mirrors, trees, clouds, snapshots; ``$XDG_CACHE_HOME/osupgrade``."""
    return _below("XDG_CACHE_HOME", ".cache")


def state_directory() -> Path:
    """What cannot: the history of past runs; ``$XDG_STATE_HOME/osupgrade``."""
    return _below("XDG_STATE_HOME", ".local/state")


def _below(variable: str, usual: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / usual) / "osupgrade"

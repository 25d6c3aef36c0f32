"""How long images took to build on this machine, so that the next build of one can say how long it still takes."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path

from pydantic import TypeAdapter

_TIMES = TypeAdapter(dict[str, float])


class BuildTimes:
    """Seconds by image name, in one small file. It is a help and no more: what cannot be read or written is unknown."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def of(self, image: str) -> float | None:
        """How long the image took the last time it was built here; None where it never was."""
        return self._read().get(image)

    def remember(self, image: str, seconds: float) -> None:
        """Note how long an image took."""
        times = {**self._read(), image: round(seconds, 1)}
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, scratch = tempfile.mkstemp(dir=self._file.parent, prefix=".times-")
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                json.dump(times, out, indent=1, sort_keys=True)
            Path(scratch).replace(self._file)

    def _read(self) -> dict[str, float]:
        try:
            return _TIMES.validate_json(self._file.read_bytes())
        except (OSError, ValueError):
            return {}

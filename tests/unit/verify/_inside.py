"""Where the scripts lie that run inside containers."""

from pathlib import Path

import osupgrade.verify

INSIDE = Path(osupgrade.verify.__file__).parent / "inside"

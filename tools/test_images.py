"""Build the images that the tests need, in sight: ``python -m tools.test_images``. It is a part of ``make test``.

Otherwise a test would build an image behind a progress bar that does not move, and its time would count as the test's.
What cannot be built here is reported and left to the tests, which are skipped or fail with the same message.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from osupgrade.catalog.releases import load_releases
from osupgrade.lab.sources import Sources

ROUTE = ("rocky", "stein", "train", "ussuri")
"""The releases of the route of several hops in tests/lab/test_route.py."""


def batches() -> Iterator[tuple[str, ...]]:
    """What to ask ``osupgrade images build`` for; the old path only where its service code is in the cache."""
    yield "--path", "caracal-gazpacho"
    yield ROUTE
    if not any(state.problem for state in Sources(load_releases()).states()):
        yield "--path", "grizzly-icehouse"


def main() -> int:
    """Build every batch, the later ones also where one failed; always 0."""
    for batch in batches():
        begun = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "osupgrade", "images", "build", *batch], check=False)
        outcome = "ready" if done.returncode == 0 else f"not built, status {done.returncode}"
        print(f"images {' '.join(batch)}: {outcome} after {time.monotonic() - begun:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Doing several things side by side in threads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor


@contextlib.contextmanager
def threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """A pool whose work is done when the block ends, unless the command is interrupted.

    Then the threads are not awaited: they are in commands inside containers, and end when the lab removes those.
    """
    pool = ThreadPoolExecutor(max(1, count))
    try:
        yield pool
    except Exception:
        pool.shutdown(cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()

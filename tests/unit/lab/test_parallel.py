"""A pool of threads, and who waits for it."""

import threading

from osupgrade.cli import guarded
from osupgrade.lab.parallel import threads

from ..model._signals import send


def test_nobody_waits_for_threads_of_an_interrupted_command():
    release = threading.Event()

    def work():
        with threads(2) as pool:
            pool.submit(release.wait, 20)
            send()
        return 0

    try:
        assert guarded(work) == 130
        assert not release.is_set()
    finally:
        release.set()


def test_threads_are_waited_for_when_nothing_happens():
    done = []
    with threads(2) as pool:
        pool.submit(done.append, 1)
    assert done == [1]

"""Code of somebody else's: it may raise, exit, loop or wait for ever, in whatever thread, and the process goes on."""

import contextlib
import os
import threading
import time

import pytest

from osupgrade.model import foreign
from osupgrade.model.foreign import TookTooLong, contained

SECONDS = 0.2


def loops():
    while True:
        pass


def loops_and_catches():
    while True:
        with contextlib.suppress(Exception):
            loops()


def waits():
    threading.Event().wait()


def sleeps():
    time.sleep(100_000)


def holds_fast():
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(0.01)


ENDLESS = [loops, loops_and_catches, waits, sleeps, holds_fast]


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch):
    monkeypatch.setattr(foreign, "_LAST_SECONDS", 0.3)


@pytest.mark.parametrize("work", ENDLESS)
def test_what_never_ends_is_given_up(work):
    with pytest.raises(TookTooLong, match=r"not ended after 0\.2 s"):
        contained(work, SECONDS)


@pytest.mark.parametrize("work", ENDLESS)
def test_it_is_given_up_beside_the_main_thread_too(work):
    told = []

    def within():
        try:
            contained(work, SECONDS)
        except TookTooLong as fault:
            told.append(str(fault))

    thread = threading.Thread(target=within, daemon=True)
    thread.start()
    thread.join(60)
    assert told == ["it had not ended after 0.2 s"]


def test_a_loop_does_not_go_on_afterwards():
    started = []

    def work():
        started.append(threading.current_thread())
        loops()

    with pytest.raises(TookTooLong):
        contained(work, SECONDS)
    started[0].join(60)
    assert not started[0].is_alive()


def test_what_it_waits_for_elsewhere_is_ended():
    come = threading.Event()
    ended = []

    def end(thread):
        ended.append(thread)
        come.set()

    with pytest.raises(TookTooLong):
        contained(lambda: come.wait() and threading.get_ident(), SECONDS, end)
    assert ended


@pytest.mark.parametrize("seconds", [0, 60])
@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), ValueError("x")])
def test_what_it_raises_comes_out_and_nothing_ends(seconds, raised):
    def work():
        raise raised

    with pytest.raises(type(raised)):
        contained(work, seconds)
    with pytest.raises(SystemExit):
        contained(lambda: os._exit(0), seconds)
    assert contained(lambda: 7, seconds) == 7

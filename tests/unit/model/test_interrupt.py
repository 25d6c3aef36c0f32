"""Ctrl-C and SIGTERM end the process with status 130 and one sentence, whenever they come."""

import signal
import subprocess
import sys
import threading

import pytest

from osupgrade.cli import guarded
from osupgrade.model import interrupt
from osupgrade.model.errors import LabFault
from osupgrade.model.foreign import raised_by_it

from ._signals import send


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_before_anything_heavy_is_imported_the_process_ends_on_the_spot(number):
    program = (
        "import os, sys\nfrom osupgrade.model import interrupt\ninterrupt.install()\n"
        "assert 'typer' not in sys.modules and 'docker' not in sys.modules\n"
        f"os.kill(os.getpid(), {int(number)})\nprint('went on')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "osupgrade: interrupted; nothing had been started\n"


@pytest.mark.exhaustive
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.6, 1.0])
def test_the_console_script_ends_well_whenever_a_signal_comes(number, seconds):
    # Python itself must have started: its own first instructions are not ours. The script says when that is.
    program = (
        "import sys, threading, os\nsys.argv = ['osupgrade', 'doctor', '--help']\n"
        "from osupgrade.__main__ import main\n"
        f"threading.Timer({seconds}, os.kill, (os.getpid(), {int(number)})).start()\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 130)
    assert "Traceback" not in done.stderr


@pytest.mark.exhaustive
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "when",
    [
        "sys.modules['osupgrade.cli.streams'].drained = lambda status: (at(), status)[1]",  # what was printed leaves
        "import atexit; atexit.register(at)",  # the interpreter ends
        "sys.end = type('End', (), {'__del__': lambda self, kill=os.kill, me=os.getpid(): kill(me, NUMBER)})()",
    ],
)
def test_a_signal_behind_the_work_is_no_status_of_its_own(number, when):
    program = (
        "import os, sys\nsys.argv = ['osupgrade', '--version']\nimport osupgrade.cli.streams\n"
        f"from osupgrade.__main__ import main\nat = lambda: os.kill(os.getpid(), {int(number)})\n"
        f"{when.replace('NUMBER', str(int(number)))}\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) in ((0, ""), (130, ""))


def test_a_signal_before_anything_of_ours_is_imported_is_no_traceback():
    # The signal comes in the middle of the import of what takes signals later.
    program = (
        "import builtins, os, signal\nplain = builtins.__import__\n"
        "def slow(name, *rest):\n"
        "    if name == 'osupgrade.model':\n        os.kill(os.getpid(), signal.SIGTERM)\n"
        "    return plain(name, *rest)\n"
        "builtins.__import__ = slow\nimport osupgrade.__main__\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "osupgrade: interrupted; nothing had been started\n")


def test_the_first_signal_ends_the_work_and_a_second_leaves_the_cleaning_alone(capfd):
    cleaned = []

    def work():
        try:
            send(signal.SIGTERM)
        finally:
            send()
            cleaned.append(True)
        return 0

    assert guarded(work) == 130
    assert cleaned == [True]
    assert "still cleaning up" in capfd.readouterr().err


def test_what_fails_because_of_the_interruption_is_no_fault():
    def work():
        try:
            send()
        finally:
            raise LabFault("lost the container")

    assert guarded(work) == 130


def test_an_interruption_that_nobody_could_catch_comes_again():
    class Doomed:
        def __del__(self):
            send()

    waited = []

    def work():
        Doomed()
        waited.append(threading.Event().wait(20))
        return 0

    assert guarded(work) == 130
    assert waited == [], "the wait went on to its end"


def test_what_must_not_be_cut_in_two_is_finished_first():
    done = []

    def work():
        with interrupt.shielded():
            send()
            done.append("made")
            done.append("noted")
        done.append("went on")
        return 0

    assert guarded(work) == 130
    assert done == ["made", "noted"]


def test_a_signal_of_an_earlier_command_does_not_end_the_next_one():
    def work():
        send()
        return 0

    assert guarded(work) == 130
    assert raised_by_it(SystemExit(0)) and raised_by_it(KeyboardInterrupt())

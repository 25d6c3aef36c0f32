"""``nova-status upgrade check`` with a running placement: the one result that no hop could judge."""

import subprocess
import sys

from rounds import Round

turn = Round()
config = "--config-file=%s/nova.conf" % turn.given["etc"]


def check():
    """Exit status 2 is a failed result, 255 a crash of the check itself."""
    done = subprocess.run(
        [sys.executable, "/opt/lab/launch.py", "nova.cmd.status:main", config, "upgrade", "check"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        turn.finding(
            "nova",
            "nova-status",
            "nova-status upgrade check exits %d" % done.returncode,
            "nova's services may not start",
            ("line",),
            [(line,) for line in done.stdout.splitlines()[-40:]],
        )
    return done.returncode


turn.call("nova", "nova-status upgrade check", check)
turn.finish()

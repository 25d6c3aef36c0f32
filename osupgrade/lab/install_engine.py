"""A Docker engine for a fresh machine: on a root Debian or Ubuntu box without one, install and start it.

Run as ``python -m osupgrade.lab.install_engine``; says what it does before it does it. ``OSUPGRADE_INSTALL_ENGINE=no``
refuses that, and a machine where an engine answers is left as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from osupgrade.lab.connect import connect
from osupgrade.model.errors import Exit, Fault, MissingFault

START_SECONDS = 60
DAEMON_LOG = Path("/var/log/osupgrade-dockerd.log")


def ensure_engine() -> None:
    """Return when an engine answers; raises MissingFault with what to do when none can be had."""
    try:
        connect().close()
        return
    except MissingFault:
        if os.environ.get("DOCKER_HOST"):
            raise
    if os.environ.get("OSUPGRADE_INSTALL_ENGINE", "yes") == "no":
        raise MissingFault(
            "no Docker engine answers, and OSUPGRADE_INSTALL_ENGINE=no forbids installing one",
            hint="start a Docker engine",
        )
    if os.geteuid() != 0:
        raise MissingFault(
            "no Docker engine answers", hint="start one, or run `make engine` as root on Debian or Ubuntu"
        )
    if shutil.which("dockerd") is None:
        _install()
    _start()


def _install() -> None:
    if shutil.which("apt-get") is None:
        raise MissingFault("no Docker engine answers, and this is not Debian or Ubuntu", hint="install Docker")
    print("no Docker engine here: installing Debian's docker.io (OSUPGRADE_INSTALL_ENGINE=no refuses that)", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "docker.io"]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MissingFault(
                f"`{' '.join(command)}` failed",
                evidence=(done.stdout + done.stderr)[-2000:],
                hint="install Docker by hand",
            )


def _start() -> None:
    print(f"starting dockerd in the background, its log is {DAEMON_LOG}", flush=True)
    with DAEMON_LOG.open("ab") as log:
        daemon = subprocess.Popen(["dockerd"], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            connect().close()
            return
        except MissingFault:
            if daemon.poll() is not None:
                break
            time.sleep(0.2)  # between two questions to the engine
    tail = DAEMON_LOG.read_text("utf-8", "replace")[-2000:]
    raise MissingFault(
        "dockerd does not start here", evidence=tail, hint="see its log, or use another machine's DOCKER_HOST"
    )


def main() -> int:
    """Ensure an engine; the exit status."""
    try:
        ensure_engine()
    except Fault as fault:
        print(f"osupgrade: {fault.message}\n{fault.evidence}\nnext: {fault.hint}", file=sys.stderr)
        return int(fault.status)
    return int(Exit.CAME_THROUGH)


if __name__ == "__main__":
    sys.exit(main())

"""Break the lab at random points of its commands, and see that no verdict is false and nothing is left.

    python -m tools.chaos --points 20 --seed 1 --dump small.sql
    python -m tools.chaos --points 40 --dump small.sql --command all --only SIGINT

Each point is one command, a rehearsal unless others are named, and one deed at a random moment of it. Only what carries
the labels of that command is touched. Afterwards: the verdict is that of an undisturbed run or there is none, nothing
of it is on the engine, no directory of an unfinished run passes for complete, no row of the history is false; at the
end, each command works as before.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import docker
import docker.errors

from osupgrade.history.rundir import UNFINISHED
from osupgrade.lab.connect import connect
from osupgrade.lab.leftovers import PID_LABEL
from osupgrade.model.errors import Exit
from tools.chaos_deeds import DEEDS, ROOM, Point, own_file_system

STARTS = 0.5
"""Seconds in which Python itself starts: a signal in its first instructions is not ours to take."""
GONE_SECONDS = 60
"""How long the reaper may take to remove what a killed run left."""
LONGEST_SECONDS = 1800
"""A run that has not ended by then hangs."""


@dataclass(frozen=True)
class Place:
    """Where the rehearsals of one point keep what they write."""

    out: Path
    history: Path

    def command(self, name: str, asked: Asked) -> list[str]:
        """The command line of a command."""
        return [sys.executable, "-m", "osupgrade", *COMMANDS[name](self, asked)]

    @property
    def kept(self) -> list[str]:
        """The options for what a run writes."""
        return ["--out", str(self.out), "--history", str(self.history), "--quiet"]

    @property
    def file(self) -> Path:
        """Of a command that writes one file."""
        return self.out.with_name("written")

    @property
    def scratch(self) -> Path:
        """Where the command's temporary files are."""
        return self.out.with_name("tmp")


@dataclass(frozen=True)
class Asked:
    """What the commands are about."""

    dump: str
    more: Sequence[str]
    key: Path
    failed: Path
    """A run that did not come through."""


NIGHT = ("--paths", "grizzly-icehouse", "--db", "mysql56", "--what", "neutron-unstamped")
"""The shortest that is still one."""
COMMANDS: dict[str, Callable[[Place, Asked], list[str]]] = {
    "rehearse": lambda place, asked: ["rehearse", *place.kept, *_dump(asked), *asked.more],
    "estimate": lambda place, asked: ["rehearse", *place.kept, *_dump(asked), "--estimate", *asked.more],
    "scenarios": lambda place, _: ["scenarios", "run", *place.kept, "neutron-unstamped"],
    "nightly": lambda place, _: ["nightly", *place.kept, *NIGHT],
    "inspect": lambda place, asked: ["inspect", asked.dump, "--out", str(place.file)],
    "sanitize": lambda place, asked: ["sanitize", asked.dump, "--key-file", str(asked.key), "-o", str(place.file)],
    "reproduce": lambda place, asked: ["reproduce", str(asked.failed), "-o", str(place.file)],
    "report": lambda _, asked: ["report", str(asked.failed)],
    "routes": lambda *_: ["routes"],
    "survey": lambda *_: ["survey"],
    "images": lambda *_: ["images", "build", "mysql56"],
    "doctor": lambda *_: ["doctor"],
    "clean": lambda *_: ["snapshots", "list"],
}


def _dump(asked: Asked) -> list[str]:
    return ["--dump", asked.dump] if asked.dump else []


def main() -> int:
    """Run the points; 1 when one of them was not as it should be."""
    given = _given()
    client, dice, wrong = connect(), random.Random(given.seed), 0
    with tempfile.TemporaryDirectory(prefix="osupgrade-chaos-") as scratch:
        base = Path(scratch)
        asked = _asked(given, base)
        usual = {name: undisturbed(name, _place(base, f"usual-{name}"), asked) for name in given.commands}
        if any(status not in (Exit.CAME_THROUGH, Exit.DID_NOT) for status, _ in usual.values()):
            return 1
        for number in range(given.points):
            command = dice.choice(given.commands)
            name = dice.choice(given.only or list(DEEDS))
            after = dice.uniform(min(STARTS, usual[command][1]), usual[command][1])
            place = _place(base, str(number))
            status, problems = point(client, name, after, place, place.command(command, asked), dice, usual[command][0])
            wrong += bool(problems)
            verdict = "; ".join(problems) or "right"
            print(
                f"{number + 1}/{given.points} {command}: {name} after {after:.1f} s: status {status}, {verdict}",
                flush=True,
            )
        last = {name: undisturbed(name, _place(base, f"last-{name}"), asked) for name in given.commands}
    print(f"{given.points - wrong} of {given.points} points right")
    return int(wrong > 0 or any(last[name][0] != usual[name][0] for name in last))


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=list(DEEDS), action="append", help="this deed alone")
    parser.add_argument("--command", choices=[*COMMANDS, "all"], action="append", help="at which it is done")
    parser.add_argument("--dump", default="", help="rehearse this dump instead of the seeded cloud")
    parser.add_argument("arguments", nargs="*", help="more arguments for `osupgrade rehearse`")
    given = parser.parse_args()
    named = given.command or ["rehearse"]
    given.commands = list(COMMANDS) if "all" in named else named
    if not given.dump and not {"rehearse", "estimate"}.issuperset(given.commands):
        parser.error("--command needs --dump")
    return given


def _asked(given: argparse.Namespace, base: Path) -> Asked:
    key = base / "key"
    key.write_text("".join(random.Random(given.seed).choices("0123456789abcdef", k=64)))
    asked = Asked(given.dump, given.arguments, key, base / "failed")
    if {"reproduce", "report"} & set(given.commands):
        own = ["--out", str(asked.failed), "--no-history", "--quiet", "--verify", "none", "--no-cure"]
        argv = [sys.executable, "-m", "osupgrade", "rehearse", *own, *_dump(asked)]
        subprocess.run(argv, check=False, stdout=subprocess.DEVNULL)
        asked = Asked(given.dump, given.arguments, key, asked.failed / "latest")
    return asked


def undisturbed(name: str, place: Place, asked: Asked) -> tuple[int, float]:
    """How a command ends by itself, and after how many seconds."""
    began = time.monotonic()
    status = subprocess.run(place.command(name, asked), check=False, stdout=subprocess.DEVNULL).returncode
    seconds = time.monotonic() - began
    print(f"{name}, undisturbed: status {status} after {seconds:.0f} s", flush=True)
    return status, seconds


def _place(base: Path, name: str) -> Place:
    (base / name / "tmp").mkdir(parents=True)
    return Place(base / name / "runs", base / name / "history.sqlite")


def point(
    client: docker.DockerClient,
    name: str,
    after: float,
    place: Place,
    argv: Sequence[str],
    dice: random.Random,
    usual: int,
) -> tuple[int, list[str]]:
    """One command with one deed; its status, and what was not as it should be."""
    with own_file_system(place.out, ROOM[name]) if name in ROOM else contextlib.nullcontext():
        running = [_started(argv, place.scratch)]
        if name == "two at once":
            running.append(_started(argv, place.scratch))
        with contextlib.suppress(subprocess.TimeoutExpired):
            running[0].wait(timeout=after)
        with contextlib.suppress(docker.errors.DockerException):  # what it was to be done to is gone already
            DEEDS[name](Point(client, running[0], place.out, dice))
        problems: list[str] = []
        for process in running:
            try:
                _, complaints = process.communicate(timeout=LONGEST_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                return -1, ["it hangs"]
            problems += _judged(process.returncode, complaints, name, usual)
            problems += _left(client, process.pid)
        problems += _false_runs(place.out, usual)
        ended = {process.returncode for process in running}
        if not ended & {Exit.CAME_THROUGH, Exit.DID_NOT, -signal.SIGKILL} and place.file.exists():
            problems.append("it left what it was writing")
        problems += _false_rows(place.history, usual)
        if name != "SIGKILL" and (left := sorted(one.name for one in place.scratch.iterdir())):
            problems.append(f"left among the temporary files: {', '.join(left)}")
    return running[0].returncode, problems


def _started(argv: Sequence[str], scratch: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "TMPDIR": str(scratch)}
    return subprocess.Popen(
        argv,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )


def _judged(status: int, complaints: str, name: str, usual: int) -> Iterator[str]:
    """A verdict is the right one, and where there is none the status says why."""
    allowed = {usual, int(Exit.MISSING), int(Exit.LAB_FAULT)}
    if name in ("SIGINT", "SIGTERM"):
        allowed = {usual, int(Exit.INTERRUPTED)}
    if name == "SIGKILL":
        allowed = {usual, -int(signal.SIGKILL)}
    if name in ("disk full", "database full", "read only", "directory gone"):
        allowed = {usual, int(Exit.MISSING)}
    if name in ("two at once", "engine pauses"):
        allowed = {usual}
    if name == "two at once" and "exists already" in complaints:  # both write one file: the second is refused
        allowed.add(int(Exit.USAGE))
    if status not in allowed:
        yield f"status {status}, where {sorted(allowed)} are right: {complaints.strip()[-300:]}"
    if "Traceback" in complaints:
        yield "a traceback"


def _left(client: docker.DockerClient, pid: int) -> Iterator[str]:
    """What is on the engine of a process that has ended, once the reaper has had its time."""
    wanted: dict[str, str | list[str] | bool] = {"label": f"{PID_LABEL}={pid}"}
    until = time.monotonic() + GONE_SECONDS
    while True:
        found = [
            *(str(one.name) for one in client.containers.list(all=True, filters=wanted, ignore_removed=True)),
            *(str(one.name) for one in client.networks.list(filters=wanted)),
            *(str(one.name) for one in client.volumes.list(filters=wanted)),
        ]
        if not found:
            return
        if time.monotonic() > until:
            yield f"left on the engine: {', '.join(found)}"
            return


def _false_runs(out: Path, usual: int) -> Iterator[str]:
    for run in out.glob("*/") if out.is_dir() else ():
        if run.is_symlink() or (run / UNFINISHED).exists():
            continue
        try:
            recorded = json.loads((run / "report.json").read_text("utf-8"))["exit_status"]
        except (OSError, ValueError, KeyError):
            yield f"{run.name} passes for complete and has no report"
            continue
        if recorded != usual:
            yield f"{run.name} says {recorded}"


def _false_rows(history: Path, usual: int) -> Iterator[str]:
    if not history.exists():
        return
    with contextlib.closing(sqlite3.connect(history)) as database:
        for (green,) in database.execute("SELECT green FROM runs"):
            if bool(green) != (usual == Exit.CAME_THROUGH):
                yield "the history holds a verdict that is not right"


if __name__ == "__main__":
    sys.exit(main())

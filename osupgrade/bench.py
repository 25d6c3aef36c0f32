"""``make bench``: what the lab costs beside the tools it runs, as ratios within one run.

Wall time on shared machines drifts, so nothing here is compared with a number of another day. The bare calls are the
16 of the first path (three releases of five services, and ``migrate_to_ml2``), chains side by side in warm containers.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from osupgrade.cli.options import DEFAULT_PATH, plan_from
from osupgrade.engine.hops import run_finish, run_hop
from osupgrade.errors import LabFault
from osupgrade.laboratory import Laboratory, open_laboratory
from osupgrade.model import Outcome
from osupgrade.site import Site

LIMIT_RATIO = 3.0
LIMIT_MEGABYTES = 200.0


def bare_calls(laboratory: Laboratory, scratch: Path, number: int) -> float:
    """The path's tool calls on empty databases, nothing around them; seconds."""
    plan = laboratory.plan
    names = {d.name: f"bare{number}_{d.name}" for part in plan.first.services.values() for d in part.databases}
    for name in names.values():
        laboratory.server.create(name)
    cloud = laboratory.cloud(Site(), f"bare{number}", names)

    def chain(service: str) -> None:
        for release in plan.releases:
            log = scratch / f"{number}-{release.name}-{service}.log"
            result = run_hop(cloud, release, service, log, scratch / "config", create=release == plan.first)
            if result.outcome is not Outcome.PASSED:
                raise LabFault(f"the bare call of {result.step} failed", evidence=log.read_text("utf-8", "replace"))

    started = time.monotonic()
    with ThreadPoolExecutor(len(plan.services)) as pool:
        list(pool.map(chain, plan.services))
    if plan.finish:
        run_finish(cloud, plan.finish, plan.last, scratch / f"{number}-finish.log", scratch / "config")
    seconds = time.monotonic() - started
    for name in names.values():
        laboratory.server.drop(name)
    return seconds


def rehearsal(arguments: list[str], out: Path) -> float:
    """A whole rehearsal in a process of its own, from the command line to the report; seconds.

    The real APIs are left out: starting them is no part of what the tools themselves cost.
    """
    started = time.monotonic()
    rehearse = [sys.executable, "-m", "osupgrade.cli", "rehearse"]
    command = [*rehearse, "--quiet", "--verify", "none", "--out", str(out), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabFault(f"the rehearsal exited {done.returncode}", evidence=done.stdout + done.stderr)
    return time.monotonic() - started


def main() -> int:
    """Print the figures; exit 1 when a limit is not held."""
    parser = argparse.ArgumentParser(prog="python -m osupgrade.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--path", default=DEFAULT_PATH)
    options = parser.parse_args()
    plan = plan_from(options.path)
    with tempfile.TemporaryDirectory(prefix="osupgrade-bench-") as directory:
        scratch = Path(directory)
        rehearsal(["--path", options.path], scratch)  # warms images, volumes and the seeded cloud
        pairs = []
        with open_laboratory(plan, lambda _text: None) as laboratory:
            for number in range(options.rounds):
                pairs.append((bare_calls(laboratory, scratch, number), rehearsal(["--path", options.path], scratch)))
                print(
                    f"round {number + 1}: bare calls {pairs[-1][0]:.1f} s, rehearsal {pairs[-1][1]:.1f} s", flush=True
                )
    ratio = statistics.median(whole / bare for bare, whole in pairs)
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    held = ratio < LIMIT_RATIO and megabytes < LIMIT_MEGABYTES
    print(f"whole rehearsal / bare calls: {ratio:.2f} (limit {LIMIT_RATIO})")
    print(f"the lab's own process: {megabytes:.0f} MB at its peak (limit {LIMIT_MEGABYTES:.0f})")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())

"""``make bench``: what the lab costs beside the tools it runs, as ratios within one run.

Wall time on shared machines drifts, so nothing here is compared with a number of another day. The bare calls are the
16 of the first path (three releases of five services, and ``migrate_to_ml2``), chains side by side in warm containers.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from osupgrade.catalog.site import Site
from osupgrade.cli.options import DEFAULT_PATH, plan_from
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import Laboratory, open_laboratory, prepare_seeded, restore_lane
from osupgrade.cloud.steps import run_finish, run_hop
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab.observer.record import read_record
from osupgrade.lab.parallel import threads
from osupgrade.model.errors import LabFault
from osupgrade.model.events import EventLog
from osupgrade.model.plan import Plan
from osupgrade.model.release import Hop
from osupgrade.model.step import Outcome
from osupgrade.rehearsal.estimate.measure import REPEATS, Measuring, durable_options, scales_below
from osupgrade.rehearsal.estimate.predict import Measured, key_of, migration_forecasts
from osupgrade.rehearsal.prepare import all_scenarios
from osupgrade.rehearsal.runner import Runner
from osupgrade.schema.catalogue import lineage
from osupgrade.schema.diff import table_sql
from osupgrade.schema.reading import read_schema
from osupgrade.seed.description import load_description
from tools.bench_dumps import dumps_beside_bare, make_dump, report_dumps

LIMIT_RATIO = 3.0
LIMIT_SHELF_RATIO = 0.12
LIMIT_MEGABYTES = 200.0
LIMIT_SNAPSHOT = 0.5
LIMIT_OVERHEAD = 1.03
LIMIT_MISS = 0.2
NOTABLE_SECONDS = 1.0


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
    with threads(len(plan.services)) as pool:
        list(pool.map(chain, plan.services))
    if plan.finish:
        run_finish(cloud, plan.finish, plan.last, scratch / f"{number}-finish.log", scratch / "config")
    seconds = time.monotonic() - started
    for name in names.values():
        laboratory.server.drop(name)
    return seconds


@dataclass(frozen=True)
class Pair:
    """One hop done twice. ``spent`` are the seconds that the observer itself counted. Times are seconds."""

    bare: float
    observed: float
    spent: float


def observed_beside_bare(laboratory: Laboratory, scratch: Path, rounds: int) -> list[dict[str, Pair]]:
    """What observing every migration costs, by step for each round.

    A round has two copies of the seeded cloud; each hop is done on both, one right after the other, and which of them
    is first takes turns.
    """
    plan = laboratory.plan
    _, shelved = prepare_seeded(laboratory, load_description(None), scratch, _quiet)
    wanted = {d.name for d in plan.databases()}
    names = {name: saved for name, saved in shelved.items() if name in wanted}
    done = []
    for number in range(rounds):
        copies = [restore_lane(laboratory, names, f"{lane}{number}") for lane in ("bare", "seen")]
        clouds = [laboratory.cloud(Site(), f"copy{n}", databases) for n, databases in enumerate(copies)]
        steps = {}
        for turn, hop in enumerate(hop for chain in plan.chains for hop in chain.hops):
            record = scratch / f"{number}-{hop.target}-{hop.service}.jsonl"
            seconds = [0.0, 0.0]
            for n in (0, 1) if (number + turn) % 2 else (1, 0):
                seconds[n] = timed_hop(clouds[n], plan, hop, scratch, record if n else None)
            seen = read_record(record.read_text("utf-8").splitlines(), hop.step, hop.service, {})
            steps[hop.step] = Pair(seconds[0], seconds[1], seen.spent)
        done.append(steps)
        for database in (name for databases in copies for name in databases.values()):
            laboratory.server.drop(database)
    return done


def timed_hop(cloud: Cloud, plan: Plan, hop: Hop, scratch: Path, record: Path | None) -> float:
    """Seconds of one hop, to the moment at which its result is there."""
    log = scratch / f"{cloud.lane}-{hop.target}-{hop.service}.log"
    release = next(release for release in plan.releases if release.name == hop.target)
    started = time.monotonic()
    result = run_hop(cloud, release, hop.service, log, scratch / "config", record=record)
    seconds = time.monotonic() - started
    if result.outcome is not Outcome.PASSED or bool(result.migrations) != bool(record) or result.unobserved:
        reasons = "; ".join((*result.problems, *result.unobserved))
        raise LabFault(f"{hop.step} failed or was not observed: {reasons}", evidence=log.read_text("utf-8", "replace"))
    return seconds


def report_overhead(rounds: Sequence[Mapping[str, Pair]]) -> bool:
    """Print what observing costs; whether it stays within the limit.

    Of each hop, bare and observed, the fastest round counts: what else a machine does only ever makes some slower.
    """
    total = [0.0, 0.0]
    for step in rounds[0]:
        pairs = [r[step] for r in rounds]
        bare, observed = min(pair.bare for pair in pairs), min(pair.observed for pair in pairs)
        total = [total[0] + bare, total[1] + observed]
        spent = statistics.median(pair.spent / pair.bare for pair in pairs)
        print(
            f"observed / bare, {step:<18} {observed / bare:.3f}  ({bare:.2f} s bare; by its own count {1 + spent:.3f})"
        )
    totals = [sum(pair.observed for pair in r.values()) / sum(pair.bare for pair in r.values()) for r in rounds]
    own = statistics.median(sum(p.spent for p in r.values()) / sum(p.bare for p in r.values()) for r in rounds)
    ratio = total[1] / total[0]
    spread = f"{statistics.median(totals):.3f} ({min(totals):.3f} to {max(totals):.3f})"
    print(f"observed / bare, all hops: {ratio:.3f} (limit {LIMIT_OVERHEAD}); by the median of the rounds {spread}")
    print(f"by the observer's own count: {1 + own:.3f}")
    return ratio <= LIMIT_OVERHEAD


def shelf(laboratory: Laboratory, number: int) -> tuple[float, float]:
    """Taking a snapshot of the whole seeded cloud, and bringing it back; seconds of each."""
    server = laboratory.server
    names = {d.name: d.name for part in laboratory.plan.first.services.values() for d in part.databases}
    databases = restore_lane(laboratory, names, f"snapshot{number}")
    place = f"bench{number}"
    started = time.monotonic()
    server.save(list(databases.values()), place)
    saved = time.monotonic()
    server.load(place, {name: name for name in databases.values()})
    loaded = time.monotonic()
    for name in databases.values():
        server.drop(name)
    return saved - started, loaded - saved


def predict_and_run(plan: Plan, scratch: Path, target: int) -> tuple[Sequence[Measured], Measured]:
    """The path at an estimate's scales, and then at ``target`` itself, with a production server's durability."""
    run = RunDirectory.make(scratch, "estimate")
    with open_laboratory(plan, _quiet, durable=True, memory=False, options=durable_options) as laboratory:
        runner = Runner(plan, run, EventLog(None), known=all_scenarios().applying(plan), jobs=1)
        measuring = Measuring(laboratory, Site(), runner, _quiet)
        description = load_description(None)
        runs = [measuring.scale(description, scale) for scale in scales_below(target) for _ in range(REPEATS)]
        return runs, measuring.scale(description, target)


def report_prediction(runs: Sequence[Measured], actual: Measured) -> bool:
    """Print what was predicted beside what it took; whether all that takes a second or more was predicted well."""
    predicted = migration_forecasts(runs, actual.scale)
    took = {key_of(m): m.seconds for step in actual.steps for m in step.migrations}
    scales = ", ".join(f"{scale:g}" for scale in sorted({run.scale for run in runs}))
    print(f"fitted on scale {scales}, predicted {actual.scale:g}:")
    good = {}
    for key, seconds in sorted(took.items(), key=lambda item: -item[1]):
        if seconds >= NOTABLE_SECONDS and key in predicted:
            time = predicted[key]
            good[key] = abs(time.expected / seconds - 1) <= LIMIT_MISS
            times = f"predicted {time.expected:7.2f} s ({time.low:.2f} to {time.high:.2f}), actual {seconds:7.2f} s"
            print(f"  {key[0]:<18} {key[1]:<48.48} {times}, {time.expected / seconds - 1:+.0%}")
    whole = sum(predicted[key].expected for key in took if key in predicted)
    print(f"  all migrations: predicted {whole:.1f} s, actual {sum(took.values()):.1f} s")
    print(f"  {sum(good.values())} of {len(good)} that take a second or more within {LIMIT_MISS:.0%}")
    return all(good.values())


def _quiet(_text: str) -> None:
    """Say nothing."""


def rehearsal(arguments: list[str], out: Path) -> float:
    """A whole rehearsal in a process of its own, from the command line to the report; seconds.

    The real APIs and the way back are left out: they are no part of what the tools themselves cost.
    """
    started = time.monotonic()
    rehearse = [sys.executable, "-m", "osupgrade", "rehearse"]
    command = [*rehearse, "--quiet", "--no-history", "--no-rollback", "--verify", "none", "--out", str(out), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabFault(f"the rehearsal exited {done.returncode}", evidence=done.stdout + done.stderr)
    return time.monotonic() - started


def snapshot(laboratory: Laboratory, rounds: int) -> float:
    """Reading the schema of nova's 111 tables at its first release in the catalogue; the median in seconds."""
    laboratory.server.create("bench_nova")
    nova = lineage("nova")
    with laboratory.server.session("bench_nova") as session:
        session.exec_driver_sql("SET foreign_key_checks = 0")
        for table in nova.head(nova.releases[0]).schema.tables:
            session.execution_options(no_parameters=True).exec_driver_sql(table_sql(table))
    times = []
    for _ in range(rounds):
        started = time.monotonic()
        read_schema(laboratory.server, "bench_nova")
        times.append(time.monotonic() - started)
    laboratory.server.drop("bench_nova")
    return statistics.median(times)


def machine() -> str:
    """The size of this machine, without which no figure says a thing."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{os.cpu_count()} cores, {memory / 1e9:.0f} GB of memory, load {os.getloadavg()[0]:.1f}"


def main() -> int:
    """Print the figures; exit 1 when a limit is not held."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--path", default=DEFAULT_PATH)
    parser.add_argument("--services", default="", help="observe and estimate the hops of these alone")
    parser.add_argument("--observe-rounds", type=int, default=9)
    parser.add_argument("--predict", type=int, default=100, help="the scale that is predicted, and then run")
    parser.add_argument("--dump-scale", type=int, default=100, help="the scale whose dump is restored and sanitized")
    parser.add_argument("--only", choices=("observe", "estimate", "dumps"), help="this measurement alone")
    options = parser.parse_args()
    plan, narrow = plan_from(options.path), plan_from(options.path, options.services)
    held = True
    print(f"on {machine()}")
    with tempfile.TemporaryDirectory(prefix="osupgrade-bench-") as directory:
        scratch = Path(directory)
        if options.only in (None, "observe"):
            with open_laboratory(narrow, _quiet) as laboratory:
                held = report_overhead(observed_beside_bare(laboratory, scratch, options.observe_rounds))
        if options.only in (None, "estimate"):
            held = report_prediction(*predict_and_run(narrow, scratch, options.predict)) and held
        if options.only in (None, "dumps"):
            file = make_dump(scratch, options.dump_scale)
            times = dumps_beside_bare(file, scratch, options.rounds)
            held = report_dumps(file.stat().st_size / 1e6, times) and held
    if options.only:
        return 0 if held else 1
    with tempfile.TemporaryDirectory(prefix="osupgrade-bench-") as directory:
        scratch = Path(directory)
        rehearsal(["--path", options.path], scratch)  # warms images, volumes and the seeded cloud
        pairs, shelved = [], []
        with open_laboratory(plan, _quiet) as laboratory:
            read = snapshot(laboratory, 2 * options.rounds + 1)
            prepare_seeded(laboratory, load_description(), scratch, _quiet)
            for number in range(options.rounds):
                bare = bare_calls(laboratory, scratch, number)
                saved, loaded = shelf(laboratory, number)
                shelved.append((saved / bare, loaded / bare))
                pairs.append((bare, rehearsal(["--path", options.path], scratch)))
                print(
                    f"round {number + 1}: bare calls {bare:.1f} s, rehearsal {pairs[-1][1]:.1f} s, "
                    f"snapshot of the cloud {saved:.1f} s, restore {loaded:.1f} s",
                    flush=True,
                )
    ratio = statistics.median(whole / bare for bare, whole in pairs)
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    saving, loading = (statistics.median(ratios) for ratios in zip(*shelved, strict=True))
    held = held and ratio < LIMIT_RATIO and max(saving, loading) < LIMIT_SHELF_RATIO
    held = held and megabytes < LIMIT_MEGABYTES and read < LIMIT_SNAPSHOT
    print(f"whole rehearsal / bare calls: {ratio:.2f} (limit {LIMIT_RATIO})")
    print(f"snapshot of the cloud / bare calls: {saving:.2f} (limit {LIMIT_SHELF_RATIO}), its restore: {loading:.2f}")
    print(f"the lab's own process: {megabytes:.0f} MB at its peak (limit {LIMIT_MEGABYTES:.0f})")
    print(f"reading the schema of nova's 111 tables: {read:.2f} s (limit {LIMIT_SNAPSHOT})")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())

"""Measuring for an estimate: the path at production's durability, at several sizes, and after preparations."""

from __future__ import annotations

import dataclasses
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.copies import Snapshot, copied, snapshot
from osupgrade.cloud.laboratory import SEEDED_SHELF, Laboratory, Say
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab.database import DATA, HOST, DatabaseServer
from osupgrade.lab.engine import Mount, put_files
from osupgrade.lab.exec import run_in
from osupgrade.model.errors import LabFault
from osupgrade.model.estimate import Estimate as Forecast
from osupgrade.model.events import Event, EventLog, Kind
from osupgrade.model.host import Host
from osupgrade.model.plan import Plan
from osupgrade.model.release import Preparation
from osupgrade.model.step import StepResult
from osupgrade.rehearsal.estimate.host import SCRIPT, host_of
from osupgrade.rehearsal.estimate.predict import TOP, Measured, Prepared, estimate
from osupgrade.rehearsal.phases import Ended, PhaseResult
from osupgrade.rehearsal.runner import Runner
from osupgrade.rehearsal.treated import shelved_cloud
from osupgrade.seed.description import CloudDescription
from osupgrade.seed.scale import scale as multiply

REPEATS = 2
"""Runs at each of the smaller scales."""
SHELF = "estimated"
_METER = (
    f"cat /proc/$(cat /run/mysqld/mysqld.pid)/stat; getconf CLK_TCK; du --summarize --bytes {DATA} | cut --fields=1"
)
_RUNS = itertools.count(1)


def scales_below(target: int) -> tuple[int, ...]:
    """The scales at which to measure for an estimate at ``target``, ascending; the last is the main run's."""
    top = min(target, TOP)
    return tuple(sorted({1, max(1, top // 3), top}))


def durable_options(memory_bytes: int) -> tuple[str, ...]:
    """The server's options for an estimate: a buffer pool as on a dedicated host, as far as this one has memory."""
    return (f"--innodb-buffer-pool-size={max(256 << 20, memory_bytes // 4)}",)


@dataclass
class Meter:
    """Listens to a rehearsal whose steps run one after the other: what the server computed, and what its files hold."""

    server: DatabaseServer
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    bytes_before: dict[str, int] = field(default_factory=dict)
    bytes_after: dict[str, int] = field(default_factory=dict)
    _cpu: float = 0.0

    def on_event(self, event: Event) -> None:
        """Read the meter at both ends of a step."""
        if event.kind is Kind.STEP_STARTED:
            self._cpu, self.bytes_before[event.step] = self._read()
        elif event.kind is Kind.STEP_ENDED:
            cpu, self.bytes_after[event.step] = self._read()
            self.cpu_seconds[event.step] = cpu - self._cpu

    def measured(self, scale: float, steps: Sequence[StepResult]) -> Measured:
        """The run that was listened to."""
        return Measured(scale, tuple(steps), self.cpu_seconds, self.bytes_before, self.bytes_after)

    def _read(self) -> tuple[float, int]:
        run = self.server.shell(_METER)
        lines = run.output.split("\n")
        try:
            # proc(5): the name in parentheses may hold blanks; user and system time are the 12th and 13th after it.
            times = lines[0].rpartition(")")[2].split()
            return (int(times[11]) + int(times[12])) / int(lines[1]), int(lines[2])
        except (IndexError, ValueError) as fault:
            raise LabFault("cannot read what the database server uses", evidence=run.output) from fault


@dataclass(frozen=True)
class Measuring:
    """Measures for one estimate."""

    laboratory: Laboratory
    site: Site
    runner: Runner
    """Runs each as the main one, and does nothing besides."""
    say: Say

    def keep(self, cloud: Cloud) -> None:
        """Put the cloud, as it is before anything is done to it, on the shelf for :meth:`prepared`."""
        snapshot(cloud, SHELF)

    def scale(self, description: CloudDescription, scale: int) -> Measured:
        """The path with a seeded cloud of this scale."""
        self.say(f"measuring the cloud at scale {scale}")
        here = self.runner.run.lane(f"scale-{scale}-{next(_RUNS)}")
        plan = self.laboratory.plan
        _, shelved = shelved_cloud(self.laboratory, description, here.path / "logs", self.say)
        seeded = Snapshot(SEEDED_SHELF, shelved).only(d.name for d in plan.databases())
        lane = f"scale{scale}"
        with copied(self.laboratory.cloud(self.site, lane, {}, here.path / "logs"), lane, seeded) as cloud:
            if scale > 1:
                multiply(self.laboratory.server.engine, plan.first.seed, cloud.databases, scale, self.say)
            return self._taken(plan, cloud, here, scale)

    def prepared(self, cloud: Cloud, main: Sequence[StepResult], preparation: Preparation) -> Prepared | None:
        """The path of one service after a preparation; None when there was nothing to prepare."""
        self.say(f"measuring what it saves to {preparation.title}")
        plan = _alone(self.laboratory.plan, preparation.service)
        lane = "prepared"
        here = self.runner.run.lane(f"prepared-{preparation.name}")
        kept = Snapshot(SHELF, cloud.databases).only(d.name for d in plan.databases())
        with copied(cloud, lane, kept, logs=here.path / "logs") as copy:
            before = copy.row_counts()
            started = time.monotonic()
            for command in preparation.commands:
                run = copy.tool(plan.first.name, preparation.service, command)
                if not run.ok:
                    self.say(f"cannot {preparation.title}: `{command}` exited {run.exit_status}")
                    return None
            for step in preparation.steps:
                copy.execute(step.service, step.statement)
            seconds = time.monotonic() - started
            if copy.row_counts() == before:
                return None
            after = self._taken(plan, replace(copy, site=self.site), here, 1)
            mine = tuple(step for step in main if step.service == preparation.service)
            return Prepared(preparation.name, preparation.title, preparation.service, seconds, mine, after.steps)

    def estimate(
        self, cloud: Cloud, main: Measured, description: CloudDescription | None, target: int, host: Host | None
    ) -> Forecast:
        """The whole estimate. ``main`` was measured on ``cloud``, which was kept before; with a ``description`` it is a
        seeded one, which is measured at smaller scales too and carried on to ``target``.
        """
        plan = self.laboratory.plan
        possible = [p for p in plan.first.preparations if p.service in plan.services]
        prepared = [done for p in possible if (done := self.prepared(cloud, main.steps, p))]
        runs, basis = [main], "the dump as it is"
        if description is not None:
            scales = scales_below(target)
            runs += [self.scale(description, scale) for scale in scales[:-1] for _ in range(REPEATS)]
            basis = f"a seeded cloud measured at scale {', '.join(map(str, scales))}"
            basis += f" and carried on to {target}" if target > scales[-1] else ""
        lab = self.host()
        basis += f", with a production server's durability, on {lab.cores} cores"
        basis += f", carried over to {host.host or 'the measured host'}" if host else ""
        online = {
            part.step: frozenset(command.name for command in part.upgrade if command.online)
            for release in plan.releases[1:]
            for part in release.services.values()
        }
        runs.sort(key=lambda run: run.scale)
        return estimate(runs, target if description else 1, basis, lab, host=host, online=online, prepared=prepared)

    def host(self) -> Host:
        """What the machine with the database is capable of, measured on the file system that holds it."""
        self.say("measuring this host")
        lab = self.laboratory.lab
        image = self.laboratory.images[self.laboratory.plan.last.name]
        mounts = [Mount(lab.volume(f"{HOST}-data"), "/data", read_only=False)]
        container = lab.start(image, "measure", command=["tail", "-f", "/dev/null"], mounts=mounts)
        put_files(container, {"/lab/measure_host.py": SCRIPT.read_bytes()})
        run = run_in(container, ["/opt/venv/bin/python", "/lab/measure_host.py", "--dir", "/data"])
        lab.remove(container)
        start = run.output.find("{")
        if not run.ok or start < 0:
            raise LabFault("cannot measure this host", evidence=run.output)
        return host_of(json.loads(run.output[start:]), "what measure_host.py printed here")

    def _taken(self, plan: Plan, cloud: Cloud, here: RunDirectory, scale: float) -> Measured:
        meter = Meter(self.laboratory.server)
        injected = [s for s in self.runner.injected if set(s.services) <= set(plan.services)]
        with EventLog(here.events, meter.on_event) as events:
            runner = replace(self.runner, plan=plan, run=here, events=events, injected=injected, checks=(), jobs=1)
            return meter.measured(scale, runner.go(cloud).result.steps)


@dataclass
class Estimate:
    """The phase that says how long production will take.

    With a ``description`` the cloud is a seeded one of ``factor``, which is carried on to ``scale``.
    """

    measuring: Measuring
    description: CloudDescription | None
    scale: int
    factor: int
    host: Host | None
    _listening: tuple[Cloud, Meter] | None = field(default=None, init=False)

    def before(self, cloud: Cloud) -> Cloud:
        """Keep the cloud as it is now, and listen to its steps from now on."""
        self.measuring.keep(cloud)
        meter = Meter(self.measuring.laboratory.server)
        self.measuring.runner.events.listen(meter.on_event)
        self._listening = cloud, meter
        return cloud

    def after(self, ended: Ended) -> PhaseResult:
        """Measure what is missing; a cloud that did not reach the end gets no estimate."""
        if self._listening is None or ended.result.failed or ended.result.refused:
            return PhaseResult()
        cloud, meter = self._listening
        main = meter.measured(self.factor if self.description else 1, ended.result.steps)
        return PhaseResult(estimate=self.measuring.estimate(cloud, main, self.description, self.scale, self.host))


def _alone(plan: Plan, service: str) -> Plan:
    """The part of a plan that is one service's."""
    finish = plan.finish if plan.finish and plan.finish.service == service else None
    return dataclasses.replace(
        plan, chains=tuple(chain for chain in plan.chains if chain.service == service), finish=finish
    )

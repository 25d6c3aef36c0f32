"""The steps of a plan as things that run: whatever has a name, a service and work to do on a cloud is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.steps import run_finish, run_hop
from osupgrade.lab.exec import ToolRun
from osupgrade.model.errors import UsageFault
from osupgrade.model.plan import Chain, Plan
from osupgrade.model.release import Database, Finish, Hop, Release
from osupgrade.model.step import StepResult

Replacement = Callable[[Cloud], Sequence[ToolRun]]
"""What runs in place of a release's own tool."""


class Work(Protocol):
    """Does a step on a cloud that is where the step begins.

    The log and the configuration are kept at the paths given; with ``record``, a path too, every migration is observed.
    ``instead`` runs in place of the release's own tool; when it runs nothing, the step was skipped.
    """

    def __call__(
        self, cloud: Cloud, log: Path, config: Path, *, instead: Replacement | None = None, record: Path | None = None
    ) -> StepResult:
        """Run it."""
        ...


@dataclass(frozen=True)
class Step:
    """Anything that runs on a route, with a stage before it and one after it."""

    name: str
    """What stages and reports call it: ``havana/nova``, ``ml2``."""
    title: str
    """What it does, for whoever watches."""
    service: str
    release: Release
    """The release whose tool runs it."""
    source: Release | None
    """The release that it starts from; None for one that goes to no other release."""
    databases: tuple[Database, ...]
    """Those that the service's own tool sees."""
    run: Work


def hop_step(hop: Hop, source: Release, release: Release) -> Step:
    """One service from one release to the next."""

    def run(
        cloud: Cloud, log: Path, config: Path, *, instead: Replacement | None = None, record: Path | None = None
    ) -> StepResult:
        return run_hop(cloud, release, hop.service, log, config, source=source, instead=instead, record=record)

    databases = _databases(hop.service, source, release)
    return Step(hop.step, f"{hop.source} to {hop.target}", hop.service, release, source, databases, run)


def finish_step(finish: Finish, release: Release) -> Step:
    """A move within a release, by its own tool: after all chains, or between two hops."""

    def run(
        cloud: Cloud, log: Path, config: Path, *, instead: Replacement | None = None, record: Path | None = None
    ) -> StepResult:
        return run_finish(cloud, finish, release, log, config, instead=instead, record=record)

    databases = _databases(finish.service, release)
    return Step(finish.name, finish.command.name, finish.service, release, None, databases, run)


def service_steps(plan: Plan, chain: Chain) -> tuple[Step, ...]:
    """The steps of one chain, in order."""
    releases = plan.by_name
    steps = {hop.step: hop_step(hop, releases[hop.source], releases[hop.target]) for hop in chain.hops}
    steps |= {move.name: finish_step(move, releases[move.release]) for move in chain.moves}
    return tuple(steps[name] for name in chain.steps)


def finish_steps(plan: Plan) -> tuple[Step, ...]:
    """The steps that come after all chains, in order."""
    return (finish_step(plan.finish, plan.last),) if plan.finish else ()


def find_step(plan: Plan, name: str) -> Step:
    """A step of a plan by its name; raises UsageFault when there is none."""
    steps = (*(step for chain in plan.chains for step in service_steps(plan, chain)), *finish_steps(plan))
    for step in steps:
        if step.name == name:
            return step
    raise UsageFault(f"the path {plan.path.name} has no step {name!r}; it has {', '.join(plan.steps)}")


def _databases(service: str, *releases: Release) -> tuple[Database, ...]:
    """Those of the releases that have the service, each once, as the last of them has it."""
    parts = [release.services[service] for release in releases if service in release.services]
    return tuple({database.name: database for part in parts for database in part.databases}.values())

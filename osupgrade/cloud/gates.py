"""Chains run side by side; a few steps must wait for one of another chain."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from osupgrade.model.plan import Chain, Plan


class Gates:
    """Lets the steps of a plan that wait for others wait. For several threads; each chain runs in one."""

    def __init__(self, plan: Plan) -> None:
        self._waits: Mapping[str, str] = plan.waits
        self._ended = {step: threading.Event() for step in plan.waits.values()}
        self._passed: set[str] = set()

    def passes(self, step: str) -> bool:
        """Wait until a step may begin; False where what it waits for did not come about."""
        awaited = self._waits.get(step)
        if awaited is None:
            return True
        self._ended[awaited].wait()
        return awaited in self._passed

    def ended(self, step: str) -> None:
        """A step has ended well."""
        if step in self._ended:
            self._passed.add(step)
            self._ended[step].set()

    def close(self, steps: Sequence[str] = ()) -> None:
        """These steps, or all, will not end any more: threads that wait for one go on without it."""
        for step in steps or tuple(self._ended):
            if step in self._ended:
                self._ended[step].set()


def waiting_last(plan: Plan, chains: Sequence[Chain] = ()) -> tuple[Chain, ...]:
    """The chains, sorted so that each comes after those that it waits for: even one worker then never deadlocks."""
    return tuple(sorted(chains or plan.chains, key=lambda chain: any(step in plan.waits for step in chain.steps)))

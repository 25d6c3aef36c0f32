"""Steps that wait for one of another chain."""

import threading
from types import SimpleNamespace

import pytest

from osupgrade.cloud.gates import Gates, waiting_last

PLAN = SimpleNamespace(
    waits={"b/2": "a/1"},
    chains=(SimpleNamespace(name="b", steps=("b/1", "b/2")), SimpleNamespace(name="a", steps=("a/1",))),
)


@pytest.mark.parametrize(("end", "passed"), [(lambda gates: gates.ended("a/1"), True), (Gates.close, False)])
def test_a_step_waits_until_the_other_has_ended_or_never_will(end, passed):
    gates, found, began = Gates(PLAN), [], threading.Event()

    def work():
        began.set()
        found.append(gates.passes("b/2"))

    thread = threading.Thread(target=work)
    thread.start()
    began.wait()
    assert not found
    end(gates)
    thread.join(30)
    assert found == [passed]


def test_what_waits_for_nothing_passes_at_once_and_a_close_of_others_lets_nobody_through():
    gates = Gates(PLAN)
    assert gates.passes("b/1")
    gates.close(["b/1"])
    gates.ended("a/1")
    assert gates.passes("b/2")


def test_chains_that_wait_come_last_so_that_one_worker_is_enough():
    assert [chain.name for chain in waiting_last(PLAN)] == ["a", "b"]

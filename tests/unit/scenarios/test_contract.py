"""What a scenario's own functions raise is its own fault."""

import os
import signal

import pytest

from osupgrade.model import interrupt
from osupgrade.scenarios.contract import ScenarioFault, call
from osupgrade.scenarios.loading import load_scenarios

from ._written import GOOD, write


class Odd(BaseException):
    pass


@pytest.mark.parametrize("raised", [SystemExit(0), KeyboardInterrupt(), GeneratorExit(), Odd("boo"), ValueError("no")])
def test_whatever_a_scenarios_function_raises_is_its_own_fault(tmp_path, raised):
    write(tmp_path, "mine", GOOD)
    (scenario,) = load_scenarios([tmp_path]).chosen(["mine"])

    def function():
        raise raised

    with pytest.raises(ScenarioFault, match=type(raised).__name__):
        call(scenario, function)
    with pytest.raises(ScenarioFault, match="_exit"):
        call(scenario, lambda: os._exit(0))


def test_a_signal_is_no_fault_of_a_scenario(tmp_path):
    write(tmp_path, "mine", GOOD)
    (scenario,) = load_scenarios([tmp_path]).chosen(["mine"])
    with interrupt.at_work(), pytest.raises(KeyboardInterrupt):
        call(scenario, lambda: signal.raise_signal(signal.SIGTERM))

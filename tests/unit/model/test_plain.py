"""Values of the model as JSON has them."""

import dataclasses
import enum
import json

from osupgrade.model.plain import plain
from osupgrade.model.stage import Stage


class Colour(enum.StrEnum):
    RED = "red"


@dataclasses.dataclass(frozen=True)
class Value:
    stage: Stage
    colour: Colour
    names: frozenset[str]
    numbers: dict[str, float]


def test_every_kind_of_value_is_json_in_an_order_that_does_not_change():
    value = Value(Stage.parse("after:ml2"), Colour.RED, frozenset({"b", "a"}), {"z": 1.23456, "a": 2.0})
    found = plain((value, None, True, 3))
    assert json.loads(json.dumps(found)) == found
    assert found == [
        {"stage": "after:ml2", "colour": "red", "names": ["a", "b"], "numbers": {"a": 2.0, "z": 1.235}},
        None,
        True,
        3,
    ]
    assert list(found[0]["numbers"]) == ["a", "z"]

import dataclasses
import json

import pytest

from osupgrade.seed.description import load_description, parse
from tools.seed_shapes import shape_of


def as_toml(description):
    lines = []
    for key, value in dataclasses.asdict(description).items():
        if isinstance(value, dict):
            lines += [f"[{key}]", *(f"{name} = {json.dumps(item)}" for name, item in value.items())]
        else:
            lines.append(f"{key} = {value.isoformat() if hasattr(value, 'isoformat') else value}")
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(1, 201))
def test_every_shape_is_one_that_can_be_seeded(seed):
    shape = shape_of(load_description(), seed)
    assert parse(as_toml(shape.description), "shape") == shape.description


@pytest.mark.exhaustive
def test_shapes_differ_and_a_seed_gives_the_same_one_again():
    shapes = [shape_of(load_description(), seed) for seed in range(1, 201)]
    assert shapes == [shape_of(load_description(), seed) for seed in range(1, 201)]
    assert len({(s.description.hosts.naming, s.description.networks.tunnel_type) for s in shapes}) == 4
    assert {len(s.changes) for s in shapes} >= {0, 1, 2, 3, 4}
    assert {"havana", "icehouse"} == {release for s in shapes for release in s.ahead.values()}
    assert any(s.services for s in shapes) and any(s.charsets for s in shapes)
    assert all({*s.ahead, *s.charsets} <= set(s.services) for s in shapes if s.services)

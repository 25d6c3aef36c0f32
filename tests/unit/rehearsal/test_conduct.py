"""What a verdict tells an operator to run next is the rehearsal that he ran, with the cures."""

import pytest

from osupgrade.rehearsal.conduct import curing


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("rehearse --no-cure", "osupgrade rehearse --cure a,b"),
        (
            "rehearse --dump q.sql --naive --services neutron",
            "osupgrade rehearse --dump q.sql --services neutron --cure a,b",
        ),
        ("rehearse --cure a --scenario x", "osupgrade rehearse --scenario x --cure a,b"),
        ("rehearse --scale 10 --cure=a", "osupgrade rehearse --scale 10 --cure a,b"),
        ("nightly --shard 1/4", "osupgrade rehearse --cure a,b"),
    ],
)
def test_the_same_rehearsal_with_the_cures(given, told):
    assert curing(given.split(), ["a", "b"]) == told

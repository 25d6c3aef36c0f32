"""What a release's own check says of a jump is known beforehand, and told."""

import pytest

from osupgrade.catalog.releases import load_releases, plan_named
from osupgrade.cloud.judge import judge_check
from osupgrade.cloud.jumps import jump_findings, jumps

TABLE = """+---------------------------------------------------------------------+
| Check: Older than N-1 computes                                      |
| Result: Failure                                                     |
| Details: Current Nova version does not support computes older than  |
|   Yoga but the minimum compute service level in your system         |
|   is 56 and the oldest supported service level is 61.               |
+---------------------------------------------------------------------+
"""


@pytest.mark.parametrize(
    ("source", "target", "jumped"),
    [
        ("zed", "antelope", False),
        ("antelope", "caracal", False),  # SLURP to SLURP
        ("caracal", "epoxy", False),
        ("wallaby", "antelope", True),
        ("train", "wallaby", True),
        ("grizzly", "havana", False),
    ],
)
def test_a_jump_is_what_upstream_does_not_support(source, target, jumped):
    releases = load_releases()
    assert jumps(releases[source], releases[target]) is jumped


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("wallaby-antelope-direct", ["antelope/nova"]),
        ("rocky-hibiscus-fewest", ["antelope/nova", "hibiscus/nova"]),
        ("train-wallaby-direct", []),  # its check only warns
        ("caracal-gazpacho", []),
        ("rocky-hibiscus-every", []),
        ("grizzly-icehouse", []),
    ],
)
def test_a_jump_on_which_a_check_fails_is_told_with_what_to_do(path, places):
    found = list(jump_findings(plan_named(path), load_releases()))
    assert [one.place for one in found] == places
    assert all("stop every nova-compute" in one.consequence for one in found)


def test_the_check_counts_wherever_nothing_was_skipped():
    command = load_releases()["antelope"].services["nova"].check[0]
    assert judge_check(command.name, 2, command.accepts, TABLE, command.ignores)
    assert (
        judge_check(command.name, 2, command.accepts, TABLE, (*command.ignores, *(r.check for r in command.on_jumps)))
        == ()
    )

"""The lab's own policy, for the tests of masks."""

from osupgrade.dump.policy import load_policy

POLICY = load_policy()

"""What chains made of one cloud, joined."""

from osupgrade.cloud.merging import merged

from ..rehearsal import _fakes as fakes
from ..rehearsal._fakes import fake_cloud


def test_merging_keeps_what_each_chain_changed():
    base = fake_cloud()
    moved = fakes.replace(base, databases={**base.databases, "nova": "nova2"})
    other = base.with_site(hosts="fqdn")
    both = merged(base, [moved, other, base])
    assert both.databases["nova"] == "nova2" and both.site.hosts == "fqdn" and both.server is base.server
    assert merged(base, []) == base

"""Names: those of the services and of SQL stay, the site's own become others and stay apart."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from osupgrade.dump.mask.names import Names
from osupgrade.dump.mask.values import Masker
from osupgrade.dump.mask.words import WORDS
from osupgrade.dump.policy import upstream_names

NAMES = Names(Masker(b"k" * 32), upstream_names() | WORDS)


def test_names_of_the_services_and_of_sql_stay():
    for name in (
        "ports",
        "NETWORKS",
        "ix_quotas_tenant_id",
        "instance_uuid",
        "system",
        "from",
        "ports_ibfk_2",
        "PRIMARY",
    ):
        assert NAMES.mask(name) == name


def test_names_of_every_release_are_known():
    for name in (
        "application_credential",
        "build_requests",
        "consumer_types",
        "ml2_vlan_allocations",
        "group_volume_type_mapping",
    ):
        assert NAMES.knows(name)


def test_what_is_named_after_something_else_still_is():
    table, column = NAMES.mask("acme_billing"), NAMES.mask("payer")
    assert NAMES.mask("acme_billing_ibfk_1") == f"{table}_ibfk_1"
    assert NAMES.mask("ix_acme_billing_payer") == f"ix_{table}_{column}"
    assert NAMES.mask("payer_2") == f"{column}_2"
    assert NAMES.mask("Payer").lower() == column
    assert NAMES.mask("shadow_acme_billing") == f"shadow_{table}"
    assert NAMES.mask("fk_ports_acme") == f"fk_ports_{NAMES.mask('acme')}"


def test_long_numbers_in_names_are_masked():
    assert NAMES.mask("backup_20130510").rpartition("_")[2] != "20130510"
    assert NAMES.mask("ix_12") == "ix_12"


@example(["a", "b", "A"])
@given(st.lists(st.text("abcdxyz_0189", min_size=1, max_size=5), unique=True, max_size=40))
def test_different_names_stay_different(names):
    assert len({NAMES.mask(name) for name in names}) == len(names)


@example("LATIN1")
@example("acme_LATIN1_customers")
@given(st.text(st.characters(exclude_categories=("Cs",), max_codepoint=0xFFFF), min_size=1, max_size=64))
def test_a_name_stays_a_name_and_no_word_of_it_is_left(name):
    masked = NAMES.mask(name)
    assert len(masked) == len(name)
    assert not NAMES.knows(masked) or NAMES.knows(name)
    for word, made in zip(re.findall(r"[^\W_]+", name), re.findall(r"[^\W_]+", masked), strict=True):
        for old, new in zip(re.findall(r"[A-Za-z]{4,}", word), re.findall(r"[A-Za-z]{4,}", made), strict=False):
            assert old != new or NAMES.knows(old) or NAMES.knows(word)

"""Which columns are masked, and what an operator's own policy may say."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osupgrade.catalog.loading import validate
from osupgrade.dump.policy import OperatorPolicy, Treatment, load_policy, upstream_names
from osupgrade.model.errors import UsageFault
from osupgrade.schema import catalogue

from .mask._policy import POLICY


def test_every_column_of_every_revision_is_classified():
    unclassified, names = set(), set()
    for service, table, column in every_column():
        names.add(column.name)
        kind = column.type.partition("(")[0].split()[0]
        if POLICY.treatment(table, column.name) is None and kind not in POLICY.kept_types:
            unclassified.add(f"{service}.{table}.{column.name} {column.type}")
    assert len(names) > 400
    assert not unclassified
    spoken_of = {name.partition(".")[2] for name in POLICY.columns}
    assert spoken_of <= names | upstream_names(), "the policy speaks of columns that no service ever had"
    assert POLICY.treatment("shadow_instances", "user_data") is Treatment.DROP
    assert POLICY.treatment("token", "extra") is Treatment.DROP
    assert POLICY.treatment("user", "extra") is Treatment.JSON


@pytest.mark.parametrize(
    ("table", "column", "treatment"),
    [
        ("request_specs", "spec", Treatment.JSON),
        ("instance_extra", "device_metadata", Treatment.JSON),
        ("build_requests", "instance_metadata", Treatment.JSON),
        ("build_requests", "instance", Treatment.JSON),
        ("cell_mappings", "transport_url", Treatment.DROP),
        ("cell_mappings", "database_connection", Treatment.DROP),
        ("cells", "transport_url", Treatment.DROP),
        ("cells", "password", Treatment.DROP),
        ("key_pairs", "public_key", Treatment.DROP),
        ("instances", "user_data", Treatment.DROP),
        ("block_device_mapping", "connection_info", Treatment.JSON),
        ("volume_attachment", "connector", Treatment.JSON),
        ("image_locations", "value", Treatment.PARTS),
        ("image_locations", "meta_data", Treatment.JSON),
        ("application_credential", "secret_hash", Treatment.SECRET),
        ("trust", "extra", Treatment.JSON),
        ("request_token", "requested_roles", Treatment.JSON),
        ("ml2_port_bindings", "profile", Treatment.JSON),
        ("ml2_port_bindings", "vif_details", Treatment.JSON),
        ("services", "rpc_available_version", Treatment.KEEP),
    ],
)
def test_what_becomes_of_the_columns_that_hold_secrets_at_some_release(table, column, treatment):
    assert POLICY.treatment(table, column) is treatment
    assert {table, column} <= upstream_names()


def every_column():
    """Every column of the catalogue, at every revision of every service."""
    seen = set()
    for service in catalogue.services():
        for variant in catalogue.variants(service):
            line = catalogue.lineage(service, variant)
            tables = [table for revision in line.revisions for table in revision.schema.tables]
            tables += [table for made in line.served.values() for table in made]
            for table in tables:
                for column in table.columns:
                    if (service, table.name, column.name, column.type) not in seen:
                        seen.add((service, table.name, column.name, column.type))
                        yield service, table.name, column


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[columns]\n"name" = "keep"', 'columns.name: must have the form "table.column"'),
        ('[columns]\n"*.name" = "hide"', 'columns."\\*.name": must be \'keep\'.*not "hide"'),
        ('[column]\n"*.name" = "mask"', "column: is not a known key"),
        ('[vocabulary]\nword = "acme"', "vocabulary.word: is not a known key"),
        ('[names]\nkeep = "name"', "names: is not a known key"),
        ("columns = 3", "columns: must be a table of keys, not 3"),
        ("relations = []", "relations: must be a table of keys, not a list"),
        ('[relations]\n"a.b" = "c.d.e"', 'relations."a.b": must have the form "service.table.column"'),
        ("[vocabulary]\nwords = 3", "vocabulary.words: must be text, not 3"),
        ("x = " + "[" * 20000 + "]" * 20000, "nested more than"),
        ("[" + "a." * 20000 + "a]", "nested more than"),
        ('[columns]\n"a.b\\u0000" = "keep"', "holds a NUL character"),
        ("nonsense", "not valid TOML"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(tmp_path, text, says):
    file = tmp_path / "policy.toml"
    file.write_text(text)
    with pytest.raises(UsageFault, match=says):
        load_policy(file)
    with pytest.raises(UsageFault, match="cannot read"):
        load_policy(tmp_path / "none.toml")


VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["keep", "mask", "a.b", "a.b.c"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9) | st.just("a.b"), inner, max_size=3)
    ),
    max_leaves=8,
)


PARTS = st.sampled_from(["columns", "relations", "vocabulary", "names", "derived"])


@pytest.mark.exhaustive
@given(st.dictionaries(PARTS | st.text(max_size=6), VALUES, max_size=4))
def test_no_policy_raises_anything_but_one_clear_error(data):
    with contextlib.suppress(UsageFault):
        policy = validate(data, OperatorPolicy, "policy.toml")
        assert set(data) <= {"columns", "relations", "vocabulary"}
        assert all(name.count(".") == 1 for name in policy.columns)


def test_the_operators_policy_wins(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text('[columns]\n"billing.code" = "keep"\n"*.user_data" = "mask"\n[vocabulary]\nwords = "acme"\n')
    policy = load_policy(file)
    assert policy.treatment("billing", "code") is Treatment.KEEP
    assert policy.treatment("instances", "user_data") is Treatment.MASK
    assert "acme" in policy.words
    assert "active" in policy.words

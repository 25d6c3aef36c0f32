"""A database's true revision, and what is its own, from the schema alone."""

from dataclasses import replace

import pytest

from osupgrade.model.finding import Severity
from osupgrade.schema.catalogue import apply, delta, lineage, routes, services, variants
from osupgrade.schema.identify import customisations, identify, recognise, study
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Column, Index, Table, Trigger

PHONE = Column("phone", "varchar(20)", True, collation="utf8_general_ci")
OWN = Table("billing", (Column("id", "int", False),), (Index("PRIMARY", (("id", 0),), True),))


def at(service, revision, variant=""):
    return lineage(service, variant).at(revision).schema


def changed(schema, name, **changes):
    """The schema with one table changed; ``add_column`` and ``add_index`` append."""
    old = schema.table(name)
    if "add_column" in changes:
        changes["columns"] = (*old.columns, changes.pop("add_column"))
    if "add_index" in changes:
        changes["indexes"] = (*old.indexes, changes.pop("add_index"))
    return replace(schema, tables=tuple(replace(t, **changes) if t.name == name else t for t in schema.tables))


def without(schema, *names):
    return replace(schema, tables=tuple(t for t in schema.tables if t.name not in names))


def with_tables(schema, *tables):
    return replace(schema, tables=tuple(sorted((*schema.tables, *tables), key=lambda t: t.name)))


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("service", "variant"),
    [(s, v) for s in ("keystone", "glance", "cinder", "nova", "neutron") for v in variants(s)],
)
def test_upstream_s_own_revisions_have_no_finding(service, variant):
    for revision in lineage(service, variant).revisions[::7]:
        claim = ("icehouse",) if revision.name == "ml2" else (revision.name,)
        result = study(service, revision.schema, claim, expected=variant)
        assert result.findings == ()
        assert result.identity.honest
        assert recognise(revision.schema) in (service, None)


@pytest.mark.parametrize(
    ("variant", "release"),
    [(v, r) for v in variants("neutron") for r in dict.fromkeys(x.release for x in lineage("neutron", v).revisions)],
)
def test_neutron_s_plugins_are_told_by_the_schema_of_a_cloud_whose_server_ran(variant, release):
    line = lineage("neutron", variant)
    head = line.head(release)
    result = study("neutron", with_tables(head.schema, *line.served.get(release, ())), (head.name,))
    assert result.identity.revision.name == head.name
    # Where two routes came to the same tables, either is right.
    assert result.identity.line.variant == variant or {result.identity.line.variant, variant} <= set(routes())
    assert result.findings == () and result.customisations == ()


@pytest.mark.parametrize("expected", ["openvswitch", "openvswitch+lbaas"])
def test_where_the_schema_does_not_tell_the_site_does(expected):
    """Grizzly's tool makes no tables of the load balancer; its server does."""
    result = identify("neutron", at("neutron", "grizzly", "openvswitch"), ("grizzly",), expected=expected)
    assert (result.line.variant, result.distance) == (expected, 0)
    other = identify("neutron", at("neutron", "grizzly", "linuxbridge"), ("grizzly",), expected=expected)
    assert other.line.variant == "linuxbridge"


def test_a_neutron_whose_server_ran_is_clean():
    line = lineage("neutron", "openvswitch")
    (quotas,) = line.served["grizzly"]
    result = study("neutron", with_tables(at("neutron", "grizzly", "openvswitch"), quotas), ("grizzly",))
    assert result.findings == ()
    assert result.customisations == ()


def test_a_changed_quotas_is_still_a_customisation():
    (quotas,) = lineage("neutron", "openvswitch").served["grizzly"]
    own = replace(quotas, columns=(*quotas.columns, PHONE))
    result = study("neutron", with_tables(at("neutron", "grizzly", "openvswitch"), own), ("grizzly",))
    assert [c.place for c in result.customisations] == ["quotas.phone"]


def test_tables_that_the_operator_dropped_make_no_later_revision():
    """Cinder's storage manager, which Havana's 16 drops: without its tables a Grizzly is a Grizzly all the same."""
    schema = at("cinder", "9")
    bare = without(schema, *(name for name in schema.names if name.startswith("sm_")))
    result = study("cinder", bare, ("9",))
    assert (result.identity.revision.name, result.identity.findings) == ("9", ())
    assert {c.place for c in result.customisations} == schema.names - bare.names


@pytest.mark.exhaustive
@pytest.mark.parametrize(("service", "variant"), [(s, v) for s in services() for v in variants(s)])
def test_a_dump_without_one_of_the_tables_is_of_the_revision_that_it_says(service, variant):
    """As `mysqldump --ignore-table=keystone.token` makes it: what a table held says nothing once it is not there."""
    line = lineage(service, variant)
    for release in {line.releases[0], line.releases[len(line.releases) // 2], line.last}:
        head = line.head(release)
        there = [place for place, r in enumerate(line.revisions) if r.release == release]
        # Without a table that the release itself brings, it is the release before.
        held = line.revisions[max(there[0] - 1, 0) : there[-1] + 1]
        always = sorted(frozenset.intersection(*(r.schema.names for r in held)) - {line.version_table})
        for name in always[:: max(1, len(always) // 4)]:
            result = study(service, without(head.schema, name), (head.name,), expected=variant)
            assert (result.identity.revision.name, result.whole) == (head.name, ()), name


def test_own_migration_numbers_are_found_out():
    schema = changed(at("keystone", "22"), "user", add_column=PHONE)
    result = study("keystone", schema, ("25",))
    assert result.identity.revision.name == "22"
    assert not result.identity.honest
    lie, own = result.findings
    assert lie.severity is Severity.ERROR
    assert "says 25" in lie.message
    assert "23 to 25 never ran" in lie.consequence
    assert lie.cure.steps[0].statement == "UPDATE migrate_version SET version = '22' WHERE version = '25'"
    assert own.place == "user.phone"
    assert own.severity is Severity.INFO


def test_a_version_behind_the_schema_is_found_out():
    result = identify("nova", at("nova", "216"), ("161",))
    assert result.revision.name == "216"
    assert "162 to 216 will run again" in result.findings[0].consequence


@pytest.mark.parametrize(
    ("service", "schema", "claim", "statements"),
    [
        ("cinder", "rocky", ["128"], ["UPDATE migrate_version SET version = '123' WHERE version = '128'"]),
        (
            "keystone",
            "rocky",
            ["109", "61", "61", "61"],
            ["UPDATE migrate_version SET version = '52' WHERE version = '61'"],
        ),
        (
            "neutron",
            "xena",
            ["34cf8b009713", "5c85685d616d"],
            ["UPDATE alembic_version SET version_num = '1bb3393de75d' WHERE version_num = '34cf8b009713'"],
        ),
        ("cinder", "xena", ["141"], []),
        (
            "keystone",
            "yoga",
            ["109", "78", "78", "78"],
            ["UPDATE migrate_version SET version = '79' WHERE version = '78'"],
        ),
    ],
)
def test_a_version_is_set_where_it_stands_row_by_row(service, schema, claim, statements):
    """A history may go on in another table than it began with, and have several rows; what no statement does has none."""
    line = lineage(service, variants(service)[-1])
    (finding,) = identify(service, line.head(schema).schema, claim).findings
    assert finding.place == ("alembic_version" if len(claim[0]) > 4 else "migrate_version")
    assert [step.statement for step in finding.cure.steps] == statements if statements else finding.cure is None


def test_an_unstamped_database_gets_a_row_for_each_head_and_a_numbered_one_no_statement():
    neutron = lineage("neutron", variants("neutron")[-1]).head("xena").schema
    (finding,) = identify("neutron", without(neutron, "alembic_version"), ()).findings
    assert finding.cure.steps[-1].statement.endswith("VALUES ('1bb3393de75d'), ('5c85685d616d')")
    cinder = lineage("cinder", variants("cinder")[-1]).head("rocky").schema
    (finding,) = identify("cinder", without(cinder, "migrate_version"), ()).findings
    assert finding.place == "migrate_version" and finding.cure is None


def test_of_revisions_with_one_schema_the_one_next_to_the_claim_is_meant_and_without_a_claim_the_first():
    line = lineage("glance", variants("glance")[-1])
    same = ["wallaby_contract01", "2023_1_contract01"]
    schema = line.at(same[0]).schema
    assert schema == line.at(same[1]).schema
    assert [
        identify("glance", schema, claim).revision.name for claim in ((), ("train_contract01",), ("2024_1_contract01",))
    ] == [same[0], same[0], same[1]]


def test_a_placeholder_is_no_lie():
    assert identify("nova", at("nova", "161"), ("165",)).findings == ()


def test_a_half_applied_migration_is_found_out():
    line = lineage("nova")
    tables = {t.name: t for t in at("nova", "192").tables}
    step = delta(tables, {t.name: t for t in at("nova", "193").tables})
    assert len(step) > 6
    half = apply(tables, dict(list(step.items())[:6]))
    schema = Schema(tables=tuple(half[name] for name in sorted(half)))
    (finding,) = identify("nova", schema, ("192",)).findings
    assert "193 is half applied" in finding.message
    assert finding.severity is Severity.ERROR
    assert {row[1] for row in finding.evidence.rows} <= {"done", "not done"}
    assert line.at("192").schema != schema


def test_an_unstamped_neutron_is_found_with_its_cure():
    line = lineage("neutron", "openvswitch")
    bare = without(at("neutron", "grizzly", "openvswitch"), "alembic_version", "servicetypes", "servicedefinitions")
    result = study("neutron", with_tables(bare, *line.served["grizzly"]), ())
    assert result.identity.revision.name == "grizzly"
    never, *rest = result.findings
    assert "never stamped" in never.message
    assert never.cure.steps[-1].statement == "INSERT INTO alembic_version (version_num) VALUES ('grizzly')"
    assert {f.place for f in rest} == {"servicetypes", "servicedefinitions"}


@pytest.mark.parametrize(
    ("service", "claim", "said"),
    [
        ("nova", "267", "a later release"),
        ("nova", "82", "an older release"),
        ("neutron", "juno", "not an upstream revision"),
    ],
)
def test_a_claim_beyond_the_catalogue_is_named(service, claim, said):
    line = lineage(service, variants(service)[0])
    (finding,) = identify(service, line.head("grizzly").schema, (claim,)).findings
    assert said in finding.message


def test_a_schema_far_from_everything_is_named():
    nova = at("nova", "161")
    strange = without(nova, *(t.name for t in nova.tables[::2]))
    assert "far from every revision" in identify("nova", strange, ()).findings[0].message
    claimed = identify("nova", strange, ("161",))
    assert "migrate_version says 161, but the tables are not those of 161" in claimed.findings[0].message
    assert claimed.foreign
    (later,) = identify("nova", strange, ("302",), era="that of Liberty (2015.2)").findings
    assert "says 302, that of Liberty (2015.2); its tables are of no release from Grizzly to Icehouse" in later.message


@pytest.mark.parametrize("claim", ["grizzly", "icehouse", "47147121+c88cdce8f248"])
def test_a_few_tables_are_held_against_what_their_version_says_and_no_other_history(claim):
    service = "keystone" if "+" in claim else "neutron"
    few = Schema(tables=at("neutron", "grizzly", "openvswitch").tables[:2])
    identity = identify(service, few, tuple(claim.split("+")), expected="openvswitch")
    assert identity.foreign and identity.revision.name == claim
    assert identity.revision.release == ("caracal" if "+" in claim else claim)


def test_a_version_from_which_nothing_changes_any_more_is_the_end_all_the_same():
    line = lineage("neutron", "openvswitch")
    moved = identify("neutron", line.at("ml2").schema, ("5ac1c354a051",), expected="openvswitch")
    assert moved.revision.name == "ml2" and moved.findings == ()


@pytest.mark.parametrize("claim", [(), ("havana",)])
def test_a_move_is_never_written_into_a_version_table(claim):
    (finding,) = identify("neutron", lineage("neutron", "openvswitch").at("ml2").schema, claim).findings
    assert "'icehouse'" in finding.cure.steps[-1].statement and "ml2'" not in finding.cure.steps[-1].statement


def test_every_kind_of_customisation_is_told_in_words():
    schema = changed(at("nova", "161"), "instances", add_column=PHONE)
    schema = changed(schema, "services", add_index=Index("own", (("host", 20),)))
    schema = changed(schema, "key_pairs", indexes=schema.table("key_pairs").indexes[1:])
    schema = replace(with_tables(schema, OWN), triggers=(Trigger("audit", "services", "AFTER", "INSERT", "BEGIN END"),))
    result = study("nova", schema, ("161",))
    told = {f.place: (f.severity, f.message) for f in result.findings}
    assert set(told) == {"instances.phone", "services.own", "key_pairs.PRIMARY", "billing", "services.audit"}
    assert told["key_pairs.PRIMARY"][0] is Severity.WARNING
    assert "is missing; upstream at 161 (grizzly) has it" in told["key_pairs.PRIMARY"][1]
    assert "is not in upstream at 161 (grizzly)" in told["billing"][1]
    (shadowed,) = [f for f in result.findings if f.place == "instances.phone"]
    assert "shadow_instances" in shadowed.consequence


@pytest.mark.parametrize(("service", "severity"), [("glance", Severity.ERROR), ("nova", Severity.WARNING)])
def test_a_latin1_database_has_one_finding_for_all_tables(service, severity):
    head = lineage(service).head("grizzly")
    latin1 = "latin1_swedish_ci"
    tables = tuple(
        replace(
            t, collation=latin1, columns=tuple(replace(c, collation=latin1 if c.collation else "") for c in t.columns)
        )
        for t in head.schema.tables
    )
    result = study(service, Schema(tables=tables, collation=latin1), (head.name,))
    assert result.customisations == ()
    (finding,) = result.findings
    assert finding.severity is severity
    assert finding.evidence.total == len(tables)
    assert "latin1" in finding.message
    assert ("refuses" if service == "glance" else "so new tables match") in finding.consequence


@pytest.mark.parametrize("service", ["glance", "keystone"])
def test_nothing_refuses_a_latin1_table_where_no_migration_is_left(service):
    line = lineage(service)
    head = line.head(line.last)
    schema = changed(head.schema, head.schema.tables[0].name, collation="latin1_swedish_ci")
    (finding,) = study(service, schema, (head.name,)).findings
    assert finding.severity is Severity.WARNING
    assert "refuses" not in finding.consequence


@pytest.mark.parametrize(("service", "severity"), [("glance", Severity.ERROR), ("keystone", Severity.WARNING)])
def test_keystone_does_not_ask_about_the_version_table_and_glance_does(service, severity):
    head = lineage(service).head("grizzly")
    schema = changed(head.schema, "migrate_version", collation="latin1_swedish_ci")
    (finding,) = study(service, schema, (head.name,)).findings
    assert finding.severity is severity


@pytest.mark.parametrize(
    ("service", "variant", "release"),
    [(service, "", "grizzly") for service in ("keystone", "glance", "cinder", "nova")]
    + [("neutron", "openvswitch", "grizzly"), ("neutron", variants("neutron")[-1], "train")],
)
@pytest.mark.parametrize("only", ["", "networks"])
def test_tables_of_an_engine_without_foreign_keys_are_of_no_other_revision(service, variant, release, only):
    """As a server makes them whose default engine is MyISAM, or one of them converted: the keys to it are gone too."""
    head = lineage(service, variant).head(release)
    odd = {table.name for table in head.schema.tables if not only or table.name == only}

    def kept(table):
        keys = tuple(key for key in table.foreign_keys if table.name not in odd and key.table not in odd)
        return replace(table, engine="MyISAM" if table.name in odd else table.engine, foreign_keys=keys)

    schema = replace(head.schema, tables=tuple(map(kept, head.schema.tables)))
    identity = identify(service, schema, head.name.split("+"), expected=variant)
    assert (identity.revision.name, identity.findings) == (head.name, ())


def test_a_database_of_something_else_is_not_recognised():
    assert recognise(Schema(tables=(OWN,))) is None
    assert recognise(Schema()) is None


def test_one_backported_column_does_not_move_the_revision():
    column = next(c for c in at("nova", "188").table("services").columns if c.name == "disabled_reason")
    schema = changed(at("nova", "161"), "services", add_column=column)
    result = identify("nova", schema, ("161",))
    assert result.revision.name == "161"
    assert result.findings == ()
    assert [c.place for c in customisations(schema, result.line, "161")] == ["services.disabled_reason"]


@pytest.mark.parametrize(("name", "upstreams"), [("firewalls", True), ("vpnservices", True), ("acme_hosts", False)])
def test_a_table_of_a_plugin_that_the_lab_does_not_run_is_not_called_the_operators_own(name, upstreams):
    line = lineage("neutron", "ml2")
    tables = (*line.at("icehouse").schema.tables, Table(name, (Column("id", "int", False),)))
    (found,) = (f for f in study("neutron", Schema(tables), ("icehouse",)).findings if f.place == name)
    assert f"table {name} is not in upstream at icehouse" in found.message
    assert ("upstream has this name elsewhere" in found.message) is upstreams

"""What makes two failures the same one, on errors as the tools print them."""

import re

import pytest

from osupgrade.cloud.judge import diagnose
from osupgrade.model.failure import Failure, failure_of
from osupgrade.model.step import Diagnosis, Outcome, StepResult


def failed(error: str, *, left_at: str = "38", revision: str = "039", database: str = "keystone") -> Failure:
    result = StepResult(
        "icehouse/keystone",
        "keystone",
        "icehouse",
        Outcome.FAILED,
        1.0,
        1,
        versions_after={"keystone": (left_at,)},
        diagnosis=Diagnosis(error, None, revision) if error else None,
        problems=("`db_sync` exited 1", f"keystone is at {left_at}"),
    )
    return failure_of(result, [database])


def orphan(database: str, user: str, key: str = "assignment_ibfk_1") -> str:
    return (
        "IntegrityError: (IntegrityError) (1452, 'Cannot add or update a child row: a foreign key constraint fails "
        f"(`{database}`.`assignment`, CONSTRAINT `{key}` FOREIGN KEY (`role_id`) REFERENCES `role` (`id`))') "
        f"'INSERT INTO assignment (type, actor_id) VALUES (%s, %s)' ('UserProject', '{user}')"
    )


def test_other_values_and_another_name_of_the_database_are_the_same_failure():
    one, other = failed(orphan("keystone", "ann")), failed(orphan("trial_keystone", "bob"), database="trial_keystone")
    assert one == other
    assert (one.kind, one.number, one.statement) == ("IntegrityError", 1452, "INSERT INTO assignment")


@pytest.mark.parametrize(
    "other",
    [
        failed(orphan("keystone", "ann"), left_at="37"),
        failed(orphan("keystone", "ann"), revision="040"),
        failed(orphan("keystone", "ann", "assignment_ibfk_2")),
        failed(orphan("keystone", "ann").replace("INSERT INTO assignment", "INSERT INTO role")),
        failed(orphan("keystone", "ann").replace("1452", "1451")),
        failed(""),
    ],
)
def test_another_revision_key_table_or_number_is_another_failure(other):
    assert failed(orphan("keystone", "ann")) != other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "IntegrityError: (IntegrityError) (1062, \"Duplicate entry 'DHCP agent-network1' for key 'uniq'\") 'ALTER TABLE agents ADD' ()",
            "IntegrityError: (IntegrityError) (1062, \"Duplicate entry 'it's-o' for key 'uniq'\") 'ALTER TABLE agents ADD' ()",
        ),
        (
            'ValueError: Tables "policy,user" have non utf8 collation, please make sure all tables are CHARSET=utf8',
            'ValueError: Tables "policy" have non utf8 collation, please make sure all tables are CHARSET=utf8',
        ),
        (
            "StatementError: A value is required for bind parameter 'segment', in parameter group 7 'INSERT INTO ml2_port_bindings (a)' [{'x': 1}]",
            "StatementError: A value is required for bind parameter 'segment', in parameter group 1 'INSERT INTO ml2_port_bindings (a)' [{'x': 2}]",
        ),
        (
            "OperationalError: (OperationalError) (1366, \"Incorrect string value: '\\xE9' for column 'name' at row 12\")",
            "OperationalError: (OperationalError) (1366, \"Incorrect string value: '\\xFC' for column 'name' at row 3\")",
        ),
        (
            "OperationalError: (OperationalError) (1553, \"Cannot drop index 'user_id': needed in a foreign key constraint\") '\\nDROP INDEX user_id ON user_project_metadata' ()",
            "OperationalError: (OperationalError) (1553, \"Cannot drop index 'project_id': needed in a foreign key constraint\") '\\nDROP INDEX project_id ON user_project_metadata' ()",
        ),
        (
            "IntegrityError: (IntegrityError) (1452, 'a foreign key constraint fails (`keystone`.`#sql-6_a`, CONSTRAINT `x`)')",
            "IntegrityError: (IntegrityError) (1452, 'a foreign key constraint fails (`keystone`.`#sql-7_1b`, CONSTRAINT `x`)')",
        ),
    ],
)
def test_values_in_the_text_do_not_matter(one, other):
    assert failed(one) == failed(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KeyError: 'source_type'", "KeyError: 'volume_id'"),
        (
            "OperationalError: (OperationalError) (1050, \"Table 'networks' already exists\") '\\nCREATE TABLE networks (' ()",
            "OperationalError: (OperationalError) (1050, \"Table 'ports' already exists\") '\\nCREATE TABLE ports (' ()",
        ),
        ("TypeError: expected string or buffer", "AttributeError: expected string or buffer"),
    ],
)
def test_names_in_the_text_matter(one, other):
    assert failed(one) != failed(other)


def test_a_mask_may_change_the_text_and_nothing_else():
    conflict = failed("Conflict: Credential AKTRAP already exists with different secret")
    assert conflict.alike(failed("Conflict: Credential QLMXOP already exists with different secret"))
    assert not conflict.alike(failed("Conflict: Credential QLMXOP already exists with different secret", left_at="32"))


@pytest.mark.parametrize(
    "line",
    [
        orphan("n_mine_keystone", "ann"),
        "OperationalError: (OperationalError) (1060, \"Duplicate column name 'disabled_reason'\") '\\nALTER TABLE services ADD disabled_reason VARCHAR(255)' ()",
        "ProgrammingError: (ProgrammingError) (1146, \"Table 'n_mine_keystone.ports' doesn't exist\") 'UPDATE ports SET x=%s' (1,)",
        "KeyError: <VerNum(162)>",
        'ValueError: Tables "policy" have non utf8 collation, please make sure all tables are CHARSET=utf8',
    ],
)
def test_the_pattern_finds_the_error_in_the_log_it_came_from(line):
    log = f"2026 INFO migrating\n2026-11-22 20:34:01.123 7 CRITICAL keystone [-] {line}\n"
    diagnosis = diagnose(log)
    assert diagnosis is not None
    found = failed(diagnosis.error, database="n_mine_keystone")
    assert re.search(found.pattern, log, re.DOTALL)
    assert not re.search(
        found.pattern,
        log.replace("constraint", "x").replace("Duplicate", "x").replace("Table", "x").replace("Key", "x"),
        re.DOTALL,
    )


def test_a_failure_without_an_error_is_known_by_its_problems():
    quiet = failed("")
    assert quiet.pattern == ""
    assert quiet == failed("")
    assert quiet != failed("", left_at="36")

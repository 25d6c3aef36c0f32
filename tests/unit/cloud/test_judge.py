from osupgrade.catalog.releases import load_releases
from osupgrade.cloud.judge import diagnose, judge, judge_start, judge_work
from osupgrade.model.release import Database

NOVA = (Database("nova", "migrate_version", ("216",)),)
OK = (("db sync", 0, (0,)),)


def test_version_schema_and_status_together_make_a_pass():
    assert judge(NOVA, {"nova": ("216",)}, OK) == ()


def test_exit_zero_on_a_newer_database_is_no_pass():
    (problem,) = judge(NOVA, {"nova": ("234",)}, OK)
    assert problem == "nova is at 234, expected 216, the release's head"


def test_head_reached_and_then_exit_one_is_no_pass():
    (problem,) = judge(NOVA, {"nova": ("216",)}, (("db sync", 1, (0,)),))
    assert problem == "`db sync` exited 1"


def test_a_missing_table_is_no_pass_though_version_and_status_are_right():
    (problem,) = judge(NOVA, {"nova": ("216",)}, OK, ["instances"])
    assert "instances" in problem


def test_an_unversioned_database_has_no_revision():
    (problem,) = judge(NOVA, {}, OK)
    assert problem.startswith("nova is at no revision")


def test_a_status_that_the_release_accepts_is_no_problem():
    assert judge(NOVA, {"nova": ("216",)}, (("upgrade check", 1, (0, 1)),)) == ()


ALEMBIC = """INFO  [alembic.migration] Running upgrade folsom -> 2c4af419145b, l3_support
Traceback (most recent call last):
  File "/opt/venv/lib/python2.7/site-packages/MySQLdb/connections.py", line 35, in defaulterrorhandler
sqlalchemy.exc.OperationalError: (OperationalError) (1050, "Table 'networks' already exists") '\\nCREATE TABLE networks (\\n\\tid VARCHAR(36) NOT NULL\\n)\\n\\n' ()
"""


def test_an_alembic_failure_gives_error_statement_and_revision():
    found = diagnose(ALEMBIC)
    assert found is not None
    assert "1050" in found.error
    assert found.revision == "2c4af419145b"
    assert found.statement == "CREATE TABLE networks ( id VARCHAR(36) NOT NULL )"


def test_a_migrate_failure_names_the_script():
    found = diagnose(
        '  File "/src/nova/nova/db/sqlalchemy/migrate_repo/versions/188_add_reason_column_to_service.py", line 24\n'
        "OperationalError: (OperationalError) (1060, \"Duplicate column name 'disabled_reason'\") "
        "'\\nALTER TABLE services ADD disabled_reason VARCHAR(255)' ()\n"
    )
    assert found is not None
    assert found.revision == "188_add_reason_column_to_service"
    assert found.statement == "ALTER TABLE services ADD disabled_reason VARCHAR(255)"


def test_a_key_error_counts_as_an_error():
    found = diagnose("    return self.versions[VerNum(vernum)]\nKeyError: <VerNum(162)>\n")
    assert found is not None
    assert found.error == "KeyError: <VerNum(162)>"


def test_a_log_without_an_error_has_no_diagnosis():
    assert diagnose("INFO  [alembic.migration] Context impl MySQLImpl.\n") is None


def test_a_hop_that_did_not_begin_at_the_release_before_it_is_told():
    assert judge_start(NOVA, {"nova": ("216",)}, "havana") == ()
    (problem,) = judge_start(NOVA, {"nova": ("161",)}, "havana")
    assert problem == "nova was at 161 before, expected 216, the head of havana"


def test_a_database_that_the_cloud_does_not_hold_is_not_judged():
    assert judge_start(NOVA, {}, "havana") == ()


def test_a_tool_that_exits_zero_with_work_left_says_so_itself():
    nova = load_releases()["stein"].services["nova"]
    output = (
        "Running batches of 50 until complete\n"
        "50 rows matched query migrate_empty_ratio, 50 migrated\n"
        "50 rows matched query populate_uuids, 0 migrated\n"
        "0 rows matched query fill_virtual_interface_list, 0 migrated\n"
        "Error attempting to run <function delete_build_requests>\n"
    )
    assert judge_work("db online_data_migrations", output, nova.unfinished) == (
        "`db online_data_migrations` left work undone: 50 rows matched query populate_uuids, 0 migrated",
        "`db online_data_migrations` left work undone: Error attempting to run <function delete_build_requests>",
    )
    assert judge_work("db sync", "0 rows matched query x, 0 migrated\nall is well", nova.unfinished) == ()


def test_a_hop_may_begin_just_before_the_revision_that_marks_its_release():
    (part,) = load_releases()["icehouse"].services["neutron"].databases
    assert judge_start([part], {"neutron": ("5ac1c354a051",)}, "icehouse") == ()
    (problem,) = judge_start([part], {"neutron": ("538732fa21e1",)}, "icehouse")
    assert "expected icehouse" in problem

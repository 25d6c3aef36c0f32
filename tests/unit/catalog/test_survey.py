"""A survey is read as any client prints it, and refused with file, line and reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osupgrade.catalog.survey import QUERY, VARIABLES, Default, parse_survey, read_survey
from osupgrade.model.errors import UsageFault

BATCH = (
    "Variable_name\tValue\nversion\t5.6.24-log\nversion_comment\tMySQL Community Server\nsql_mode\t\n"
    "character_set_server\tlatin1\ncollation_server\tlatin1_swedish_ci\n"
    "database\tschema_name\tdefault_character_set_name\tdefault_collation_name\n"
    "database\tquantum\tutf8\tutf8_general_ci\n"
)


def boxed(text: str) -> str:
    rows = [line.split("\t") for line in text.splitlines()]
    return "\n".join("| " + " | ".join(row) + " |\n+---+" for row in rows)


@pytest.mark.parametrize(
    "text", [BATCH, boxed(BATCH), BATCH.replace("\t", ","), "\ufeff" + BATCH, BATCH.replace("\n", "\r\n")]
)
def test_it_is_read_however_the_client_printed_it(text, tmp_path):
    (tmp_path / "survey.txt").write_text(text, "utf-8", newline="")
    survey = read_survey(tmp_path / "survey.txt")
    assert survey.vendor == "mysql"
    assert survey.version == (5, 6, 24)
    assert survey.variables["sql_mode"] == ""
    assert survey.default_of("quantum") == Default("utf8", "utf8_general_ci")
    assert survey.default_of("nova") == Default("latin1", "latin1_swedish_ci"), "the server's own default"


def test_mariadb_is_known_behind_the_version_that_it_pretends():
    survey = parse_survey("version\t5.5.5-10.5.23-MariaDB-0+deb11u1\n", "x")
    assert (survey.vendor, survey.version) == ("mariadb", (10, 5, 23))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no line with the version"),
        ("-- MySQL dump 10.13\n", "no line with the version"),
        ("version\t5.6\ndatabase\tnova\tutf8; DROP\tx\n", "line 2: 'utf8; DROP' is not a character set"),
        ("version\t5.6\ndatabase\tnova\tutf8\n", "line 2: database has 2 values"),
    ],
)
def test_what_is_no_survey_is_refused_with_its_line(text, reason):
    with pytest.raises(UsageFault, match=reason):
        parse_survey(text, "survey.txt")


def test_a_missing_file_and_a_directory_are_refused(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UsageFault, match="cannot read"):
            read_survey(path)


@given(st.text())
def test_no_text_raises_anything_but_a_usage_fault(text):
    try:
        parse_survey("version\t5.6\n" + text, "x")
    except UsageFault as refusal:
        assert "x" in refusal.message


def test_the_query_asks_for_every_setting():
    assert all(f"'{name}'" in QUERY for name in VARIABLES)


@pytest.mark.parametrize("version", ["", "NULL", "MariaDB"])
def test_a_version_that_is_none_is_refused(version):
    with pytest.raises(UsageFault, match="is not the version of a server") as refused:
        parse_survey(f"version\t{version}\nsql_mode\tANSI\n", "survey.txt")
    assert refused.value.hint

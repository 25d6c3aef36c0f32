"""The lab's server takes the settings of a surveyed one, and what a database then gets by default follows."""

import pytest

from osupgrade.catalog.survey import QUERY, parse_survey
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.lab.server_settings import set_up, start_options


def printed(server):
    """What ``mysql --batch`` prints for the query."""
    rows = [row for statement in QUERY.split(";\n") for row in server.rows("", statement.rstrip(";"))]
    return "\n".join("\t".join("NULL" if cell is None else str(cell) for cell in row) for row in rows)


@pytest.mark.parametrize("image", ["mysql56", "mariadb105", "mariadb118"])
def test_a_server_set_up_from_a_survey_surveys_alike(client, image):
    wanted = {
        "sql_mode": "STRICT_TRANS_TABLES,NO_ZERO_DATE",
        "character_set_server": "latin1",
        "collation_server": "latin1_swedish_ci",
        "default_storage_engine": "MyISAM",
        "lower_case_table_names": "1",
        "time_zone": "+02:00",
    }
    survey = parse_survey("\n".join(f"{k}\t{v}" for k, v in ({"version": "5.6"} | wanted).items()), "survey")
    tags = ImageStore(client).ensure([image], lambda _progress: None)
    with Lab(client) as lab, start_database(lab, tags[image], options=start_options(survey)) as server:
        assert set_up(server, survey) == ()
        server.execute("", "CREATE DATABASE made")
        server.execute("made", "CREATE TABLE Upper (a VARCHAR(9))")
        found = parse_survey(printed(server), "lab")
        made = server.rows("made", "SHOW TABLE STATUS")
    assert {name: found.variables[name] for name in wanted} == wanted
    assert found.databases["made"].charset == "latin1"
    assert made[0][:2] == ("upper", "MyISAM")


def test_what_the_server_does_not_know_is_named(client):
    survey = parse_survey(
        "version\t10.6\nsql_mode\tSTRICT_TRANS_TABLES,NO_SUCH_MODE\ncollation_server\tutf8mb4_0900_x\n", "s"
    )
    tags = ImageStore(client).ensure(["mysql56"], lambda _progress: None)
    with Lab(client) as lab, start_database(lab, tags["mysql56"]) as server:
        left = set_up(server, survey)
        assert server.rows("", "SELECT @@GLOBAL.sql_mode") == [("STRICT_TRANS_TABLES",)]
    assert len(left) == 2
    assert "NO_SUCH_MODE" in left[1] or "NO_SUCH_MODE" in left[0]
    assert any("utf8mb4_0900_x" in text for text in left)


def test_mysql_9_says_which_setting_it_cannot_take(client):
    survey = parse_survey("version\t9.7.4\nsql_mode\tSTRICT_TRANS_TABLES\nlower_case_table_names\t1\n", "survey")
    tags = ImageStore(client).ensure(["mysql97"], lambda _progress: None)
    with Lab(client) as lab, start_database(lab, tags["mysql97"], options=start_options(survey)) as server:
        assert set_up(server, survey) == ("lower_case_table_names is 0 on the lab's server and 1 on the surveyed one",)
        server.create("kept")
        server.renew_password(server.tool)
        assert server.rows("", "SELECT @@GLOBAL.sql_mode") == [("STRICT_TRANS_TABLES",)]

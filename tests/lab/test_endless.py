"""What a cloud makes a release's tool wait for without end is ended and named, whatever the server is."""

import contextlib

import pymysql
import pytest
import sqlalchemy
from sqlalchemy.exc import OperationalError

from osupgrade.cloud.endless import Endless, watched
from osupgrade.dump.limits import VARIABLE, Limits
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore

NEVER = 10**12
LIMITS = Limits(query=2, step=3)


@pytest.fixture(scope="module", params=["mysql56", "mariadb1011", "mysql97"])
def server(client, request):
    image = ImageStore(client).ensure([request.param], lambda _progress: None)[request.param]
    with Lab(client) as lab, start_database(lab, image) as server:
        server.create("nova")
        server.create("glance")
        server.execute("nova", "CREATE TABLE ports (id INT PRIMARY KEY, status INT)")
        server.execute("nova", "INSERT INTO ports VALUES (1, 1), (2, 2), (3, 3)")
        server.execute("nova", "CREATE VIEW slow AS SELECT SLEEP(100000) AS host FROM ports")
        yield server


@contextlib.contextmanager
def trigger(server, body):
    server.execute("nova", f"CREATE TRIGGER billing BEFORE UPDATE ON ports FOR EACH ROW SET NEW.status = {body}")
    try:
        yield
    finally:
        server.execute("nova", "DROP TRIGGER billing")


def as_a_tool(server, *statements, database="nova"):
    """What a release's tool does: statements with the tools' own account, up to the first that fails."""
    with contextlib.closing(sqlalchemy.create_engine(server.tool.url(database)).raw_connection()) as connection:
        for statement in statements:
            connection.cursor().execute(statement)
        connection.commit()


def busy(server):
    sql = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = 'nova' AND STATE LIKE 'User %%'"
    return server.rows("", sql)[0][0]


@pytest.mark.parametrize(
    ("body", "limit"),
    [("SLEEP(100000)", "query"), ("SLEEP(0.9)", "query"), (f"BENCHMARK({NEVER}, SHA2('a', 256))", "step")],
)
def test_a_trigger_that_never_ends_is_named(server, body, limit):
    endless = Endless(server, ["nova"], LIMITS)
    with trigger(server, body), endless.watching(), pytest.raises((OperationalError, pymysql.Error)):
        as_a_tool(server, "UPDATE ports SET status = 5")
    assert "a statement was stopped" in endless.why
    assert "billing of ports" in endless.why
    assert f"{VARIABLE}={limit}=" in endless.why
    assert not busy(server)


def test_a_lock_that_nobody_gives_back_is_ended(server):
    endless = Endless(server, ["nova"], LIMITS)
    with server.session("nova") as holder:
        holder.exec_driver_sql("SELECT GET_LOCK('x', 0)")
        with endless.watching(), contextlib.suppress(OperationalError, pymysql.Error):
            as_a_tool(server, "SELECT GET_LOCK('x', 100000)")
        holder.exec_driver_sql("SELECT RELEASE_LOCK('x')")
    assert "GET_LOCK('x'" in endless.why
    assert not busy(server)


def test_a_tool_that_goes_on_after_the_first_is_ended_again(server):
    endless = Endless(server, ["nova"], LIMITS)
    with endless.watching(), contextlib.suppress(OperationalError, pymysql.Error):
        as_a_tool(server, *["SELECT * FROM slow"] * 50)
    assert "slow" in endless.why
    assert not busy(server)


def test_what_is_slow_and_ends_is_left_alone_and_so_is_another_service(server):
    endless = Endless(server, ["glance"], LIMITS)
    with endless.watching():
        as_a_tool(server, "SELECT SLEEP(1)", database="glance")
        as_a_tool(server, "SELECT SLEEP(4)")
    assert not endless.why


def test_a_tool_of_a_service_without_databases_is_not_watched(server):
    with watched(server, ()) as endless:
        as_a_tool(server, "SELECT 1")
    assert not endless.why

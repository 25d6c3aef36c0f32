"""Quoted SQL as an operator pastes it: through a shell and the servers' own clients, whatever their ``sql_mode``."""

import pytest

from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.model import quoting
from tests.unit.model.test_quoting import HOSTILE

VALUES = [text for text in HOSTILE if "\udcff" not in text]
NAMES = [
    text for text in VALUES if text and "\0" not in text and text == text.rstrip() and all(c < "\ud800" for c in text)
]


@pytest.fixture(scope="module", params=["mysql56", "mariadb105", "mariadb1011"])
def server(client, request):
    tag = ImageStore(client).ensure([request.param], print)[request.param]
    with Lab(client) as lab, start_database(lab, tag) as server:
        yield server


def pasted(server, database, text):
    """Run a shell's lines as they are printed, with $SQL for the client."""
    lines = quoting.client_input("$SQL", database, text)
    assert all(line.isprintable() for line in lines)
    run = server.shell('SQL="$CLIENT --default-character-set=utf8mb4"\n' + "\n".join(lines))
    assert run.ok, run.output


@pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,STRICT_ALL_TABLES"])
@pytest.mark.parametrize("charset", ["utf8mb4", "latin1"])
def test_values_arrive_as_they_are_and_are_found_by_them(server, mode, charset):
    server.create("quoting")
    server.execute("quoting", "DROP TABLE IF EXISTS v")
    server.execute("quoting", f"CREATE TABLE v (n INT, t VARCHAR(300)) DEFAULT CHARSET={charset}")
    values = [text for text in VALUES if charset == "utf8mb4" or all(char < "\u0100" for char in text)]
    statements = [quoting.statement("SET SESSION sql_mode = :mode", mode=mode)]
    statements += [quoting.statement("INSERT INTO v VALUES (:n, :t)", n=n, t=text) for n, text in enumerate(values)]
    statements += [quoting.statement("UPDATE v SET n = n + 1000 WHERE BINARY t = BINARY :t AND n = :n", n=n, t=text)
                   for n, text in enumerate(values) if charset == "utf8mb4"]  # fmt: skip
    statements += [quoting.statement("UPDATE v SET n = n + 1000 WHERE t = :t AND n = :n", n=n, t=text)
                   for n, text in enumerate(values) if charset == "latin1"]  # fmt: skip
    pasted(server, "quoting", ";\n".join(statements) + ";")
    assert server.rows("quoting", "SELECT n, t FROM v ORDER BY n") == [
        (n + 1000, text) for n, text in enumerate(values)
    ]


@pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES"])
def test_names_arrive_as_they_are(server, mode):
    server.create("quoting_names")
    for name in NAMES:
        made = "CREATE TABLE {name} ({name} INT, KEY {name} ({name}))"
        wanted = (quoting.statement("SET SESSION sql_mode = :mode", mode=mode), quoting.statement(made, name=name))
        pasted(server, "quoting_names", ";\n".join(wanted) + ";")
        sql = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'quoting_names'"
        assert server.rows("", sql) == [(name, name)], name
        pasted(server, "quoting_names", quoting.statement("DROP TABLE {name}", name=name) + ";")

"""A cloud whose own tables, columns, keys and values try to be more than text: taken along, told, quoted everywhere."""

import json
import re
import subprocess

import pytest
from pymysql.converters import escape_string

from osupgrade.cli import run
from osupgrade.cloud.laboratory import Laboratory, restore_lane
from osupgrade.lab.engine import read_file
from osupgrade.model.quoting import quoted
from tests.unit.model.test_quoting import HOSTILE

SERVICES = ("keystone", "glance", "cinder", "nova", "neutron")
VALUES = [text for text in HOSTILE if "\udcff" not in text and "\0" not in text and "\N{GRINNING FACE}" not in text]
# The servers' own client makes a line feed of a carriage return and a line feed in a name: such a table's backup is none.
NAMES = [text for text in VALUES if text and text == text.rstrip() and "\r" not in text]
# A table of each service that has no migration of its own on the way, and a text column of a row in it.
OWNED = {
    "keystone": ("role", "user", "name"),
    "glance": ("image_tags", "images", "name"),
    "cinder": ("volume_types", "volumes", "display_name"),
    "nova": ("key_pairs", "instances", "hostname"),
    "neutron": ("agents", "networks", "name"),
}


def literal(text: str) -> str:
    """A comment or a default takes no other form of string; the server reads backslashes as it does by default."""
    return f"'{escape_string(text)}'"


def plant(server, database: str, service: str) -> None:
    """Own tables, columns, indexes, foreign keys, triggers and views of every hostile name, and the values in rows."""
    widened, named, column = OWNED[service]
    for number, name in enumerate(NAMES):
        mine, short = quoted(name), quoted(name[:60] + str(number))
        server.execute(
            database, f"CREATE TABLE {mine} ({mine} INT PRIMARY KEY, t VARCHAR(300) COMMENT {literal(name)})"
        )
        server.execute(database, f"INSERT INTO {mine} VALUES (1, {literal(name)})")
        server.execute(
            database, f"ALTER TABLE {mine} ADD r INT, ADD CONSTRAINT {short} FOREIGN KEY (r) REFERENCES {mine} ({mine})"
        )
        server.execute(database, f"CREATE VIEW own_view_{number} AS SELECT {mine} FROM {mine}")
        server.execute(
            database, f"CREATE TRIGGER {short} BEFORE INSERT ON {mine} FOR EACH ROW SET NEW.t = {literal(name)}"
        )
        if number % 5 == 0:
            server.execute(
                database, f"ALTER TABLE {quoted(widened)} ADD {mine} VARCHAR(70) NOT NULL DEFAULT {literal(name)}"
            )
            server.execute(database, f"ALTER TABLE {quoted(widened)} ADD INDEX {short} ({mine}(9))")
    keys = [row[0] for row in server.rows(database, f"SELECT id FROM {quoted(named)} ORDER BY id")]
    for key, value in zip(keys, VALUES, strict=False):
        server.execute(
            database, f"UPDATE {quoted(named)} SET {column} = {literal(value[:60])} WHERE id = {literal(str(key))}"
        )


@pytest.fixture(scope="module")
def dumps(laboratory: Laboratory, tmp_path_factory):
    """The seeded cloud with all that in it, as mysqldump writes it."""
    names = restore_lane(laboratory, {service: service for service in SERVICES}, "hostile")
    scratch = tmp_path_factory.mktemp("hostile")
    for service, database in names.items():
        plant(laboratory.server, database, service)
    for number, value in enumerate(VALUES[:12]):
        laboratory.server.execute(
            names["neutron"],
            "INSERT INTO agents (id, agent_type, `binary`, topic, host, admin_state_up, created_at, started_at, "
            f"heartbeat_timestamp, configurations) VALUES ('hostile-{number}', 'DHCP agent', 'quantum-dhcp-agent', "
            f"'dhcp_agent', {literal(value + '.example.org')}, 1, NOW(), NOW(), NOW(), '{{}}')",
        )
    files = []
    for service, database in names.items():
        done = laboratory.server.shell(f"$DUMP -- {database} > /tmp/hostile.sql")
        assert done.ok, done.output
        content = read_file(laboratory.server.container, "/tmp/hostile.sql")
        assert content
        files.append(scratch / f"{service}.sql")
        files[-1].write_bytes(content)
    return [str(file) for file in files]


def test_it_is_inspected_and_every_name_is_told(dumps, capfd):
    assert run(["inspect", *dumps, "--json"]) == 1
    told = json.loads(capfd.readouterr().out)
    text = json.dumps(told, ensure_ascii=False)
    for name in NAMES:
        assert json.dumps(name, ensure_ascii=False)[1:-1] in text, name


def test_it_comes_through_and_nothing_in_its_runbook_runs_but_the_cures(dumps, tmp_path, capfd):
    out = tmp_path / "runs"
    status = run(["rehearse", *dumps, "--no-history", "--verify", "none", "--out", str(out)])
    said = capfd.readouterr()
    assert status == 0, said.out[-3000:] + said.err[-1000:]
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", said.out)
    assert run(["report", str(out / "latest"), "--runbook"]) == 0
    blocks = re.findall(r"^(```+)(?:sh|bash|console)?\n(.*?)^\1$", capfd.readouterr().out, re.DOTALL | re.MULTILINE)
    touched, script = tmp_path / "pwned", tmp_path / "block.sh"
    # Every command is a function that only swallows its input, so that what breaks out of its quotes is all that acts.
    stubs = f"command_not_found_handle() {{ /bin/cat > /dev/null; }}\nPATH=/nonexistent\ntouch() {{ : > {touched}; }}\n"
    assert blocks
    for _fence, block in blocks:
        script.write_text(stubs + block)
        assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0, block
        shell = ["/bin/bash", str(script)]
        subprocess.run(shell, stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd=tmp_path, timeout=60)
    assert not touched.exists()


def test_it_is_sanitized_without_a_word_of_it(dumps, tmp_path, capfd):
    target, key = tmp_path / "clean.sql", tmp_path / "key"
    key.write_text("0123456789abcdef" * 3)
    assert run(["sanitize", *dumps, "--key-file", str(key), "--out", str(target)]) == 0, capfd.readouterr().err
    text = target.read_bytes().decode("utf-8", "replace")
    assert "touch pwned" not in text and "alert(1)" not in text

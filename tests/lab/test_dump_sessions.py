"""A dump that goes in over several sessions ends as it does over one: the same rows, or the same refusal at its line."""

import pytest

from osupgrade.dump import restore as restoring
from osupgrade.dump.choose import read_dumps
from osupgrade.dump.limits import VARIABLE
from osupgrade.dump.restore import restore
from osupgrade.dump.sessions import Sessions
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.model.errors import UsageFault

from ..unit.dump import _dumps as samples

WIDE = ",".join(f"({{}}{n:05d},'{'x' * 40}')" for n in range(2000))
"""Rows whose numbers begin with a digit of their own."""
MADE = "CREATE TABLE `many` (`id` int NOT NULL AUTO_INCREMENT, `s` text, PRIMARY KEY (`id`)) ENGINE=InnoDB;\n"
ROWS = "".join(f"INSERT INTO `many` VALUES {WIDE.format(*[digit] * 2000)};\n" for digit in range(1, 9))
LOCKED = f"LOCK TABLES `many` WRITE;\n{ROWS}UNLOCK TABLES;\n"
UNCOMMITTED = f"LOCK TABLES `many` WRITE;\nset autocommit=0;\n{ROWS}UNLOCK TABLES;\ncommit;\n"
WHOLE = {
    "rows of one table": MADE + LOCKED,
    "rows in transactions": MADE
    + UNCOMMITTED
    + MADE.replace("many", "more")
    + "INSERT INTO `more` VALUES (1,'a');\ncommit;\n",
    "a transaction around all": f"START TRANSACTION;\n{MADE}{ROWS}ALTER TABLE `many` ADD `n` int;\nCOMMIT;\n",
    "numbers that the server gives": f"{MADE}{ROWS}INSERT INTO `many` (`s`) VALUES ('last');\n",
    "a trigger before the rows": (
        "CREATE TABLE `seen` (`id` int) ENGINE=InnoDB;\n"
        f"{MADE}CREATE TRIGGER `x` BEFORE INSERT ON `many` FOR EACH ROW INSERT INTO `seen` VALUES (NEW.id);\n{ROWS}"
    ),
    "rows out of rows": f"{MADE}{ROWS}CREATE TABLE `more` AS SELECT COUNT(*) AS `n` FROM `many`;\n",
    "changed rows": f"{MADE}{ROWS}UPDATE `many` SET `s` = 'y';\nDELETE FROM `many` WHERE `id` > 500000;\n",
    "another character set": f"{MADE}{ROWS}SET NAMES latin1;\nINSERT INTO `many` VALUES (1,'\\xe4');\n",
}
REFUSED = {
    "rows before their table": "INSERT INTO `late` VALUES (1);\nCREATE TABLE `late` (`id` int) ENGINE=InnoDB;\n",
    "a row that is there already": f"{MADE}{LOCKED}INSERT INTO `many` VALUES (300001,'again');\n",
    "a value of no column": f"{MADE}{ROWS}INSERT INTO `many` VALUES (1,'a',2);\n",
    "another table under a lock": f"{MADE}LOCK TABLES `many` WRITE;\nINSERT INTO `ports` VALUES ('p2','n1');\nUNLOCK TABLES;\n",
    "a lock on nothing": "LOCK TABLES `nothing` WRITE;\nUNLOCK TABLES;\n",
    "a setting that is none": f"{MADE}SET nonsense = 1;\n{ROWS}",
    "a parent that comes later": (
        "SET FOREIGN_KEY_CHECKS=1;\n"
        "CREATE TABLE `parent` (`id` int PRIMARY KEY) ENGINE=InnoDB;\n"
        "CREATE TABLE `child` (`id` int, FOREIGN KEY (`id`) REFERENCES `parent` (`id`)) ENGINE=InnoDB;\n"
        "INSERT INTO `child` VALUES (1);\nINSERT INTO `parent` VALUES (1);\n"
    ),
}


pytestmark = pytest.mark.usefixtures("emptied")


@pytest.fixture(scope="module", params=["mysql56", "mariadb1011", "mysql97"])
def server(request, client):
    image = ImageStore(client).ensure([request.param], print)[request.param]
    with Lab(client) as lab, start_database(lab, image) as server:
        yield server


def dump_with(tmp_path, body):
    (tmp_path / "a.sql").write_bytes(
        samples.KINDS["mysqldump"].replace(samples.SET_BACK, body + samples.SET_BACK).encode()
    )
    return read_dumps([tmp_path / "a.sql"])


def tried(server, dumps, monkeypatch, several):
    """What is in the databases after a restore, or the sentence by which it was refused."""
    monkeypatch.setattr(restoring, "SEVERAL", 0 if several else 1 << 60)
    try:
        restore(server, dumps)
    except UsageFault as fault:
        assert server.databases() == ()
        return fault.message
    tables = [name for (name,) in server.rows("neutron", "SHOW TABLES")]
    return {
        name: (server.rows("neutron", f"CHECKSUM TABLE {name}"), server.rows("neutron", f"SHOW CREATE TABLE {name}"))
        for name in tables
    }


@pytest.mark.parametrize("body", [*WHOLE.values(), *REFUSED.values()], ids=[*WHOLE, *REFUSED])
def test_several_sessions_end_as_one(server, tmp_path, monkeypatch, body):
    dumps = dump_with(tmp_path, body)
    assert dumps[0].ordinary
    alone = tried(server, dumps, monkeypatch, several=False)
    used = []
    monkeypatch.setattr(restoring, "Sessions", lambda *given: used.append(given) or Sessions(*given))
    assert tried(server, dumps, monkeypatch, several=True) == alone
    assert len(used) == 1
    assert isinstance(alone, str) == (body in REFUSED.values())


def test_what_several_sessions_do_without_end_is_stopped(server, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "query=1 statement=1")
    monkeypatch.setattr(restoring, "SEVERAL", 0)
    dumps = dump_with(tmp_path, f"{MADE}{ROWS}INSERT INTO many VALUES (1,'a'),(2,SLEEP(100000));\n")
    with pytest.raises(UsageFault, match="keeps the server busy for over 1 s with queries that no dump needs: line"):
        restore(server, dumps)
    assert server.databases() == ()
    assert not server.rows("", "SELECT ID FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'")


def test_rows_without_extended_inserts_go_in_over_one_session(server, tmp_path):
    """Each answer to one of several statements takes a round trip, and the client beside the server has shorter ones."""
    rows = "".join(f"INSERT INTO `many` VALUES ({n},'it''s; \\'{n}\\'');\n" for n in range(1, 20000))
    dumps = dump_with(tmp_path, MADE + rows)
    assert not dumps[0].ordinary
    restore(server, dumps)
    assert server.rows("neutron", "SELECT COUNT(*), MAX(s) FROM many") == [(19999, "it's; '9999'")]

"""Sanitizing on a real server: what is hidden, what survives, and what happens when a mask has a hole."""

import base64
import errno
import hashlib
import json
import re
import subprocess
import uuid
from pathlib import Path

import pytest

from osupgrade.catalog.survey import Default, Survey
from osupgrade.cli import run as command
from osupgrade.dump import masking, write
from osupgrade.dump.choose import read_dumps
from osupgrade.dump.mask.names import Names
from osupgrade.dump.mask.values import Masker
from osupgrade.dump.mask.words import WORDS
from osupgrade.dump.policy import load_policy, upstream_names
from osupgrade.dump.restore import restore
from osupgrade.dump.sanitize import Leak, SanitizeReport, read_key, sanitize
from osupgrade.dump.write import write_dump
from osupgrade.lab import database
from osupgrade.lab.database import DatabaseServer, start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.model.errors import Exit, MissingFault, UsageFault
from osupgrade.schema import catalogue
from osupgrade.schema.diff import table_sql
from osupgrade.schema.tables import Table

KEY = b"0123456789abcdef0123456789abcdef"
HEAD = """-- MySQL dump 10.13  Distrib 5.6.24, for Linux (x86_64)
/*!40101 SET NAMES utf8 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
"""
TAIL = "\n-- Dump completed on 2013-05-10 16:01:45\n"
HOST = "network-17.acme-datacenter.org"
NETWORK = "8a1b9f6e-0c55-4d54-9a3f-3ad0bb1a5b5e"
DHCP = f"dhcp{uuid.uuid5(uuid.NAMESPACE_DNS, HOST)}-{NETWORK}"


pytestmark = pytest.mark.usefixtures("emptied")


@pytest.fixture(scope="module")
def server(client):
    image = ImageStore(client).ensure(["mysql56"], print)["mysql56"]
    with Lab(client) as lab, start_database(lab, image) as server:
        yield server


def neutron(extra: str = "") -> str:
    return f"""{HEAD}
CREATE TABLE `networks` (`id` varchar(36) PRIMARY KEY, `tenant_id` varchar(255), `name` varchar(255),
  UNIQUE KEY `n` (`name`)) DEFAULT CHARSET=latin1;
CREATE TABLE `subnets` (`id` varchar(36) PRIMARY KEY, `cidr` varchar(64), `gateway_ip` varchar(64)) DEFAULT CHARSET=utf8;
CREATE TABLE `agents` (`id` varchar(36) PRIMARY KEY, `host` varchar(255), `configurations` varchar(4095))
  DEFAULT CHARSET=utf8;
CREATE TABLE `ports` (`id` varchar(36) PRIMARY KEY, `network_id` varchar(36), `device_id` varchar(255),
  `mac_address` varchar(32), CONSTRAINT `f` FOREIGN KEY (`network_id`) REFERENCES `networks` (`id`)) DEFAULT CHARSET=latin1;
INSERT INTO `networks` VALUES ('{NETWORK}', '{"a" * 32}', 'Münchner-produktion'),('x', NULL, 'münchner-Zweitnetz');
INSERT INTO `subnets` VALUES ('s1', '10.99.0.0/20', '10.99.0.1');
INSERT INTO `agents` VALUES ('a1', '{HOST}', '{{"devices": 4, "tunneling_ip": "10.99.0.7"}}'),('a2', 'Network-17', '');
INSERT INTO `ports` VALUES ('p1', '{NETWORK}', '{DHCP}', 'fa:16:3e:aa:bb:cc'),('p2', '{NETWORK}', '', '');
{extra}{TAIL}"""


def put(tmp_path: Path, text: str, name: str = "a.sql") -> Path:
    file = tmp_path / name
    file.write_text(text)
    return file


NAMES = Names(Masker(KEY), upstream_names() | WORDS)
"""What own names become."""


def masked_rows(server: DatabaseServer, table: str, *columns: str) -> list[tuple]:
    chosen = ", ".join(f"`{NAMES.mask(name)}`" for name in columns) or "*"
    return server.rows("neutron", f"SELECT {chosen} FROM `{NAMES.mask(table)}`")


def run(server: DatabaseServer, source: Path, out: Path, policy: Path | None = None) -> SanitizeReport:
    return sanitize(server, read_dumps([source]), out, KEY, load_policy(policy), lambda *what: print(*what))


def test_the_output_says_the_default_that_a_survey_knows(server, tmp_path):
    source = read_dumps([put(tmp_path, neutron())])
    name = source[0].sections[0].name
    known = Survey(
        {"version": "5.5.31", "character_set_server": "utf8"}, {name: Default("latin1", "latin1_swedish_ci")}
    )
    for survey, charset in ((None, "utf8"), (known, "latin1")):
        out = tmp_path / f"{charset}.sql"
        sanitize(server, source, out, KEY, load_policy(), lambda *_: None, survey=survey)
        assert re.findall(r"CREATE DATABASE .*CHARACTER SET (\w+)", out.read_text()) == [charset]
        for each in server.databases():
            server.drop(each)


def test_what_hangs_together_still_does_and_nothing_else_is_left(server, tmp_path):
    out = tmp_path / "out.sql.gz"
    report = run(server, put(tmp_path, neutron()), out)
    assert not report.unknown
    assert all(shape.same for shape in report.shapes)
    assert report.masked_values > 10
    for name in server.databases():
        server.drop(name)
    restore(server, read_dumps([out]))
    text = str([server.rows("neutron", f"SELECT * FROM {t}") for t in ("networks", "subnets", "agents", "ports")])
    assert not any(secret in text for secret in ("acme", "nchner", "10.99", "network-17", NETWORK[9:], "aa:bb:cc"))
    (host,), (short,) = server.rows("neutron", "SELECT host FROM agents ORDER BY LENGTH(host) DESC")
    assert host.partition(".")[0].capitalize() == short
    ((network, name), _) = server.rows("neutron", "SELECT id, name FROM networks ORDER BY LENGTH(id) DESC")
    expected = f"dhcp{uuid.uuid5(uuid.NAMESPACE_DNS, host)}-{network}"
    assert server.rows(
        "neutron", "SELECT device_id FROM ports WHERE network_id = %s AND device_id <> ''", (network,)
    ) == [(expected,)]
    assert len(name) == len("Münchner-produktion")
    assert not name.isascii()
    assert server.rows(
        "neutron", "SELECT table_collation FROM information_schema.tables WHERE table_name = 'networks'"
    ) == [("latin1_swedish_ci",)]
    ((configuration,),) = server.rows("neutron", "SELECT configurations FROM agents WHERE configurations <> ''")
    assert set(json.loads(configuration)) == {"devices", "tunneling_ip"}


def test_the_same_key_gives_the_same_dump(server, tmp_path):
    first, second = (run(server, put(tmp_path, neutron()), tmp_path / name) for name in ("one.sql", "two.sql"))
    assert Path(first.written.path).read_bytes()[:-60] == Path(second.written.path).read_bytes()[:-60]


def test_tables_that_hold_the_same_values_in_another_order_do_not_wait_for_each_other(server, tmp_path, monkeypatch):
    """Their masks go into one table from several connections, where the server would end one of two as a deadlock."""
    monkeypatch.setattr(masking, "BATCH_BYTES", 1 << 18)
    values = [f"name-{number}-acme" for number in range(12_000)]
    own = ""
    for number, ordered in enumerate((values, values[::-1], values[6000:] + values[:6000])):
        rows = ",".join(f"({place},'{value}')" for place, value in enumerate(ordered))
        own += f"CREATE TABLE `own{number}` (`id` int PRIMARY KEY, `label` varchar(255)) ENGINE=InnoDB;\n"
        own += f"INSERT INTO `own{number}` VALUES {rows};\n"
    run(server, put(tmp_path, neutron(own)), tmp_path / "out.sql")
    masked = [{value for (value,) in masked_rows(server, f"own{number}", "label")} for number in range(3)]
    assert masked[0] == masked[1] == masked[2]
    assert len(masked[0]) == len(values)


def test_columns_that_no_service_knows_are_masked_and_listed(server, tmp_path):
    own = (
        "CREATE TABLE `billing` (`id` int PRIMARY KEY, `phone` bigint, `since` date, `note` text, `photo` blob);\n"
        "INSERT INTO `billing` VALUES (7, 498912345678, '2013-01-02', 'owes us money', 'PNG-picture');\n"
    )
    report = run(server, put(tmp_path, neutron(own)), tmp_path / "out.sql")
    done = {"id": "mask", "phone": "mask", "since": "mask", "note": "mask", "photo": "drop"}
    assert report.unknown == {f"neutron.billing.{name}": treatment for name, treatment in done.items()}
    ((number, phone, since, note, photo),) = masked_rows(server, "billing")
    assert number == 7
    assert phone != 498912345678
    assert len(str(phone)) == 12
    assert str(since) != "2013-01-02"
    assert "money" not in note
    assert photo == b"xxxxxxxxxxx"


def test_numbers_and_dates_that_the_operator_wants_hidden_are(server, tmp_path):
    own = (
        "CREATE TABLE `quotas` (`id` varchar(36) PRIMARY KEY, `limit` int, `resource` varchar(255));\n"
        "INSERT INTO `quotas` VALUES ('q', 7654321, 'cores');\n"
    )
    source = put(tmp_path, neutron(own))
    run(server, source, tmp_path / "kept.sql")
    assert server.rows("neutron", "SELECT `limit` FROM quotas") == [(7654321,)]
    for name in server.databases():
        server.drop(name)
    policy = put(tmp_path, '[columns]\n"quotas.limit" = "drop"\n', "policy.toml")
    run(server, source, tmp_path / "hidden.sql", policy)
    ((limit,),) = server.rows("neutron", "SELECT `limit` FROM quotas")
    assert limit != 7654321
    assert len(str(limit)) == 7


def test_all_of_a_name_can_be_hidden_and_what_rows_find_each_other_by_is_spared_and_named(server, tmp_path):
    own = (
        "CREATE TABLE `quotas` (`id` int PRIMARY KEY, `limit` int, `resource` varchar(255));\n"
        "INSERT INTO `quotas` VALUES (7654321, 7654321, 'cores');\n"
    )
    policy = put(tmp_path, '[columns]\n"*.limit" = "mask"\n"*.id" = "mask"\n', "policy.toml")
    report = run(server, put(tmp_path, neutron(own)), tmp_path / "out.sql", policy)
    ((key, limit),) = server.rows("neutron", "SELECT id, `limit` FROM quotas")
    assert key == 7654321
    assert limit != 7654321
    assert report.spared == {"neutron.quotas.id": "*.id"}


@pytest.mark.parametrize(
    ("named", "near"),
    [("quotas.limt", "quotas.limit"), ("agent.host", "agents.host"), ("*.mac_adress", "*.mac_address")],
)
def test_a_column_of_the_policy_that_nobody_has_is_refused_with_what_was_meant(server, tmp_path, named, near):
    policy = put(tmp_path, f'[columns]\n"{named}" = "mask"\n', "policy.toml")
    with pytest.raises(UsageFault, match="is not a column of the dumps or of any service") as caught:
        run(server, put(tmp_path, neutron()), tmp_path / "out.sql", policy)
    assert near in caught.value.hint
    assert not (tmp_path / "out.sql").exists()


def test_a_policy_for_all_services_serves_the_dump_of_one(server, tmp_path):
    text = '[columns]\n"instances.own_note" = "drop"\n"user.extra" = "drop"\n"billing.phone" = "drop"\n'
    own = "CREATE TABLE `billing` (`id` int PRIMARY KEY, `phone` bigint);\n"
    run(server, put(tmp_path, neutron(own)), tmp_path / "out.sql", put(tmp_path, text, "policy.toml"))


def test_dumps_that_are_sanitized_one_by_one_fit_together(server, tmp_path):
    """What one of them alone knows of (its nets, its hosts) must not change what becomes of a value."""
    nova = f"""{HEAD}
CREATE TABLE `compute_nodes` (`id` int PRIMARY KEY, `hypervisor_hostname` varchar(255), `host_ip` varchar(255));
CREATE TABLE `instances` (`id` int PRIMARY KEY, `uuid` varchar(36), `host` varchar(255), `access_ip_v4` varchar(255));
CREATE TABLE `instance_info_caches` (`id` int PRIMARY KEY, `network_info` text);
INSERT INTO `compute_nodes` VALUES (1, '{HOST}', '10.99.0.7');
INSERT INTO `instances` VALUES (1, '{uuid.uuid4()}', 'network-17', '172.20.3.4');
INSERT INTO `instance_info_caches` VALUES (1, '[{{"id": "p1", "network": {{"id": "{NETWORK}"}}, "ips": ["10.99.0.9"]}}]');
{TAIL}"""
    wide = "INSERT INTO `subnets` VALUES ('s2', '10.0.0.0/8', '10.99.0.9'),('s3', '172.16.0.0/12', '172.20.3.4');\n"
    files = [put(tmp_path, neutron(wide), "neutron.sql"), put(tmp_path, nova, "nova.sql")]
    rows = []
    for number, given in enumerate([files, files[:1], files[1:]]):
        sanitize(server, read_dumps(given), tmp_path / f"{number}.sql", KEY, load_policy(), lambda *_: None)
        for name in ("neutron", "nova"):
            if name in server.databases():
                tables = [row[0] for row in server.rows(name, "SHOW TABLES")]
                rows.append([(table, server.rows(name, f"SELECT * FROM `{table}`")) for table in tables])
        for name in server.databases():
            server.drop(name)
    together, apart = rows[:2], rows[2:]
    assert together == apart
    assert "10.99" not in str(rows)


def test_a_key_that_the_operator_wants_hidden_is_refused(server, tmp_path):
    own = "CREATE TABLE `quotas` (`id` int PRIMARY KEY);\nINSERT INTO `quotas` VALUES (7);\n"
    policy = put(tmp_path, '[columns]\n"quotas.id" = "mask"\n', "policy.toml")
    with pytest.raises(UsageFault, match="can only be kept"):
        run(server, put(tmp_path, neutron(own)), tmp_path / "out.sql", policy)
    assert not (tmp_path / "out.sql").exists()


def test_code_that_is_names_alone_stays_and_works(server, tmp_path):
    code = (
        "CREATE TABLE `seen` (`id` varchar(36), `n` int);\n"
        "/*!50003 CREATE TRIGGER `t` AFTER UPDATE ON `agents` FOR EACH ROW INSERT INTO seen "
        "SELECT NEW.id, COUNT(*) FROM subnets */;\n"
        "CREATE VIEW `w` AS SELECT `id`, `cidr` FROM `subnets`;\nCREATE VIEW `a` AS SELECT COUNT(*) AS `n` FROM `w`;\n"
        "CREATE VIEW `b` AS SELECT `id` FROM `subnets` WHERE `id` > 123456;\n"
    )
    out = tmp_path / "out.sql"
    report = run(server, put(tmp_path, neutron(code)), out)
    assert report.left == ("view b of neutron",)
    assert "`seen`" not in out.read_text()
    assert "osupgrade" not in out.read_text()
    for name in server.databases():
        server.drop(name)
    restore(server, read_dumps([out]))
    assert masked_rows(server, "a", "n") == [(1,)]
    server.execute("neutron", "UPDATE agents SET configurations = NULL LIMIT 1")
    assert masked_rows(server, "seen", "n") == [(1,)]


def test_operators_code_is_taken_out_and_named(server, tmp_path):
    code = (
        "/*!50003 CREATE TRIGGER `t` BEFORE UPDATE ON `networks` FOR EACH ROW SET NEW.name = 'acme-trigger' */;\n"
        "CREATE VIEW `v` AS SELECT 'acme-view' AS a;\n"
    )
    out = tmp_path / "out.sql"
    report = run(server, put(tmp_path, neutron(code)), out)
    assert report.left == ("trigger t of neutron", "view v of neutron")
    assert "acme" not in out.read_text()


SECRETS = {"agents.host": "network-17.acme-datacenter.org", "routers.name": "датацентр-Север"}


@pytest.mark.parametrize("column", SECRETS)
@pytest.mark.parametrize(
    "held",
    [
        lambda secret: f"see {secret} there",
        lambda secret: json.dumps({"name": f"München\n{secret}"}),
        lambda secret: base64.b64encode(f"on {secret}: ok".encode()).decode(),
        lambda secret: f"on {secret}: ok".encode().hex(),
    ],
    ids=["plain", "json", "base64", "hex"],
)
def test_a_hole_in_the_policy_is_a_leak_in_every_encoding_and_leaves_no_output(server, tmp_path, held, column):
    text = held(SECRETS[column]).replace("\\", "\\\\")
    other = "CREATE TABLE routers (id int, name text) DEFAULT CHARSET=utf8;\nINSERT INTO routers VALUES (1, '{}');\n"
    notes = "CREATE TABLE notes (a text) DEFAULT CHARSET=utf8;\nINSERT INTO notes VALUES ('{}');\n"
    source = put(tmp_path, neutron(other.format(SECRETS["routers.name"]) + notes.format(text)))
    policy = put(tmp_path, '[columns]\n"notes.a" = "keep"\n', "policy.toml")
    with pytest.raises(Leak, match="masked value") as caught:
        run(server, source, tmp_path / "out.sql", policy)
    assert caught.value.status is Exit.DID_NOT
    assert f"neutron.{column}" in caught.value.evidence
    assert "acme" not in str(vars(caught.value))
    assert "Север" not in str(vars(caught.value))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.sql", "policy.toml"]


def test_a_mask_that_is_another_ports_address_is_no_leak(server, tmp_path):
    masker = Masker(KEY, wide_nets={10})
    first = "fa:16:3e:12:34:56"
    other = masker.mask(first)
    rows = f"INSERT INTO `ports` VALUES ('q1', NULL, '', '{first}'),('q2', NULL, '', '{other}');\n"
    run(server, put(tmp_path, neutron(rows)), tmp_path / "out.sql")
    assert other in (tmp_path / "out.sql").read_text()


def test_what_was_blanked_already_is_no_leak(server, tmp_path):
    """What is left out becomes x's of the same length, which is what many write over secrets by hand."""
    rows = ", ".join(f"('{blank}')" for blank in ("x" * 12, "X" * 40, "see xxxxxxxxxxxxxxxx there"))
    notes = f"CREATE TABLE notes (a text) DEFAULT CHARSET=utf8;\nINSERT INTO notes VALUES {rows};\n"
    policy = put(tmp_path, '[columns]\n"notes.a" = "drop"\n', "policy.toml")
    run(server, put(tmp_path, neutron(notes)), tmp_path / "out.sql", policy)
    assert masked_rows(server, "notes", "a") == [("x" * 12,), ("x" * 40,), ("x" * 26,)]


def test_what_joins_databases_still_does_and_secrets_are_gone(server, tmp_path):
    user, project, access, secret = (uuid.uuid4().hex for _ in range(4))
    instance, token, image = str(uuid.uuid4()), uuid.uuid4().hex, str(uuid.uuid4())
    credential = hashlib.sha256(access.encode()).hexdigest()
    blob = json.dumps({"access": access, "secret": secret, "trust_id": None})
    keystone = f"""{HEAD}
CREATE TABLE `user` (`id` varchar(64) PRIMARY KEY, `name` varchar(64), `password` varchar(128), `extra` text);
CREATE TABLE `project` (`id` varchar(64) PRIMARY KEY, `name` varchar(64), `extra` text);
CREATE TABLE `endpoint` (`id` varchar(64) PRIMARY KEY);
CREATE TABLE `role` (`id` varchar(64) PRIMARY KEY);
CREATE TABLE `token` (`id` varchar(64) PRIMARY KEY, `extra` text, `user_id` varchar(64));
CREATE TABLE `ec2_credential` (`access` varchar(64) PRIMARY KEY, `secret` varchar(64), `user_id` varchar(64));
CREATE TABLE `credential` (`id` varchar(64) PRIMARY KEY, `blob` text, `type` varchar(255));
INSERT INTO `user` VALUES ('{user}', 'Jane', '$6$rounds=40000$abcdefgh', '{{"email": "jane@acme.org"}}');
INSERT INTO `project` VALUES ('{project}', 'acme-web', '{{}}');
INSERT INTO `token` VALUES ('{token}', '{{"user": {{"name": "Jane"}}}}', '{user}');
INSERT INTO `ec2_credential` VALUES ('{access}', '{secret}', '{user}');
INSERT INTO `credential` VALUES ('{credential}', '{blob}', 'ec2');
{TAIL}"""
    nova = f"""{HEAD}
CREATE TABLE `compute_nodes` (`id` int PRIMARY KEY);
CREATE TABLE `instances` (`id` int PRIMARY KEY, `uuid` varchar(36), `user_id` varchar(255), `project_id` varchar(255),
  `image_ref` varchar(255)) DEFAULT CHARSET=latin1;
INSERT INTO `instances` VALUES (1, '{instance}', '{user}', '{project}', '{image}');
{TAIL}"""
    files = [put(tmp_path, keystone, "keystone.sql"), put(tmp_path, nova, "nova.sql")]
    report = sanitize(server, read_dumps(files), tmp_path / "out.sql", KEY, load_policy(), lambda *_: None)
    relations = {shape.fact.place: shape for shape in report.shapes if not shape.fact.table}
    assert relations["nova.instances.user_id in keystone.user.id"].after == 1
    assert relations["nova.instances.project_id in keystone.project.id"].after == 1
    text = (tmp_path / "out.sql").read_text()
    assert not [
        s for s in (user, project, access, secret, token, credential, instance, image, "Jane", "acme") if s in text
    ]
    ((new_access, new_secret),) = server.rows("keystone", "SELECT access, secret FROM ec2_credential")
    ((new_id, new_blob),) = server.rows("keystone", "SELECT id, `blob` FROM credential")
    assert new_id == hashlib.sha256(new_access.encode()).hexdigest()
    assert json.loads(new_blob) == {"access": new_access, "secret": new_secret, "trust_id": None}
    assert not set(new_secret) & {"x"}
    ((new_token, extra),) = server.rows("keystone", "SELECT id, extra FROM token")
    assert new_token[:8] != token[:8]
    assert json.loads(extra) == {}
    assert server.rows("keystone", "SELECT password FROM user") == [("x" * len("$6$rounds=40000$abcdefgh"),)]


def test_rows_that_sql_masks_are_those_that_python_would(server, tmp_path):
    masker = Masker(KEY, load_policy().words)
    ids = [str(uuid.uuid4()) for _ in range(50)] + [uuid.uuid4().hex for _ in range(50)]
    odd = [ids[0].upper(), "g" * 32, "12345678-1234-1234-1234-1234567890-2", f" {ids[1]}", "ü" * 16, "1" * 32]
    rows = "".join(f"INSERT INTO `own` VALUES ({n}, '{v}', '{v}', '{v}');\n" for n, v in enumerate([*ids, *odd]))
    table = (
        "CREATE TABLE `own` (`n` int PRIMARY KEY, `a` varchar(64) CHARACTER SET utf8 COLLATE utf8_bin, "
        "`b` varchar(64) CHARACTER SET latin1, `c` varchar(64) CHARACTER SET ucs2);\n"
    )
    run(server, put(tmp_path, neutron(table + rows)), tmp_path / "out.sql")
    for number, *masks in masked_rows(server, "own"):
        assert masks == [masker.mask([*ids, *odd][number])] * 3


def test_texts_in_other_character_sets_are_masked(server, tmp_path):
    table = "CREATE TABLE `own` (`a` varchar(20) CHARACTER SET koi8r, `b` varchar(20) CHARACTER SET sjis);\n"
    rows = "INSERT INTO `own` VALUES ('Москва секрет', '東京');\n"
    run(server, put(tmp_path, neutron(table + rows)), tmp_path / "out.sql")
    ((first, second),) = masked_rows(server, "own")
    assert len(first) == len("Москва секрет")
    assert "М" not in first
    assert "東" not in second


MARK = "zqcanary"
# Texts that are kept: versions, by which tools know where they are, and what placement itself names.
KEPT = {
    "traits.name",
    "resource_classes.name",
    *(f"services.{kind}_{which}_version" for kind in ("rpc", "object") for which in ("current", "available")),
}
SERVICES = ("keystone", "glance", "cinder", "nova", "neutron")
ENCODINGS = ("plain", "json", "base64", "hex")


def tables_of(service: str, release: str) -> dict[str, Table]:
    """Every table that a service may have at a release, whatever its plugins."""
    found: dict[str, Table] = {}
    for line in (catalogue.lineage(service, variant) for variant in catalogue.variants(service)):
        if line.knows(release):
            head = line.head(release)
            found |= line.optional(head) | {table.name: table for table in head.schema.tables}
    return found


def canary(number: int, encoding: str, room: int) -> str:
    """A canary as a service would have it in a column of that length: in that encoding, or plain where it is too long."""
    name = f"{MARK}{number:04x}"
    shift = "-" * (number % 3)  # base64 looks otherwise by where in its groups a text begins
    forms = {
        "plain": [f"http://{name}.org/{name}?a={name}", f"{name}@{name}.org"],
        "json": [json.dumps({name: [f"Ü{name}"], "name": {"id": name}}), json.dumps([f"Ü{name}"])],
        "base64": [base64.b64encode(f"{shift}{name}".encode()).decode()],
        "hex": [name.encode().hex()],
    }
    return next((form for form in (*forms[encoding], name) if len(form) <= room), name[:room])


def planted(release: str) -> tuple[str, int, dict[str, int]]:
    """A dump with canaries in all columns of texts or bytes of all services; its rows, and the columns by encoding."""
    text, rows, columns, number = HEAD, 0, dict.fromkeys(ENCODINGS, 0), 0
    for service in (*SERVICES, "placement"):
        if not tables_of(service, release):
            continue
        text += f"CREATE DATABASE `{service}` DEFAULT CHARACTER SET utf8;\nUSE `{service}`;\n"
        for table in tables_of(service, release).values():
            text += f"{table_sql(table)};\n"
            keyed = {name for index in table.indexes for name in index.columns}
            for row, encoding in enumerate(ENCODINGS, 1):
                values = {}
                for column in table.columns:
                    kind, _, size = column.type.partition("(")
                    room = int(size.partition(")")[0]) if "char" in kind else 200
                    if column.name == "version_num" or f"{table.name}.{column.name}" in KEPT:
                        values[column.name] = f"'{row}'"
                        continue
                    if ("char" in kind or "text" in kind or "blob" in kind) and room >= len(MARK):
                        number += 1
                        value = canary(number, encoding, room)
                        columns[encoding] += encoding == "plain" or value[:8] != MARK
                        values[column.name] = "'" + value.replace("\\", "\\\\") + "'"
                    elif "int" in kind and column.name in keyed:
                        values[column.name] = str(row)
                names = ", ".join(f"`{name}`" for name in values)
                text += f"INSERT INTO `{table.name}` ({names}) VALUES ({', '.join(values.values())});\n"
                rows += 1
    return text + TAIL, rows, columns


def standing(text: str, encoding: str) -> int:
    """How many canaries stand in a text in an encoding; sanitizing's own scan has no part in this."""
    mark = MARK.encode()
    if encoding == "hex":
        return text.lower().count(mark.hex())
    if encoding == "base64":  # what of it is the same whatever comes before and after
        inner = (
            base64.b64encode(b"-" * n + mark)[-(-n * 4 // 3) : (n + len(mark)) // 3 * 4].decode() for n in range(3)
        )
        return sum(text.count(each) for each in inner)
    return re.sub(r"\\+u00([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), text).lower().count(MARK)


@pytest.mark.parametrize("release", ["grizzly", "havana", "icehouse"])
def test_canaries_in_every_text_column_of_every_table_are_gone_in_every_encoding(server, tmp_path, release):
    hold_canaries(server, tmp_path, release)


@pytest.mark.parametrize("image", ["mariadb1011", "mysql97"])
def test_canaries_in_every_column_of_a_release_of_today_are_gone(client, tmp_path, image):
    tag = ImageStore(client).ensure([image], print)[image]
    with Lab(client) as lab, start_database(lab, tag) as server:
        hold_canaries(server, tmp_path, "gazpacho")


def hold_canaries(server, tmp_path, release):
    text, rows, columns = planted(release)
    assert columns["plain"] > 700
    assert min(columns.values()) > 500
    source, out = put(tmp_path, text), tmp_path / "out.sql"
    assert all(standing(text, encoding) >= columns[encoding] for encoding in ENCODINGS)
    report = run(server, source, out)
    assert set(SERVICES) <= set(report.databases)
    assert not report.unknown
    counted = {shape.fact.place: shape.after for shape in report.shapes if shape.fact.what == "rows"}
    assert sum(number for place, number in counted.items() if " in " not in place) == rows
    left = out.read_text("utf-8")
    assert {encoding: standing(left, encoding) for encoding in ENCODINGS} == dict.fromkeys(ENCODINGS, 0)


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot read"), (b"", "is empty"), (b"short", "too short"), (b"a" * 64, "easy to guess")],
)
def test_a_key_has_to_be_worth_its_name(tmp_path, content, says):
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageFault, match=says) as caught:
        read_key(file)
    assert "urandom" in caught.value.hint


def test_an_output_that_exists_is_left_alone(server, tmp_path):
    out = put(tmp_path, "mine", "out.sql")
    with pytest.raises(UsageFault, match="exists already"):
        run(server, put(tmp_path, neutron()), out)
    assert out.read_text() == "mine"
    assert server.databases() == ()


def test_a_small_disk_fills_up_and_nothing_is_left(server, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"NOT RUN: may not mount: {mounted.stderr.decode()}")
    try:
        rows = "".join(f"INSERT INTO `networks` VALUES ('{uuid.uuid4()}', NULL, 'n{n}');\n" for n in range(900))
        with pytest.raises(MissingFault, match="the disk is full"):
            run(server, put(tmp_path, neutron(rows)), small / "out.sql")
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.parametrize("copies", [1, 2], ids=["while it is restored", "while it is masked"])
def test_a_full_disk_of_the_database_is_said_to_be_one(client, tmp_path, monkeypatch, copies):
    monkeypatch.setattr(database, "MEMORY", "420m")
    image = ImageStore(client).ensure(["mysql56"], print)["mysql56"]
    rows = f"INSERT INTO `own` (v) VALUES {','.join(['(REPEAT(1, 4000))'] * 1000)};\n"
    own = "CREATE TABLE `own` (`n` int AUTO_INCREMENT PRIMARY KEY, `v` text);\n"
    source = put(tmp_path, neutron(own + rows * (60 // copies)))
    before = source.read_bytes()
    with Lab(client) as lab, start_database(lab, image) as small:
        with pytest.raises(MissingFault, match="the database server has no room left") as caught:
            run(small, source, tmp_path / "out.sql")
        assert "is full" in caught.value.evidence
    assert source.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.sql"]


def test_a_disk_that_fills_up_leaves_nothing(server, tmp_path, monkeypatch):
    restore(server, read_dumps([put(tmp_path, neutron())]))

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(write.os, "fsync", full)
    with pytest.raises(MissingFault, match="the disk is full"):
        write_dump(server, ["neutron"], tmp_path / "out.sql")
    assert [p.name for p in tmp_path.iterdir()] == ["a.sql"]


OF_TODAY = """-- MariaDB dump 10.19  Distrib 10.11.14-MariaDB, for debian-linux-gnu (x86_64)
/*!40101 SET NAMES utf8mb4 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
CREATE DATABASE `nova_api` DEFAULT CHARACTER SET utf8mb3;
USE `nova_api`;
CREATE TABLE `cell_mappings` (`id` int PRIMARY KEY, `uuid` varchar(36) NOT NULL, `name` varchar(255),
  `transport_url` text, `database_connection` text, UNIQUE KEY `u` (`uuid`)) DEFAULT CHARSET=utf8mb3;
CREATE TABLE `host_mappings` (`id` int PRIMARY KEY, `host` varchar(255), UNIQUE KEY `h` (`host`)) DEFAULT CHARSET=utf8mb3;
CREATE TABLE `instance_groups` (`id` int PRIMARY KEY, `uuid` varchar(36), `name` varchar(768) CHARACTER SET utf8mb3,
  KEY `n` (`name`)) DEFAULT CHARSET=latin1;
INSERT INTO `cell_mappings` VALUES
  (1, '00000000-0000-0000-0000-000000000000', 'cell0', 'none:///', 'mysql+pymysql://nova:hunter22@db/nova_cell0'),
  (2, '8a1b9f6e-0c55-4d54-9a3f-3ad0bb1a5b5e', 'cell1', 'rabbit://nova:hunter22@mq', 'mysql+pymysql://nova:hunter22@db/nova');
INSERT INTO `instance_groups` VALUES (1, '77777777-0c55-4d54-9a3f-3ad0bb1a5b5e', 'Münchner-Gruppe');
CREATE TABLE `alembic_version` (`version_num` varchar(32) PRIMARY KEY) DEFAULT CHARSET=utf8mb3;
INSERT INTO `alembic_version` VALUES ('cdeec0c85668');
CREATE DATABASE `placement` DEFAULT CHARACTER SET utf8mb4;
USE `placement`;
CREATE TABLE `resource_providers` (`id` int PRIMARY KEY, `uuid` varchar(36), `name` varchar(200)) DEFAULT CHARSET=utf8mb4;
CREATE TABLE `inventories` (`id` int PRIMARY KEY, `total` int) DEFAULT CHARSET=utf8mb4;
CREATE TABLE `traits` (`id` int PRIMARY KEY, `name` varchar(255), UNIQUE KEY `n` (`name`)) DEFAULT CHARSET=utf8mb4;
CREATE TABLE `resource_classes` (`id` int PRIMARY KEY, `name` varchar(255), UNIQUE KEY `n` (`name`)) DEFAULT CHARSET=utf8mb4;
INSERT INTO `resource_providers` VALUES (1, '77777777-0c55-4d54-9a3f-3ad0bb1a5b5e', 'rack-a17.example.org');
INSERT INTO `traits` VALUES (1, 'HW_CPU_X86_AVX512F'), (2, 'COMPUTE_ACCELERATORS'), (3, 'CUSTOM_MUENCHNER_GOLD');
INSERT INTO `resource_classes` VALUES (1, 'VCPU'), (2, 'NET_BW_EGR_KILOBIT_PER_SEC'), (3, 'CUSTOM_MUENCHNER_GOLD');
-- Dump completed on 2026-05-10 16:01:45
"""


def test_a_dump_of_today_is_sanitized_on_the_database_of_its_own_path(tmp_path):
    """MySQL 5.6 would not take its keys (1071); MariaDB is stricter about bytes among texts (1300, 1267)."""
    source, key, out = put(tmp_path, OF_TODAY), tmp_path / "key", tmp_path / "out.sql"
    key.write_bytes(KEY)
    assert command(["sanitize", str(source), "-o", str(out), "--key-file", str(key)]) == Exit.CAME_THROUGH
    text = out.read_text()
    assert "MariaDB dump" in text
    assert "hunter22" not in text
    assert "nchner" not in text
    assert "'00000000-0000-0000-0000-000000000000'" in text
    assert "'8a1b9f6e-0c" in text
    assert "4d54-9a3f-3ad0bb1a5b5e" not in text
    masked = Masker(hashlib.sha256(KEY).digest(), frozenset()).mask("77777777-0c55-4d54-9a3f-3ad0bb1a5b5e")
    assert masked in text
    # What placement itself lists stays, what an operator added keeps its prefix, and is the same in both tables.
    for word in ("'HW_CPU_X86_AVX512F'", "'COMPUTE_ACCELERATORS'", "'NET_BW_EGR_KILOBIT_PER_SEC'"):
        assert word in text
    own = re.findall(r"'(CUSTOM_\w+)'", text)
    assert len(own) == 2
    assert len(set(own)) == 1
    assert len(own[0]) == len("CUSTOM_MUENCHNER_GOLD")

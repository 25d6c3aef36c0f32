"""A dump is read however it is packed, and refused with a reason."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import re
import threading
import zipfile
from pathlib import Path

import pytest
import zstandard

from osupgrade.catalog.identity import Section, likely_path, service_of
from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.cli import run as command
from osupgrade.dump.choose import read_dumps
from osupgrade.dump.find import find_dumps
from osupgrade.dump.holdings import holdings
from osupgrade.dump.read import read_dump
from osupgrade.dump.sql import versions
from osupgrade.dump.start import check_start
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.finding import Severity

from ._dumps import KINDS
from ._written import HEAD, TAIL, body, read, several, single

NOISE = bytes(range(256)) * 4
"""What compressed and encrypted data look like."""


def archive(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return packed.getvalue()


def refusal(tmp_path: Path, text: str | bytes, name: str = "a.sql") -> UsageFault:
    with pytest.raises(UsageFault) as caught:
        read(tmp_path, text, name)
    assert caught.value.status is Exit.USAGE
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.sql", bytes),
        ("a.sql.gz", gzip.compress),
        ("a.sql.xz", lzma.compress),
        ("a.sql.bz2", bz2.compress),
        ("a.sql.zst", zstandard.ZstdCompressor().compress),
        ("misnamed.sql", gzip.compress),
        ("a.sql.zip", lambda text: archive({"a.sql": text})),
        (
            "a.zip",
            lambda text: archive({"b/": b"", "b/a.sql": text, "__MACOSX/b/._a.sql": b"\0", "b/READ.ME": b"\0"}),
        ),
    ],
)
def test_a_dump_is_the_same_however_it_is_packed(tmp_path, name, pack):
    text = single().encode()
    dump = read(tmp_path, pack(text), name)
    assert dump.sql_bytes == len(text)
    assert dump.tool.startswith("MySQL dump 10.13")
    assert dump.server_version == "5.5.31-0ubuntu0.13.04.1"
    assert dump.charset == "utf8"
    assert dump.sections == (Section("quantum", False, ("networks", "ports", "subnets")),)
    assert dump.findings == ()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.sql": b"a", "b.sql": b"b"}, "holds 2 files"),
        ({}, "an empty zip archive"),
        ({"a/": b"", "a/.x": b""}, "holds no file"),
        ({"a.sql.gz": gzip.compress(b"SELECT 1;")}, "compressed itself"),
    ],
)
def test_a_zip_archive_that_is_not_one_dump_is_to_be_unpacked(tmp_path, files, says):
    fault = refusal(tmp_path, archive(files), "a.zip")
    assert says in fault.message and (files == {} or "unpack it" in fault.hint)


def test_a_zip_archive_is_known_by_the_checksum_of_the_file_and_read_from_a_pipe(tmp_path):
    packed = archive({"a.sql": single().encode()})
    assert read(tmp_path, packed, "a.zip").sha256 == hashlib.sha256(packed).hexdigest()
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(packed))
    writer.start()
    ((path, parts),) = find_dumps([fifo])
    writer.join()
    assert read_dump(path, parts).sql_bytes == len(single())


def test_a_damaged_or_encrypted_zip_archive_is_refused(tmp_path):
    packed = bytearray(archive({"a.sql": single().encode()}))
    assert "is damaged" in refusal(tmp_path, bytes(packed[:-30]), "a.zip").message
    encrypted = bytearray(packed)
    encrypted[packed.rindex(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refusal(tmp_path, bytes(encrypted), "a.zip").message
    packed[60] ^= 0xFF
    packed[61] ^= 0xFF
    assert "is damaged" in refusal(tmp_path, bytes(packed), "a.zip").message


def test_a_frame_of_zstd_without_data_comes_first_in_what_pzstd_writes(tmp_path):
    empty = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
    packed = zstandard.ZstdCompressor().compress(single().encode())
    dump = read(tmp_path, empty + packed + empty)
    assert (dump.compression, dump.sql_bytes) == ("zstd", len(single()))


def test_zstd_and_gzip_of_several_members_are_read_to_the_end(tmp_path):
    first, second = single().encode()[:700], single().encode()[700:]
    assert read(tmp_path, gzip.compress(first) + gzip.compress(second), "a.gz").sql_bytes == len(first + second)
    compress = zstandard.ZstdCompressor().compress
    assert read(tmp_path, compress(first) + compress(second), "a.zst").sql_bytes == len(first + second)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zstandard.ZstdCompressor(write_checksum=True).compress])
def test_damaged_compression_is_one_sentence(tmp_path, pack):
    packed = bytearray(pack(single().encode()))
    assert re.search("ends in the middle|truncated", refusal(tmp_path, bytes(packed[: len(packed) // 2])).message)
    packed[len(packed) // 2] ^= 0xFF
    packed[len(packed) // 2 + 1] ^= 0xFF
    assert re.search("is damaged", refusal(tmp_path, bytes(packed)).message)


def test_gzip_cut_short_and_gzip_broken_are_told_apart(tmp_path):
    packed = bytearray(gzip.compress(single().encode()))
    assert "ends in the middle" in refusal(tmp_path, bytes(packed[:-20])).message
    packed[-6] ^= 0xFF
    assert "is broken" in refusal(tmp_path, bytes(packed)).message


def test_a_cut_dump_is_truncated(tmp_path):
    text = single()
    for cut in (len(text) - len("-- Dump completed on 2013-05-10 16:01:45\n"), len(text) // 2, 700):
        fault = refusal(tmp_path, text[:cut])
        assert "truncated" in fault.message
        assert "Dump completed" in fault.hint


def test_without_comments_a_dump_is_legal_and_its_truncation_is_still_seen(tmp_path):
    lines = [line for line in single().splitlines(keepends=True) if not line.startswith("--")]
    dump = read(tmp_path, "".join(lines))
    assert (dump.tool, dump.findings, service_of(dump.sections[0])) == ("", (), "neutron")
    assert "truncated" in refusal(tmp_path, "".join(lines[:-2])).message
    assert "truncated" in refusal(tmp_path, "CREATE TABLE `networks` (\n  `id` int\n) ENGINE=Inno").message


def test_stripped_executable_comments_are_said_before_anything_is_restored(tmp_path):
    lines = single().splitlines(keepends=True)
    fault = refusal(tmp_path, "".join(line for line in lines if not line.startswith("/*!")))
    assert "executable comments" in fault.message
    assert "1215" in fault.evidence
    assert "--compact" in fault.hint
    without_fk = "".join(line for line in lines if "FOREIGN_KEY_CHECKS" not in line)
    assert "some of the /*! */ lines" in refusal(tmp_path, without_fk).message


def test_insisting_turns_the_refusal_into_a_finding(tmp_path):
    file = tmp_path / "a.sql"
    file.write_text("".join(line for line in single().splitlines(keepends=True) if not line.startswith("/*!")))
    (dump,) = read_dumps([file], insist=True)
    assert [finding.severity for finding in dump.findings] == [Severity.ERROR]


def test_foreign_keys_switched_off_in_plain_sql_are_enough(tmp_path):
    read(tmp_path, "SET NAMES utf8;\nSET FOREIGN_KEY_CHECKS=0;\n" + body("quantum"))


def test_two_dumps_in_one_file(tmp_path):
    fault = refusal(tmp_path, single() + single("cinder"))
    assert "2 dumps in one file" in fault.message
    assert "quantum at line 1" in fault.message
    assert "more than one holds the database nova" in refusal(tmp_path, several("nova") + several("nova")).message
    assert [s.name for s in read(tmp_path, several("nova") + several("cinder")).sections] == ["nova", "cinder"]


def test_a_second_dump_in_a_file_that_would_go_into_the_first_ones_database(tmp_path):
    message = refusal(tmp_path, several("nova") + single("quantum")).message
    assert "2 dumps in one file" in message
    assert "the one with the table networks does not say which database it is for" in message
    assert [s.name for s in read(tmp_path, single("quantum") + several("nova")).sections] == ["quantum", "nova"]


def test_two_dumps_in_one_file_without_any_comment_are_seen_by_a_table_that_comes_twice(tmp_path):
    plain = "SET NAMES utf8;\nSET FOREIGN_KEY_CHECKS=0;\n"
    message = refusal(tmp_path, plain + body("nova") + body("cinder")).message
    assert "several dumps in one, and the table snapshots comes twice for one database" in message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"hello\n", "is not a dump"),
        (single().encode("utf-16"), "UTF-16"),
        (single().encode("utf-16-le"), "UTF-16"),
        (single().encode("utf-16-be"), "UTF-16"),
        (gzip.compress(gzip.compress(single().encode())), "compressed twice, the inner one is gzip"),
        (gzip.compress(lzma.compress(single().encode())), "compressed twice, the inner one is xz"),
        (b"PK\x03\x04" + bytes(40), "its zip data is broken"),
        (bytes(257) + b"ustar" + bytes(300), "tar archive"),
        (single().encode("utf-32"), "UTF-32"),
        (single().replace("\n", "\r").encode(), "bare carriage return"),
        (single().encode().replace(b"(1)", b"(" + bytes(600) + b"1)", 1), "holds NUL bytes, which no dump has"),
        (b"qpress10" + NOISE, "compressed with qpress"),
        (b"LZIP\x01" + NOISE, "compressed with lzip"),
        (b"\x1f\x9d\x90" + NOISE, "compressed with compress"),
        (b"\x02\x21\x4c\x18" + NOISE, "compressed with lz4"),
        (b"\x5d\x00\x00\x80\x00" + NOISE, "compressed with lzma"),
        (b"\x85\x02\x0c\x03" + NOISE, "is encrypted"),
        (b"\x8c\x0d\x04\x09" + NOISE, "is encrypted"),
        (b"age-encryption.org/v1\n" + NOISE, "is encrypted"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n623133", "is encrypted"),
        (b"nonesuch" + NOISE, "begins with binary data"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n", "a pointer of Git LFS"),
        (b"begin 644 keystone.sql\nM+2T@37E344P@9\n", "encoded for mail"),
        (
            b"\\connect keystone\nSELECT pg_catalog.set_config('search_path', '', false);\n"
            b"CREATE TABLE public.users (id int);\n",
            "PostgreSQL",
        ),
        (b"-- PostgreSQL database dump\nCREATE TABLE a (b int);\n", "PostgreSQL"),
        (b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE networks (id int);\n", "SQLite"),
        (
            single().encode()[:-60] + b"\nmysqldump: Error 2013: Lost connection to MySQL server during query\n",
            "Lost connection",
        ),
        (HEAD.format(database="x").encode() + b"INSERT INTO `a` VALUES (1);\n" + TAIL.encode(), "rows but no tables"),
    ],
)
def test_what_is_no_whole_dump_is_named(tmp_path, content, says):
    assert says in refusal(tmp_path, content).message


def test_text_beyond_ascii_needs_a_charset_and_has_to_be_in_it(tmp_path):
    text = single().replace("VALUES (1)", "VALUES ('München')")
    read(tmp_path, text)
    missing = text.replace("/*!40101 SET NAMES utf8 */;\n", "")
    (assumed,) = read(tmp_path, missing).findings
    assert assumed.severity is Severity.INFO
    assert "its text is UTF-8 and is restored as that" in assumed.message
    assert read(tmp_path, missing.replace("ü", "u")).findings == ()
    # What --skip-set-charset leaves, seen with mysqldump of 5.6 and of MariaDB 10.5: of the definitions' own.
    around = "/*!40101 SET character_set_client = utf8 */;\nCREATE TABLE"
    skipped = missing.replace("CREATE TABLE", around).encode("latin1")
    assert "does not say its character set" in refusal(tmp_path, skipped).message
    wrong = refusal(tmp_path, text.encode("latin1")).message
    assert "SET NAMES utf8, but line 15 is not UTF-8" in wrong
    assert read(tmp_path, text.replace("SET NAMES utf8", "SET NAMES latin1").encode("latin1")).charset == "latin1"


def test_nul_bytes_that_fill_up_a_file_are_no_hole(tmp_path):
    assert read(tmp_path, single().encode() + bytes(4096)).findings == ()
    assert read(tmp_path, single().encode() + b"\x1a").findings == ()
    assert "NUL bytes" in refusal(tmp_path, single().encode() + bytes(4096) + single("nova").encode()).message


def test_a_cut_dump_of_navicat_is_told_by_the_keys_that_stay_off(tmp_path):
    """Its earlier versions never switch them on again, and write the setting without blanks."""
    whole = KINDS["navicat"]
    cut = whole.removesuffix("SET FOREIGN_KEY_CHECKS = 1;\n")
    assert cut != whole and "truncated: it begins as Navicat" in refusal(tmp_path, cut).message
    for sound in (whole, cut.replace("CHECKS = 0", "CHECKS=0")):
        assert not [finding for finding in read(tmp_path, sound).findings if "truncated" in finding.message]


@pytest.mark.parametrize(
    "value",
    [
        "'rocky_contract02'",
        "_utf8mb4'rocky_contract02'",
        "0x726F636B795F636F6E74726163743032",
        "_binary 'rocky_contract02'",
    ],
)
def test_a_version_is_read_in_each_form_that_a_string_has(value):
    said = f"INSERT INTO `alembic_version` VALUES ({value});"
    assert list(versions(said.encode(), "alembic_version", None)) == ["rocky_contract02"]


def test_binary_columns_may_hold_any_bytes(tmp_path):
    text = single().encode().replace(b"`id` int(11)", b"`id` blob").replace(b"(1)", b"('\xff\xfe')")
    assert [f.severity for f in read(tmp_path, text).findings] == [Severity.WARNING]


@pytest.mark.parametrize(
    ("service", "versions", "path"),
    [
        ("nova", ("161",), "grizzly-icehouse"),
        ("nova", ("216",), "grizzly-icehouse"),
        ("nova", ("13863f4e1612",), "caracal-gazpacho"),
        ("neutron", ("5c85685d616d", "ad80a9f07c5c"), "caracal-gazpacho"),
        ("placement", (), "caracal-gazpacho"),
        ("nova", ("170",), "grizzly-icehouse"),
        ("keystone", (), "grizzly-icehouse"),
    ],
)
def test_the_path_that_a_cloud_is_on_is_told_by_versions_then_by_databases(service, versions, path):
    releases = load_releases()
    paths = {name: [releases[each] for each in known.releases] for name, known in load_paths().items()}
    assert likely_path({service: versions}, paths) == path


MARIADB_ROWS = """INSERT INTO `alembic_version` VALUES
('5c85685d616d'),
('ad80a9f07c5c');
"""


@pytest.mark.parametrize("cut", [1, 40, 1 << 20])
def test_versions_are_found_on_lines_of_their_own(tmp_path, monkeypatch, cut):
    """As mariadb-dump 10.11 writes them, wherever a block of the file ends."""
    monkeypatch.setattr("osupgrade.dump.stream.BLOCK", cut)
    after = "INSERT INTO `agents` VALUES\n('0e6eff810791');\n"
    dump = read(tmp_path, single("quantum", versions=MARIADB_ROWS + after))
    assert dump.sections[0].versions == ("5c85685d616d", "ad80a9f07c5c")


def test_where_a_dump_begins_is_checked_against_the_path(tmp_path):
    releases = [load_releases()[name] for name in ("grizzly", "havana", "icehouse")]

    def start(version: str, table: str = "migrate_version") -> str:
        row = f"('{version}')" if table == "alembic_version" else f"('nova','/usr/lib/nova/migrate_repo',{version})"
        database = "quantum" if table == "alembic_version" else "nova"
        dump = read(tmp_path, single(database, versions=f"INSERT INTO `{table}` VALUES {row};\n"))
        return "".join(f"{f.message}: {f.consequence}" for f in check_start(holdings([dump]), releases))

    assert start("161") == ""
    assert "it is at havana" in start("216")
    assert "no release of the path" in start("170")
    with pytest.raises(UsageFault, match="older than grizzly: its version is 133"):
        start("133")
    with pytest.raises(UsageFault, match="newer than icehouse: its version is 267"):
        start("267")
    assert start("grizzly", "alembic_version") == ""
    with pytest.raises(UsageFault, match="its version is juno"):
        start("juno", "alembic_version")
    with pytest.raises(UsageFault, match="older than grizzly: its version is folsom"):
        start("folsom", "alembic_version")


@pytest.mark.parametrize(
    ("held", "says"),
    [
        (
            {"nova_api": ("cell_mappings", "host_mappings")},
            "the dumps contain no nova and no nova_cell0, without which nova",
        ),
        (
            {"placement": ("resource_providers", "inventories"), "nova": ("instances", "compute_nodes")},
            "no nova_api and",
        ),
    ],
)
def test_a_service_of_several_databases_is_refused_without_all_of_them(tmp_path, capsys, held, says):
    files = []
    for name, tables in held.items():
        files.append(tmp_path / f"{name}.sql")
        made = "".join(f"CREATE TABLE `{table}` (\n  `id` int(11)\n) ENGINE=InnoDB;\n" for table in tables)
        files[-1].write_text(f"{HEAD.format(database=name)}CREATE DATABASE `{name}`;\nUSE `{name}`;\n{made}{TAIL}")
    dumps = [word for file in files for word in ("--dump", str(file))]
    assert command(["rehearse", "--path", "caracal-gazpacho", *dumps, "--out", str(tmp_path / "runs")]) == Exit.USAGE
    told = capsys.readouterr().err
    assert says in told
    assert "dump nova, nova_api, nova_cell0" in told or "dump nova_api, nova, nova_cell0" in told
    assert not (tmp_path / "runs").exists()


def test_a_file_that_is_refused_half_way_is_closed(tmp_path, monkeypatch):
    opened = []
    real = Path.open

    def noting(self, *given, **more):
        opened.append(real(self, *given, **more))
        return opened[-1]

    dump = tmp_path / "a.sql"
    dump.write_bytes("CREATE TABLE t".encode("utf-16"))
    monkeypatch.setattr(Path, "open", noting)
    with pytest.raises(UsageFault) as refused:
        read_dump(dump)
    # While the fault, and with it every frame below, is still at hand.
    assert refused.tb and opened and all(file.closed for file in opened)


def test_the_table_that_a_service_left_behind_with_its_older_migrations_is_not_asked(tmp_path):
    numbered = "INSERT INTO `migrate_version` VALUES ('Glance Migrations','/opt/glance/migrate_repo',0);\n"
    named = "INSERT INTO `alembic_version` VALUES ('rocky_contract02');\n"
    for rows in (numbered + named, named + numbered):
        assert read(tmp_path, single("nova", versions=rows)).sections[0].versions == ("rocky_contract02",)
    empty = "INSERT INTO `alembic_version` VALUES ;\n"
    assert read(tmp_path, single("nova", versions=numbered + empty)).sections[0].versions == ("0",)

"""The scan of the output finds what was masked, and nothing else."""

import base64
import json
import uuid

import pytest

from osupgrade.dump import leaks, spool
from osupgrade.dump.leaks import SHORTEST, Candidates, LeakScan

CANARY = "zebracanary42"


@pytest.mark.parametrize(
    "line",
    [
        f"x '{CANARY}' y\n",
        f"('{CANARY.upper()}')\n",
        f"prefix-{CANARY}-suffix\n",
        json.dumps({"a": CANARY}) + "\n",
        "('emVicmFjYW5hcnk0MiBhbmQgbW9yZQ==')\n",
        f"0x{CANARY.encode().hex()},\n",
        f"'{CANARY.encode().hex().upper()}'\n",
    ],
)
def test_the_scan_finds_what_was_masked_in_every_encoding(line):
    raw = b"INSERT INTO x VALUES (1);\n('" + CANARY.encode() + b"');\n"
    out = ("INSERT INTO x VALUES (1);\n" + line).encode()
    for chunks in ([out], [bytes([byte]) for byte in out]):
        assert candidates(raw, *chunks).words == {CANARY.encode()}


def candidates(raw: bytes, *out: bytes, harmless: str = "") -> Candidates:
    with LeakScan() as scan:
        scan.raw(raw)
        for block in out:
            scan.masked(block)
        assert scan.scanned == sum(map(len, out))
        return scan.candidates(iter(out), [harmless])


def test_candidates_are_found_however_many_tokens_there_are(monkeypatch):
    monkeypatch.setattr(spool, "GATHERED", 500)
    monkeypatch.setattr(spool, "WHOLE", 3)
    monkeypatch.setattr(leaks, "BLOCK", 1 << 12)
    mine = [uuid.uuid4().hex for _ in range(9000)]
    theirs = [uuid.uuid4().hex for _ in range(9000)]
    both = [uuid.uuid4().hex for _ in range(300)]
    raw, out = ("".join(f"('{one}')\n" for one in sorted(part + both)).encode() for part in (mine, theirs))
    assert candidates(raw, out).words == {one.encode() for one in both}


def test_processes_find_what_one_finds():
    identity = str(uuid.uuid4())
    lines = [f"('{uuid.uuid4()}','{i}-filler-{i}')\n".encode() * 40 for i in range(4000)]
    raw = b"".join([*lines, f"('{identity}','see {CANARY}')\n".encode(), *lines[:10]])
    out = b"".join([b"0123456789abcdef\n" * 400000, f"('{identity.replace('-', '')}', '{CANARY}')\n".encode()])
    with LeakScan(parallel=True) as scan:
        scan.raw(raw)
        scan.masked(out)
        found = scan.candidates(iter([out[:5000000], out[5000000:]]))
    assert found.words == {CANARY.encode(), identity.replace("-", "").encode()}


def test_the_scan_finds_addresses_and_dotted_names():
    raw = b"('192.168.100.7'),('FA:16:3e:aa:bb:cc'),('a.b.acme.org'),('m\\\\u00fcnchen-datacenter'),('bob@acme.org');\n"
    out = b"('192.168.100.7'),('fa:16:3e:aa:bb:cc'),('a.b.acme.org','m\xc3\xbcnchen-datacenter'),('bob@acme.org');\n"
    found = candidates(raw, out)
    assert found.addresses == {b"192.168.100.7", b"fa:16:3e:aa:bb:cc"}
    words = {b"a.b.acme.org", b"nchen-datacenter", b"datacenter", b"bob@acme.org"}
    assert found.words == words | {"münchen-datacenter".encode()}


def test_the_scan_finds_words_without_a_single_letter_of_ascii():
    name = "датацентр-Север"
    for form in (name, json.dumps(name)[1:-1], base64.b64encode(name.encode()).decode(), name.encode().hex()):
        assert name.encode() in candidates(f"('{name}')\n".encode(), f"('{form}')\n".encode()).words
    assert not candidates("('Север')\n".encode(), "('Север')\n".encode()).words


def test_the_scan_says_nothing_of_words_numbers_and_dates():
    raw = (
        b"('image_container_format','2013-05-10T16:01:45Z',1234567890123,'2013-05-10 16:01:45','short','secretstuff')\n"
    )
    found = candidates(raw, raw.replace(b"secretstuff", b"qwertyuiopa"), harmless="image_container_format")
    assert not found.words
    assert not found.addresses
    assert len("secretstuff") >= SHORTEST

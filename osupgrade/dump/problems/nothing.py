"""Files that are no dump of MySQL at all."""

from __future__ import annotations

import re

from osupgrade.dump.magic import compression_of
from osupgrade.dump.seen import Seen
from osupgrade.model.errors import UsageFault

HINT = "give the output of `mysqldump --single-transaction DATABASE`, plain or compressed"
_MYSQL = "the lab rehearses on MySQL and MariaDB only"
PROMISE = 64 << 20
"""Bytes within which a dump has a statement that means something; what has none by then is none."""

_DECRYPT = ("encrypted", "decrypt it first")
_OTHERS = {
    b"PK\x05\x06": ("an empty zip archive", HINT),
    b"7z\xbc\xaf": ("a 7-Zip archive", "unpack it and give the dump inside"),
    b"Rar!": ("a RAR archive", "unpack it and give the dump inside"),
    b"\x04\x22\x4d\x18": (
        "compressed with lz4",
        "decompress it first: `lz4 -d FILE`",
    ),
    b"\x02\x21\x4c\x18": ("compressed with lz4", "decompress it first: `lz4 -d FILE`"),
    b"\x89LZO": ("compressed with lzop", "decompress it first: `lzop -d FILE`"),
    b"LZIP": ("compressed with lzip", "decompress it first: `lzip -d FILE`"),
    b"\x5d\x00\x00": ("compressed with lzma", "decompress it first: `xz -d --format=lzma FILE`"),
    b"\x1f\x9d": ("compressed with compress", "decompress it first: `gzip -d FILE`"),
    b"qpress10": ("compressed with qpress", "decompress it first: `qpress -d FILE DIRECTORY`"),
    b"070701": ("a cpio archive", "unpack it and give the dump inside"),
    b"begin 6": ("encoded for mail", "decode it first: `uudecode FILE`"),
    b"version https://git-lfs": ("a pointer of Git LFS, not the file itself", "fetch the file: `git lfs pull`"),
    b"XBSTCK": ("a backup of xtrabackup, not SQL", "start a server from it and dump that with mysqldump"),
    b"Salted__": _DECRYPT,
    b"-----BEGIN P": _DECRYPT,  # PGP, PKCS7
    b"-----BEGIN CMS": _DECRYPT,
    b"age-encryption.org/": _DECRYPT,
    b"$ANSIBLE_VAULT": ("encrypted", "decrypt it first: `ansible-vault decrypt FILE`"),
    b"\x84\x5e\x03": _DECRYPT,  # OpenPGP's packets of an encrypted key
    b"\x85\x01\x0c\x03": _DECRYPT,
    b"\x85\x02\x0c\x03": _DECRYPT,
    b"\x8c\x0d\x04": _DECRYPT,
    b"SQLite format 3": ("a database of SQLite, not a dump of MySQL", HINT),
    b"PGDMP": ("a dump of PostgreSQL, not of MySQL", _MYSQL),
    b"\xfebin": ("a binary log, not a dump", HINT),
    b"<?xml": ("XML, not SQL", "take the dump again without --xml"),
    b"<html": ("a web page, not a dump", HINT),
    b"<!DOCTYPE": ("a web page, not a dump", HINT),
}

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
"""What text has none of; encrypted and compressed data, whatever made them, have every tenth byte."""


def unreadable(head: bytes, name: str, *, packed: bool = False) -> UsageFault | None:
    """Why the first bytes of a file are not a dump's; None where they may be. ``packed`` says that it may still be
    compressed.
    """
    compressed = compression_of(head)
    if compressed and not packed:
        return UsageFault(f"{name} is compressed twice, the inner one is {compressed}", hint="unpack it once")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or _is_wide(head[:256]):
        width = 32 if head[2:4] == b"\0\0" else 16
        return UsageFault(
            f"{name} is UTF-{width} text, not a dump as mysqldump writes it",
            hint="a shell redirected and recoded it (PowerShell does); use `mysqldump --result-file=FILE`",
        )
    for magic, (what, hint) in _OTHERS.items():
        if head.startswith(magic):
            return UsageFault(f"{name} is {what}", hint=hint)
    if head[257:262] == b"ustar":
        return UsageFault(f"{name} is a tar archive", hint="unpack it and give the directory")
    if head.count(b"\r") > 3 and b"\n" not in head:
        return UsageFault(
            f"the lines of {name} end in a bare carriage return, which MySQL clients do not recognise",
            hint="turn them into line feeds: `tr '\\r' '\\n' < FILE > OTHER`",
        )
    noise = not head[:256].isascii() and len(_CONTROL.findall(head[:256])) > 12
    if not compressed and (noise or head[:64].count(0) > 8):
        return UsageFault(f"{name} is not a dump: it begins with binary data", hint=HINT)
    return None


def _is_wide(head: bytes) -> bool:
    """Whether it is text of two bytes a character, nearly all of them ASCII, without a mark that says so."""
    even, odd = head[0::2], head[1::2]
    for zeros, letters in ((even, odd), (odd, even)):
        if len(head) >= 16 and zeros.count(0) > 0.9 * len(zeros) and letters.count(0) < 0.1 * len(letters):
            return not _CONTROL.search(letters.replace(b"\0", b""))
    return False


def not_a_dump(seen: Seen, name: str) -> UsageFault | None:
    """Why a file is no dump of MySQL at all; None when it is one, or may still become one."""
    if not seen.length:
        return UsageFault(f"{name} is empty", hint=HINT)
    if unusable := unreadable(seen.head, name):
        return unusable
    if seen.foreign:
        return UsageFault(f"{name} is a dump of {seen.foreign}, not of MySQL", hint=_MYSQL)
    if not seen.tables and not seen.rows and not seen.headers:
        said = f": {seen.stray[0][1][:160]}" if seen.stray and seen.length < PROMISE else ""
        return UsageFault(
            f"{name} is not a dump: it has neither tables nor rows{said and f'; it says{said}'}", hint=HINT
        )
    return None

"""What keeps a dump from being restored whole, and what should be known of it."""

from __future__ import annotations

from collections.abc import Mapping

from osupgrade.dump.seen import Seen
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Cure, Finding, Severity

SCHEMA_ONLY = "only the schema is rehearsed"
"""What follows of a dump without rows."""


def not_a_dump(seen: Seen, name: str) -> UsageFault | None:
    """Why a file is no dump of MySQL at all; None when it is one."""
    head = seen.head
    dump_hint = "give what `mysqldump --single-transaction DATABASE` wrote, plain or compressed"
    if not seen.length:
        return UsageFault(f"{name} is empty", hint=dump_hint)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return UsageFault(
            f"{name} is UTF-16 text, not a dump as mysqldump writes it",
            hint="a shell redirected and recoded it (PowerShell does); use `mysqldump --result-file=FILE`",
        )
    if head[:4] == b"PK\x03\x04":
        return UsageFault(f"{name} is a zip archive", hint="unpack it and give the dump inside")
    if head[257:262] == b"ustar":
        return UsageFault(f"{name} is a tar archive", hint="unpack it and give the directory")
    if seen.foreign:
        return UsageFault(f"{name} is a dump of {seen.foreign}, not of MySQL", hint="the lab rehearses on MySQL only")
    if not seen.tables and not seen.rows and not seen.headers:
        return UsageFault(f"{name} is not a dump: it has neither tables nor rows", hint=dump_hint)
    return None


def check(seen: Seen, name: str, databases: Mapping[str, int]) -> tuple[Finding, ...]:
    """What keeps a dump from being restored whole, the most telling first; empty when it is sound."""
    found: list[Finding] = []

    def say(message: str, consequence: str, cure: str) -> None:
        found.append(Finding("dump", Severity.ERROR, "", name, message, consequence, cure=Cure(cure)))

    if seen.stray[0]:
        say(
            f"line {seen.stray[0]} of {name} is a message of mysqldump, not SQL: {seen.stray[1][:160]}",
            "its messages were redirected into the file, and the client stops at that line",
            "if it is a mere warning, delete the line; if it is an error, take the dump again",
        )
    end = truncation(seen)
    if end:
        say(
            f"{name} is truncated: {end}",
            "the tables and rows after that point are missing",
            "take the dump again and compare its size; the last line of a whole one is `-- Dump completed`",
        )
    elif clash := _clash(seen, databases):
        where = ", ".join(f"{host or 'a dump'} at line {line}" for (line, _), host in _pairs(seen))
        count = f"{len(seen.headers)} dumps in one file ({where})" if len(seen.headers) > 1 else "several dumps in one"
        say(
            f"{name} is {count}, and {clash}",
            "the client would put one over the other, and keep of both what comes last",
            "give each dump as a file of its own",
        )
    if not seen.tables:
        say(
            f"{name} has rows but no tables",
            "there is nothing to put the rows into",
            "take the dump without --no-create-info",
        )
    if stripped(seen):
        lost = "all" if not seen.executable else "some"
        say(
            f"{name} has lost its executable comments: {lost} of the /*! */ lines that mysqldump writes are gone, "
            "FOREIGN_KEY_CHECKS=0 among them",
            "MySQL refuses the first table whose foreign key points at a later one (error 1215); character set, "
            "time zone and ids of 0 would be lost as well",
            "take the dump again without --compact and without filters such as `grep -v '^/\\*!'`",
        )
    if not found and not seen.charset and not seen.ascii:
        say(
            f"{name} has text beyond ASCII but does not say its character set (no SET NAMES)",
            "restored under the wrong one, names and descriptions turn into other characters",
            "take the dump without --skip-set-charset, or put `SET NAMES utf8;` (or latin1) before its first line",
        )
    if not found and seen.charset.startswith("utf8") and seen.bad_utf8 and not seen.binary_columns:
        say(
            f"{name} says SET NAMES {seen.charset}, but line {seen.bad_utf8} is not UTF-8",
            "MySQL would cut each such text at its first wrong byte, silently",
            "the file was recoded, or the dump was taken with another --default-character-set: take it again",
        )
    return tuple(found)


def _clash(seen: Seen, databases: Mapping[str, int]) -> str:
    """Why several dumps in one file cannot be told apart; empty when they can, or there is one alone."""
    several = len(seen.headers) > 1
    if several and not databases:
        return "none of them says which database it is for"
    if seen.loose:
        return f"the one with the table {seen.loose} does not say which database it is for"
    twice = [name for name, count in databases.items() if count > 1]
    if several and twice:
        return f"more than one holds the database {twice[0]}"
    return f"the table {seen.twice} comes twice for one database" if seen.twice else ""


def _pairs(seen: Seen) -> list[tuple[tuple[int, str], str]]:
    hosts = [*seen.hosts, *[""] * len(seen.headers)]
    return list(zip(seen.headers, hosts, strict=False))


def truncation(seen: Seen) -> str:
    """How one sees that a dump ends too early; empty when it does not.

    A dump that began with mysqldump's comments ends with one; one made with --skip-comments still sets SQL_NOTES back.
    """
    if len(seen.headers) > seen.completed:
        return "it begins as mysqldump writes it but does not end with `-- Dump completed`"
    if seen.notes_off > seen.notes_back and seen.executable:
        return "it does not set back SQL_NOTES at its end, as mysqldump does"
    last = seen.tail.rstrip()
    line = last[last.rfind(b"\n") + 1 :]
    if last and not line.startswith((b"--", b"#", b"DELIMITER")) and not last.endswith((b";", b"*/", b";;", b"//")):
        return "its last statement has no end"
    return ""


def stripped(seen: Seen) -> bool:
    """Whether the lines are gone that let tables with foreign keys come in alphabetical order (traps.md 1.6)."""
    if not seen.tables or seen.fk_off_first:
        return False
    by_mysqldump = bool(seen.headers or seen.completed)
    return (seen.foreign_keys and not seen.fk_off) or (by_mysqldump and not seen.executable)


def remarks(seen: Seen, name: str) -> tuple[Finding, ...]:
    """What does not stop a restore but should be known."""
    found = []
    if not seen.rows:
        found.append(Finding("dump", Severity.WARNING, "", name, f"{name} holds no rows", SCHEMA_ONLY))
    if seen.accounts:
        message = f"{seen.accounts} statements of {name} about accounts and their rights are left out"
        found.append(Finding("dump", Severity.INFO, "", name, message, "a rehearsal has accounts of its own"))
    if seen.bad_utf8 and seen.binary_columns and seen.charset.startswith("utf8"):
        found.append(
            Finding(
                "dump",
                Severity.WARNING,
                "",
                name,
                f"line {seen.bad_utf8} of {name} is not UTF-8",
                "binary columns may hold such bytes; text columns may not (mysqldump --hex-blob keeps them apart)",
            )
        )
    return tuple(found)


def refusal(problem: Finding) -> UsageFault:
    """A finding of :func:`check` as the fault that ends a command."""
    hint = problem.cure.summary if problem.cure else ""
    return UsageFault(problem.message, hint=hint, evidence=problem.consequence)

"""Messages of programs that were redirected into a dump: of the dumper itself, of kubectl, docker or ssh around it."""

from __future__ import annotations

import re

from osupgrade.dump.problems.problem import Problem
from osupgrade.dump.seen import Seen
from osupgrade.dump.statements import is_message
from osupgrade.model.text import counted

_ERROR = re.compile(
    r"(?i)\berror\b|got errno|lost connection|denied\b|couldn't|can't|cannot|unknown (?:database|table|option)"
    r"|exit (?:code|status) [1-9]|killed|segmentation fault|broken pipe|not found|no such|failed|refused"
)
_WARNING = re.compile(
    r"(?i)warning|deprecated|default(?:ed|ing) container|not a TTY|using a password|when trying to dump tablespaces"
)
"""What does no harm. Of tablespaces, mysqldump says that it may not see them, and goes on to the end."""
_WHO = re.compile(
    r"(mysqldump|mariadb-dump|mysqlpump|mysql|mariadb|kubectl|docker|podman|oc|ssh|sudo|bash|sh|tput|stty|time)"
    r"(?:\.exe)?: "
)
_KUBECTL = re.compile(r"Default(?:ed|ing) container|Unable to use a TTY|Error from server|command terminated with ")
_SSH = re.compile(r"Connection to .* closed|.* to the list of known hosts|Pseudo-terminal ")
_SUDO = re.compile(r"\[sudo\]")
_SHELL = re.compile(r"(?:real|user|sys)\s|\++ |[Ee]xit code")


def failed(seen: Seen, name: str) -> Problem | None:
    """Whether a message says that the dump went wrong."""
    for line, text in seen.stray:
        if is_message(text.encode()) and _ERROR.search(text) and not _WARNING.search(text):
            return Problem(
                f"line {line} of {name} is an error of {_who(text)}, not SQL: {text[:160]}",
                "error messages were redirected into the file, and what could not be dumped is missing",
                f"take the dump again, without `2>&1`; if the error does not matter, delete line {line}",
            )
    return None


def left_out(seen: Seen, name: str) -> Problem | None:
    """Messages that do no harm but that a client would stop at."""
    if not seen.stray:
        return None
    line, text = seen.stray[0]
    others = len(seen.stray) - 1
    more = counted(others, " ({n} more line[s] like it)") if others else ""
    flag = "; use `kubectl exec -i`, without -t" if _who(text) == "kubectl" else ""
    return Problem(
        f"line {line} of {name} is a message of {_who(text)}, not SQL{more}: {text[:160]}",
        counted(others + 1, "[it is|they are] left out here; the mysql client would stop at [it|them]"),
        counted(others + 1, "delete [it|them] before you restore this file yourself") + flag,
    )


def _who(text: str) -> str:
    if who := _WHO.match(text):
        return who[1]
    if _KUBECTL.match(text):
        return "kubectl"
    if _SSH.match(text):
        return "ssh"
    if _SUDO.match(text):
        return "sudo"
    if _SHELL.match(text):
        return "the shell"
    return "mysqldump" if _WARNING.search(text) else "another program"

"""What makes two failures the same one: the step, the revision, the error and its statement, whatever the values are.

Pure text work on what was found in a tool's log. Values (ids, names, numbers, the databases'
own names, which differ from server to server) are blanked; names of tables, columns and keys stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from osupgrade.model.step import StepResult

BLANK = "…"
"""Placeholder for a value in a failure's text."""

_KIND = re.compile(r"\(?(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)\b")
_NUMBER = re.compile(r"\((\d{3,5}), [\"']")
_STATEMENT = re.compile(
    r"\su?[\"'](?:\\[nt]|\s)*((?:ALTER|CREATE|DROP|INSERT|UPDATE|DELETE|SELECT|RENAME|REPLACE)\b.*)", re.DOTALL
)
_HEAD = re.compile(r"(?:[^\s(]+\s+){0,2}[^\s(]+")
_VALUES = (
    re.compile(r"(?<=Duplicate entry ').*?(?=' for key)", re.DOTALL),
    re.compile(r"(?<=value: ').*?(?=' for column)", re.DOTALL),
    # A table's indexes are a set in the tools, whose order is another each time: which one comes first says nothing.
    re.compile(r"(?<=Cannot drop index ').*?(?=':)"),
    re.compile(r"(?<=^DROP INDEX )\S+"),
    re.compile(r"#sql[\w-]+"),
    re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE),
    re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b", re.IGNORECASE),
)
_PLAIN_NUMBER = re.compile(r"(?<![\w(])\d+\b")
_DOUBLE_QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True)
class Failure:
    """How a step failed. ``left_at`` is what the version tables held afterwards, by database."""

    step: str
    kind: str
    """The exception's name; empty where the tool named none."""
    number: int | None
    """The database server's own error number."""
    text: str
    """The error up to its statement, with every value blanked."""
    statement: str
    """The first words of the statement that failed, such as ``INSERT INTO assignment``."""
    revision: str
    """The migration that failed, where the tool's log names it."""
    left_at: Mapping[str, tuple[str, ...]]

    def alike(self, other: Failure) -> bool:
        """Whether both are the same but for values that a mask may have changed within the text."""
        return replace(self, text="") == replace(other, text="")

    @property
    def pattern(self) -> str:
        """A regular expression that finds this error in a tool's log; empty where the tool named none."""
        if not self.kind:
            return ""
        parts = [self.text, self.statement] if self.statement else [self.text]
        # A log breaks statements where it likes.
        words = [r"\s+".join(re.escape(word) for word in piece.split(" ")) for piece in parts]
        return ".*?".join(words).replace(re.escape(BLANK), ".*?")

    def __str__(self) -> str:
        where = ", ".join(v for versions in self.left_at.values() for v in versions) or "no revision"
        statement = f" in {self.statement}" if self.statement else ""
        return f"{self.step}: {self.text}{statement}, and stays at {where}"


def failure_of(result: StepResult, databases: Iterable[str]) -> Failure:
    """How a failed step failed; ``databases`` are the names that its databases had on the server."""
    left_at = {name: tuple(versions) for name, versions in result.versions_after.items()}
    if result.diagnosis is None:
        return Failure(result.step, "", None, blanked("; ".join(result.problems), databases), "", "", left_at)
    error = result.diagnosis.error
    found = _STATEMENT.search(error)
    text = error[: found.start()] if found else error
    head = _HEAD.match(found[1].replace("\\n", " ").replace("\\t", " ")) if found else None
    number = _NUMBER.search(text)
    kind = _KIND.match(text)
    return Failure(
        step=result.step,
        kind=kind[1] if kind else "",
        number=int(number[1]) if number else None,
        text=blanked(text, databases),
        statement=blanked(" ".join(head[0].split()).rstrip(",'\""), databases) if head else "",
        revision=result.diagnosis.revision or "",
        left_at=left_at,
    )


def blanked(text: str, databases: Iterable[str] = ()) -> str:
    """``text`` with its values blanked; see the module."""
    for name in sorted(databases, key=len, reverse=True):
        # Where a table is named with its database, as MySQL does in some errors, only the table counts.
        text = text.replace(f"`{name}`.", f"{BLANK}.").replace(f"'{name}.", f"'{BLANK}.")
    for value in _VALUES:
        text = value.sub(BLANK, text)
    if not _NUMBER.search(text):
        text = _DOUBLE_QUOTED.sub(f'"{BLANK}"', text)
    return " ".join(_PLAIN_NUMBER.sub(BLANK, text).split())

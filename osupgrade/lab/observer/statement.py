"""Which tables a statement works on, as far as its first words tell. The lab does not parse SQL beyond that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["definition", "rows", ""]

_NAME = r"(?:`[^`]+`|[\w$]+)(?:\s*\.\s*(?:`[^`]+`|[\w$]+))?"
_NAMES = rf"{_NAME}(?:\s*,\s*{_NAME})*"
_FORMS: tuple[tuple[Kind, str], ...] = (
    ("definition", rf"ALTER\s+(?:ONLINE\s+|IGNORE\s+)*TABLE\s+(?P<tables>{_NAME})"),
    ("definition", rf"CREATE\s+(?:UNIQUE\s+|FULLTEXT\s+|SPATIAL\s+)?INDEX\s+{_NAME}\s+ON\s+(?P<tables>{_NAME})"),
    ("definition", rf"DROP\s+INDEX\s+{_NAME}\s+ON\s+(?P<tables>{_NAME})"),
    ("definition", rf"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<tables>{_NAME})"),
    ("definition", rf"DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?P<tables>{_NAMES})"),
    ("definition", rf"RENAME\s+TABLE\s+(?P<tables>{_NAME})"),
    ("definition", rf"TRUNCATE\s+(?:TABLE\s+)?(?P<tables>{_NAME})"),
    ("rows", rf"(?:INSERT|REPLACE)\s+(?:LOW_PRIORITY\s+|DELAYED\s+|IGNORE\s+)*(?:INTO\s+)?(?P<tables>{_NAME})"),
    ("rows", rf"UPDATE\s+(?:LOW_PRIORITY\s+|IGNORE\s+)*(?P<tables>{_NAMES})"),
    ("rows", rf"DELETE\s+(?:LOW_PRIORITY\s+|QUICK\s+|IGNORE\s+)*FROM\s+(?P<tables>{_NAME})"),
    ("rows", rf"DELETE\s+{_NAMES}\s+FROM\s+(?P<tables>{_NAME})"),
)
_COMPILED = tuple((kind, re.compile(rf"\s*{form}", re.IGNORECASE)) for kind, form in _FORMS)


@dataclass(frozen=True)
class Work:
    """What a statement does to which tables; no kind for one that only reads."""

    kind: Kind
    tables: tuple[str, ...] = ()


def work_of(statement: str) -> Work:
    """What ``statement`` does. Tables are named without quotes and without their database."""
    for kind, form in _COMPILED:
        match = form.match(statement)
        if match:
            return Work(kind, tuple(_bare(name) for name in match["tables"].split(",")))
    return Work("")


def _bare(name: str) -> str:
    return name.rpartition(".")[2].strip().strip("`")

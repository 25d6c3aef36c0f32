"""What becomes of every column when a dump is sanitized: the policy that comes along, and the operator's on top."""

from __future__ import annotations

import enum
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from osupgrade.model.errors import UsageFault
from osupgrade.schema import catalogue

DEFAULT = Path(__file__).parent / "default.toml"

TABLES = ("columns", "relations", "vocabulary")
VOCABULARY = ("words", "json_keys", "secret_keys", "listed")


class Treatment(enum.StrEnum):
    """What is done to a column's values."""

    KEEP = "keep"
    MASK = "mask"
    JSON = "json"
    PARTS = "parts"
    SECRET = "secret"
    DROP = "drop"


@dataclass(frozen=True)
class Policy:
    """Treatments by ``table.column`` or ``*.column``; relations that must survive; the services' vocabulary."""

    columns: Mapping[str, Treatment]
    relations: Mapping[str, str]
    words: frozenset[str]
    json_keys: frozenset[str]
    secret_keys: frozenset[str]
    kept_types: frozenset[str]
    listed: frozenset[str] = frozenset()
    """Columns, as ``table.column``, whose values are words of the services', but for those with ``own_prefix``."""
    own_prefix: str = ""
    own: frozenset[str] = frozenset()
    """Columns that the operator's own policy names, which counts for numbers and dates too."""

    def treatment(self, table: str, column: str) -> Treatment | None:
        """What the policy says of a text column; None when it says nothing, and then it is masked."""
        bare = table.removeprefix("shadow_")
        return self.columns.get(f"{bare}.{column}") or self.columns.get(f"*.{column}")

    def hides(self, table: str, column: str) -> str:
        """The operator's own name for a column that he wants hidden, its very own before ``*.column``; else empty."""
        names = (f"{table.removeprefix('shadow_')}.{column}", f"*.{column}")
        said = next((name for name in names if name in self.own), "")
        return said if said and self.columns[said] is not Treatment.KEEP else ""


def load_policy(extra: Path | None = None) -> Policy:
    """The default policy with the operator's on top; raises UsageFault for a file that cannot be used."""
    data = tomllib.loads(DEFAULT.read_text("utf-8"))
    own = _read(extra) if extra else {}
    named = {f"*.{name}": treatment for treatment, names in data["names"].items() for name in names.split()}
    columns = {**named, **data["columns"], **own.get("columns", {})}
    for name, treatment in columns.items():
        if treatment not in list(Treatment) or name.count(".") != 1:
            raise UsageFault(
                f'the policy says "{name}" = "{treatment}"',
                hint=f'columns are "table.column" or "*.column", treatments are {", ".join(Treatment)}',
            )
    words, keys, secrets, listed = (
        f"{data['vocabulary'][part]} {own.get('vocabulary', {}).get(part, '')}".lower().split() for part in VOCABULARY
    )
    return Policy(
        columns={name: Treatment(treatment) for name, treatment in columns.items()},
        relations={**data["relations"], **own.get("relations", {})},
        words=frozenset(words),
        json_keys=frozenset(keys),
        secret_keys=frozenset(secrets),
        kept_types=frozenset(data["types"]["keep"].split()),
        listed=frozenset(listed),
        own_prefix=data["vocabulary"]["own_prefix"],
        own=frozenset(own.get("columns", {})),
    )


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        own = tomllib.loads(path.read_text("utf-8"))
    except OSError as fault:
        raise UsageFault(f"cannot read the policy {path}: {fault.strerror}") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise UsageFault(f"the policy {path} is no TOML: {fault}") from fault
    strange = [name for name in own if name not in TABLES]
    strange += [f"vocabulary.{name}" for name in own.get("vocabulary", ()) if name not in VOCABULARY]
    if strange:
        raise UsageFault(
            f"the policy {path} has {strange[0]}, which no policy has",
            hint=f"it may have [{'], ['.join(TABLES)}], and in the last {', '.join(VOCABULARY)}",
        )
    return own


def known_columns(service: str) -> frozenset[tuple[str, str]]:
    """Every column that a service has at any revision, as (table, column); empty for a service without a catalogue."""
    if not catalogue.knows(service):
        return frozenset()
    found: set[tuple[str, str]] = set()
    for variant in catalogue.variants(service):
        line = catalogue.lineage(service, variant)
        tables = [table for revision in line.revisions for table in revision.schema.tables]
        tables += [table for made in line.served.values() for table in made]
        found.update((table.name, column.name) for table in tables for column in table.columns)
    return frozenset(found)

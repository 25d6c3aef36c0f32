"""What becomes of every column when a dump is sanitized: the services' policies, and the operator's on top."""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from osupgrade.catalog.content import service_files
from osupgrade.catalog.loading import Strict, load_toml
from osupgrade.catalog.services import names, services
from osupgrade.schema import catalogue


class Treatment(enum.StrEnum):
    """What is done to a column's values."""

    KEEP = "keep"
    MASK = "mask"
    JSON = "json"
    PARTS = "parts"
    SECRET = "secret"
    DROP = "drop"


def _parts(number: int, form: str) -> AfterValidator:
    def check(name: str) -> str:
        if name.count(".") != number - 1 or not all(name.split(".")):
            raise ValueError(f"must have the form {form}")
        return name

    return AfterValidator(check)


Place = Annotated[str, _parts(2, '"table.column" or "*.column"')]
Far = Annotated[str, _parts(3, '"service.table.column"')]
Words = Annotated[str, Field(description="words with spaces between them")]


class Vocabulary(Strict):
    """Words that say nothing about a site."""

    words: Words = ""
    json_keys: Words = ""
    secret_keys: Words = ""
    listed: Words = ""


class OperatorPolicy(Strict):
    """What a file given with ``--policy`` may say."""

    columns: Mapping[Place, Treatment] = Field(default_factory=dict)
    relations: Mapping[Far, Far] = Field(default_factory=dict)
    vocabulary: Vocabulary = Vocabulary()


class _ServiceVocabulary(Vocabulary):
    own_prefix: str = ""


class Derived(Strict):
    """Values out of which a service computes others. ``columns`` may end in ``:key``, a key of the JSON in it."""

    by: str
    columns: Words


class _Types(Strict):
    keep: Words = ""


class _ServicePolicy(OperatorPolicy):
    """The ``policy.toml`` of a service."""

    names: Mapping[Treatment, Words] = Field(default_factory=dict)
    types: _Types = _Types()
    vocabulary: _ServiceVocabulary = _ServiceVocabulary()
    derived: tuple[Derived, ...] = ()
    nets: Words = ""
    composed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """Treatments by ``table.column`` or ``*.column``; relations that must survive; the services' vocabulary."""

    columns: Mapping[str, Treatment]
    relations: Mapping[str, str]
    words: frozenset[str]
    json_keys: frozenset[str]
    secret_keys: frozenset[str]
    kept_types: frozenset[str]
    listed: frozenset[str]
    """Columns, as ``table.column``, whose values are words of the services', but for those with ``own_prefix``."""
    own_prefix: str
    derived: tuple[Derived, ...]
    nets: frozenset[str]
    """Columns that hold nets."""
    composed: tuple[re.Pattern[str], ...]
    kept: tuple[re.Pattern[str], ...]
    own: frozenset[str] = frozenset()
    """Columns that the operator's own policy names, which counts for numbers and dates too."""

    def treatment(self, table: str, column: str) -> Treatment | None:
        """The policy's rule for a text column; None without a rule, and then it is masked."""
        bare = table.removeprefix("shadow_")
        return self.columns.get(f"{bare}.{column}") or self.columns.get(f"*.{column}")

    def names(self, table: str, column: str) -> str:
        """The name by which the operator's policy names a column, the full one before ``*.column``; else empty."""
        names = (f"{table.removeprefix('shadow_')}.{column}", f"*.{column}")
        return next((name for name in names if name in self.own), "")

    def hides(self, table: str, column: str) -> str:
        """The operator's name for a column that they want hidden; else empty."""
        said = self.names(table, column)
        return said if said and self.columns[said] is not Treatment.KEEP else ""


def load_policy(extra: Path | None = None) -> Policy:
    """The services' policies with the operator's on top; raises UsageFault for a file that cannot be used."""
    shipped = _shipped()
    own = load_toml(extra, OperatorPolicy) if extra else OperatorPolicy()
    columns: dict[str, Treatment] = {}
    for policy in shipped:
        columns |= {f"*.{name}": treatment for treatment, names in policy.names.items() for name in names.split()}
    both: tuple[OperatorPolicy, ...] = (*shipped, own)
    for one in both:
        columns |= one.columns
    each = [one.vocabulary for one in both]
    return Policy(
        columns=columns,
        relations={one: other for policy in both for one, other in policy.relations.items()},
        words=_gathered(vocabulary.words for vocabulary in each),
        json_keys=_gathered(vocabulary.json_keys for vocabulary in each),
        secret_keys=_gathered(vocabulary.secret_keys for vocabulary in each),
        kept_types=_gathered(policy.types.keep for policy in shipped),
        listed=_gathered(vocabulary.listed for vocabulary in each),
        own_prefix="".join(policy.vocabulary.own_prefix for policy in shipped),
        derived=tuple(derived for policy in shipped for derived in policy.derived),
        nets=_gathered(policy.nets for policy in shipped),
        composed=tuple(re.compile(pattern) for policy in shipped for pattern in policy.composed),
        kept=tuple(re.compile(pattern) for policy in shipped for pattern in policy.kept),
        own=frozenset(own.columns),
    )


@functools.cache
def _shipped() -> tuple[_ServicePolicy, ...]:
    return tuple(load_toml(file, _ServicePolicy) for file in service_files("policy.toml"))


def _gathered(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(" ".join(texts).lower().split())


@functools.cache
def upstream_names() -> frozenset[str]:
    """Names of tables, columns, indexes, constraints and members of enums that any service has at any release.

    Of the releases in the catalogue they are known from the schemas themselves, of all others from ``names.txt``.
    """
    found = {name for service in services() for name in names(service)}
    for service in catalogue.services():
        for variant in catalogue.variants(service):
            line = catalogue.lineage(service, variant)
            tables = [table for revision in line.revisions for table in revision.schema.tables]
            tables += [table for made in line.served.values() for table in made]
            for table in tables:
                found.add(table.name)
                found.update(column.name for column in table.columns)
                found.update(index.name for index in table.indexes)
                found.update(key.name for key in table.foreign_keys)
                found.update(check.name for check in table.checks)
    return frozenset(found)


@functools.cache
def known_columns(service: str) -> Mapping[tuple[str, str], frozenset[str]]:
    """Every column that a service has at any revision, as (table, column), with its defaults and its enum's members.

    Empty for a service without a catalogue.
    """
    if not catalogue.knows(service):
        return {}
    found: dict[tuple[str, str], set[str]] = {}
    for variant in catalogue.variants(service):
        line = catalogue.lineage(service, variant)
        tables = [table for revision in line.revisions for table in revision.schema.tables]
        tables += [table for made in line.served.values() for table in made]
        for table in tables:
            for column in table.columns:
                texts = found.setdefault((table.name, column.name), set())
                if column.default is not None:
                    texts.add(column.default)
                if column.type.startswith(("enum(", "set(")):
                    texts.update(re.findall(r"'((?:[^']|'')*)'", column.type))
    return {place: frozenset(texts) for place, texts in found.items()}

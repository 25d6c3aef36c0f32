"""Which database of the dumps is which service, one for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from osupgrade.catalog.identity import Section, service_of, usual_names
from osupgrade.catalog.services import services
from osupgrade.dump.read import Dump
from osupgrade.model.errors import UsageFault

SYSTEM = frozenset({"mysql", "information_schema", "performance_schema", "sys"})
"""The server's own databases, never restored."""


@dataclass(frozen=True)
class Holding:
    """A database of a dump that is one of the cloud's."""

    service: str
    dump: Dump
    section: Section


def is_system(section: Section) -> bool:
    """Whether a section is one of the server's own databases, named or not."""
    return section.name in SYSTEM or {"tables_priv", "columns_priv", "user", "db"} <= frozenset(section.tables)


_TABULAR = (
    "{names}: a .sql file for each table and its rows in a text file, as mysqldump --tab writes a directory; the "
    "tables that are here are those of no OpenStack service: give the whole directory, or one dump taken without --tab"
)


def holdings(dumps: Sequence[Dump], choose: Mapping[str, str] | None = None) -> tuple[Holding, ...]:
    """Which database of the dumps is which service, one for each.

    ``choose`` (service -> database name in the dump) decides where two claim the same service. Raises UsageFault when
    they do and nothing decides, when a chosen database is not there, or when no OpenStack service is found at all.
    """
    claims: dict[str, list[Holding]] = {}
    others: list[str] = []
    chosen = dict(choose or {})
    for dump in dumps:
        for section in dump.sections:
            wanted = [service for service, name in chosen.items() if name == section.name]
            service = wanted[0] if wanted else service_of(section)
            if is_system(section) or not service:
                others.append(f"{section.name or '(unnamed)'} in {dump.name}")
            elif service not in chosen or wanted:
                claims.setdefault(service, []).append(Holding(service, dump, section))
    missing = sorted(set(chosen) - set(claims))
    if missing:
        raise UsageFault(f"no dump contains the database {chosen[missing[0]]} chosen for {missing[0]}")
    if not claims:
        listed = f": {', '.join(others)} {'are' if len(others) > 1 else 'is'} of none of its services" if others else ""
        apart = [dump.name for dump in dumps if any(part.rows for part in dump.parts)]
        raise UsageFault(
            f"no OpenStack database in {', '.join(dump.name for dump in dumps)}{listed}",
            evidence=_TABULAR.format(names=", ".join(apart)) if apart else "",
            hint=f"give dumps of {', '.join(services())}",
        )
    for service, several in claims.items():
        usual = [held for held in several if usual_names().get(held.section.name.lower()) == service]
        if len(usual) == 1 and len({id(held.dump) for held in several}) == 1:
            claims[service] = usual  # the others are an operator's own copies
        elif len(several) > 1:
            only = " or ".join(h.section.name for h in several)
            names = " and ".join(f"{h.section.name or 'a database'} ({h.dump.name})" for h in several)
            raise UsageFault(
                f"two databases belong to {service}: {names}",
                hint="give only one of them"
                if len({h.dump.path for h in several}) > 1
                else f"dump again with only one of them: mysqldump --databases {only}",
            )
    return tuple(found[0] for found in claims.values())

"""The schema of one database as a plain immutable value, and as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from osupgrade.model.errors import UsageFault
from osupgrade.schema.table_data import table_data, table_from
from osupgrade.schema.tables import Routine, Table, Trigger, View


@dataclass(frozen=True)
class Schema:
    """One database's schema. Tables and the rest are sorted by name.

    ``counters`` are the tables' AUTO_INCREMENT values; they take no part in comparing and hashing.
    """

    tables: tuple[Table, ...] = ()
    views: tuple[View, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    routines: tuple[Routine, ...] = ()
    collation: str = "utf8_general_ci"
    counters: tuple[tuple[str, int], ...] = field(default=(), compare=False)

    @property
    def names(self) -> frozenset[str]:
        """The names of the tables."""
        return frozenset(table.name for table in self.tables)

    def table(self, name: str) -> Table | None:
        """A table by name."""
        return next((table for table in self.tables if table.name == name), None)

    def to_json(self) -> str:
        """The schema as JSON, one table a line, the same text for the same schema."""
        lines = [f"  {json.dumps(t.name)}: {_dumps(table_data(t))}" for t in self.tables]
        rest = {
            "collation": self.collation,
            "counters": dict(self.counters),
            "routines": [[r.name, r.kind, r.body] for r in self.routines],
            "triggers": [[t.name, t.table, t.timing, t.event, t.body] for t in self.triggers],
            "views": [[v.name, v.definition] for v in self.views],
        }
        head = ",\n".join(f" {json.dumps(key)}: {_dumps(value)}" for key, value in rest.items())
        return "{\n" + head + ',\n "tables": {\n' + ",\n".join(lines) + "\n }\n}\n"

    @classmethod
    def from_json(cls, text: str) -> Schema:
        """What :meth:`to_json` wrote; raises UsageFault for anything else."""
        try:
            data = json.loads(text)
            return cls(
                tables=tuple(table_from(name, table) for name, table in sorted(data["tables"].items())),
                views=tuple(View(*view) for view in data["views"]),
                triggers=tuple(Trigger(*trigger) for trigger in data["triggers"]),
                routines=tuple(Routine(*routine) for routine in data["routines"]),
                collation=data["collation"],
                counters=tuple(data["counters"].items()),
            )
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as fault:
            raise UsageFault(f"this is not a schema that osupgrade wrote: {fault}") from fault


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

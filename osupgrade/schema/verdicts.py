"""What became of each customisation: three schemas against each other, before, upstream's, and after."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from osupgrade.model.finding import Cure, Fate, Finding, Severity, Sql
from osupgrade.model.quoting import quoted
from osupgrade.model.step import Diagnosis
from osupgrade.schema.catalogue import Lineage
from osupgrade.schema.diff import Change, Item, described, diff, diff_tables, generated, made_for_a_key, purpose
from osupgrade.schema.identify import customisations
from osupgrade.schema.own_data import SOURCE
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Column, ForeignKey, Index, Routine, Table, Trigger, View

NOTHING = Schema()


@dataclass(frozen=True)
class Verdict:
    """One customisation's fate in words.

    ``revision`` and ``error`` say where it was in the way. ``mend`` are the statements that bring back what is lost or
    altered, or that take what is in the way out of it; none where no plain statement does, or nothing has to be done.
    """

    change: Change
    fate: Fate
    words: str
    revision: str = ""
    error: str = ""
    mend: tuple[str, ...] = ()


def verdicts(
    changes: Iterable[Change],
    upstream: Schema,
    after: Schema,
    stopped: Diagnosis | None = None,
    foretold: Collection[Change] = (),
    before: Schema = NOTHING,
) -> tuple[Verdict, ...]:
    """The fate of each customisation.

    ``upstream`` is the reference at the revision that was reached, ``after`` and ``before`` are the database itself,
    ``stopped`` what the tool said if it did not come through. Blamed for that is only what the error names, or what was
    ``foretold`` to stop the very revision that did not come through.
    """
    gone = diff(before, after)
    return tuple(_verdict(change, upstream, after, stopped, foretold, gone) for change in changes)


def breaks(reader: View | Trigger, changes: Iterable[Change]) -> str:
    """What a view or a trigger reads of the tables and columns that ``changes`` remove; empty when it reads none."""
    text = reader.definition if isinstance(reader, View) else reader.body
    for change in changes:
        if change.kind != "removed":
            continue
        if change.object == "table" and _named(change.name, text.lower()):
            return change.name
        if change.object != "column":
            continue
        # The server writes a view's columns out; a trigger knows those of its own table as NEW's and OLD's.
        seen = (
            f"`{change.table}`.`{change.name}`" in text
            if isinstance(reader, View)
            else (
                reader.table == change.table
                and re.search(rf"\b(?:NEW|OLD)\s*\.\s*`?{re.escape(change.name)}\b", text, re.IGNORECASE) is not None
            )
        )
        if seen:
            return change.place
    return ""


def judge_customisations(service: str, judged: Iterable[Verdict]) -> tuple[Finding, ...]:
    """A finding for each customisation that was not kept, with the statements that repair it.

    One that keeps upstream's own of that name from being there is an error.
    """
    findings = []
    for verdict in judged:
        if verdict.fate not in (Fate.LOST, Fate.ALTERED, Fate.CONFLICT) or verdict.change.kind == "removed":
            continue
        lacking = verdict.fate is Fate.CONFLICT
        findings.append(
            Finding(
                source=SOURCE,
                severity=Severity.ERROR if lacking else Severity.WARNING,
                service=service,
                place=verdict.change.place,
                message=verdict.words,
                consequence="upstream's own is missing, and the release's code needs it" if lacking else "",
                cure=_cure("change it to upstream's" if lacking else "restore it as it was", service, verdict.mend),
            )
        )
    return tuple(findings)


def judge_result(
    service: str, line: Lineage, revision: str, after: Schema, judged: Iterable[Verdict]
) -> tuple[Finding, ...]:
    """What differs in the result from upstream at ``revision``, besides what was ``judged`` already.

    Each finding has the difference in words and, where it is simple, the statement that repairs it; what upstream has
    and the result lacks is an error.
    """
    known = {(v.change.object, v.change.table, v.change.name) for v in judged}
    return tuple(
        Finding(
            source=SOURCE,
            severity=Severity.WARNING if change.kind in ("added", "renamed") else Severity.ERROR,
            service=service,
            place=change.place,
            message=change.against(f"upstream at {revision}"),
            consequence="the result is neither upstream's schema nor a customisation from before the upgrade",
            cure=_cure("change it to upstream's", service, _mend(change, after)),
        )
        for change in _in_order(customisations(after, line, revision))
        if (change.object, change.table, change.name) not in known
    )


def _in_order(changes: Sequence[Change]) -> list[Change]:
    """Differences in the order in which their statements go through: a column takes its keys and indexes with it."""
    new = {(change.table, change.name) for change in changes if change.object == "column" and change.kind == "added"}

    def place(change: Change) -> int:
        item = change.after
        if change.kind != "added" or not isinstance(item, ForeignKey | Index):
            return 2
        return int(isinstance(item, Index)) if any((change.table, name) in new for name in item.columns) else 2

    return sorted(changes, key=place)


def _mend(change: Change, after: Schema) -> tuple[str, ...]:
    """A change's statements; the foreign keys that hold a column are away while it changes (1832, 1833)."""
    if change.object != "column" or change.kind != "altered":
        return change.sql
    held = [
        (table.name, key)
        for table in after.tables
        for key in table.foreign_keys
        if (table.name == change.table and change.name in key.columns)
        or (key.table == change.table and change.name in key.referred)
    ]
    drop = [s for table, key in held for s in Change("added", "foreign key", table, key.name, None, key).sql]
    add = [s for table, key in held for s in Change("removed", "foreign key", table, key.name, key).sql]
    return (*drop, *change.sql, *add)


def blamed(change: Change, stopped: Diagnosis) -> bool:
    """Whether a tool's error names this customisation, or the table that its foreign keys hold on to.

    What is missing holds on to nothing: it is blamed by its own name alone.
    """
    text = f"{stopped.error} {stopped.statement or ''}".lower()
    item = change.after or change.before
    names = {change.name}
    if change.kind == "removed" and isinstance(item, Table | ForeignKey):
        pass
    elif isinstance(item, Table):
        names |= {key.table for key in item.foreign_keys}
    elif isinstance(item, ForeignKey):
        names |= {item.table, *item.columns}
    elif isinstance(item, Index):
        names = {item.name} if item.name != "PRIMARY" else {change.table}
    elif change.object == "trigger":
        names |= {change.table}
    if isinstance(item, Column | Index) and change.table and not _named(change.table, text):
        # MySQL names the column alone, the statement its table.
        return bool(names) and all(_named(name, text) for name in names) and "1060" in text
    return any(_named(name, text) for name in names)


def _verdict(
    change: Change,
    upstream: Schema,
    after: Schema,
    stopped: Diagnosis | None,
    foretold: Collection[Change],
    gone: Sequence[Change],
) -> Verdict:
    if stopped is not None and (change in foretold or blamed(change, stopped)):
        where = f" in revision {stopped.revision}" if stopped.revision else ""
        return Verdict(
            change,
            Fate.IN_THE_WAY,
            f"{change.object} {change.place} stops the upgrade{where}",
            stopped.revision or "",
            stopped.error,
            way_out(change, stopped.error),
        )
    own, wanted, now = change.after, find_item(upstream, change), find_item(after, change)
    what = f"{change.object} {change.place}"
    if change.kind == "removed":
        return _missing(change, wanted, now)
    names = [getattr(item, "name", "") for item in (now, wanted)]
    renamed = change.kind == "renamed" and all(names) and len(set(names)) > 1
    if wanted is not None and _plain(wanted) == _plain(own) and not renamed:
        return Verdict(change, Fate.UPSTREAM, f"{what} is part of upstream now, defined the same")
    home = upstream.table(change.table)
    if isinstance(wanted, Index) and home and made_for_a_key(home, wanted) and _plain(now) == _plain(own):
        return Verdict(change, Fate.KEPT, f"{what} is as before; the server's own took another name")
    if wanted is not None and change.kind == "added":
        if _plain(now) == _plain(wanted):
            return Verdict(change, Fate.LOST, f"upstream's own {what}, which is defined differently, has replaced it")
        mend = _statements(wanted, now, change, after)
        return Verdict(change, Fate.CONFLICT, f"upstream adds its own {what}, which is defined differently", mend=mend)
    if now is None:
        if change.table and home is None:
            return Verdict(change, Fate.LOST, f"{what} is gone: upstream drops the table {change.table}")
        back = replace(change, kind="removed", before=own, after=None).sql
        return Verdict(change, Fate.LOST, f"{what} is gone", mend=back)
    if isinstance(own, View | Trigger) and (read := breaks(own, gone)):
        return Verdict(change, Fate.ALTERED, f"{what} is there, but does not work: it reads {read}, which is gone")
    if _plain(now) == _plain(own):
        return Verdict(change, Fate.KEPT, f"{what} is as before")
    mend = _statements(own, now, change, after)
    if wanted is not None and _plain(now) == _plain(wanted):
        return Verdict(change, Fate.LOST, f"{what} has upstream's form now", mend=mend)
    return Verdict(change, Fate.ALTERED, _altered(change, now), mend=mend)


def way_out(change: Change, error: str) -> tuple[str, ...]:
    """The SQL that takes a customisation out of the way before the upgrade, and keeps its data."""
    item = change.after
    if change.kind != "added" or not isinstance(item, Table | Column):
        return change.sql
    table = quoted(change.table or change.name)
    if isinstance(item, Column):
        own = quoted(f"own_{item.name}")
        return (f"ALTER TABLE {table} CHANGE COLUMN {quoted(item.name)} {own} {described(item)}",)
    if item.charset != "utf8" and "utf8" in error:
        # The tools look at the table's default alone; converting the columns would make MEDIUMTEXT of TEXT.
        return (f"ALTER TABLE {table} DEFAULT CHARACTER SET utf8",)
    if item.foreign_keys and "1050" not in error:
        dropped = ", ".join(f"DROP FOREIGN KEY {quoted(key.name)}" for key in item.foreign_keys)
        return (f"ALTER TABLE {table} {dropped}",)
    return (f"RENAME TABLE {table} TO {quoted(f'own_{item.name}')}",)


def _statements(wanted: Item | None, now: Item | None, change: Change, after: Schema) -> tuple[str, ...]:
    """What turns ``now`` into ``wanted``, part by part; a key onto a table that is gone cannot be made again."""
    if isinstance(wanted, Table) and isinstance(now, Table):
        parts = _parts(wanted, now)
    else:
        parts = [replace(change, kind="altered", before=wanted, after=now)]
    able = (p for p in parts if not (isinstance(p.before, ForeignKey) and p.before.table not in after.names))
    return tuple(statement for part in able for statement in part.sql)


def _parts(before: Table, after: Table) -> list[Change]:
    return [part for part in diff_tables(before, after) if not part.same_but_charset]


def _cure(summary: str, service: str, statements: Sequence[str]) -> Cure | None:
    steps = tuple(Sql(service, statement) for statement in statements if statement)
    return Cure(summary, steps) if steps else None


def _missing(change: Change, wanted: Item | None, now: Item | None) -> Verdict:
    if wanted is None and now is None:
        return Verdict(change, Fate.UPSTREAM, f"upstream no longer has {change.object} {change.place} either")
    if now is None:
        return Verdict(change, Fate.KEPT, f"{change.object} {change.place} is still missing")
    if _plain(now) == _plain(wanted):
        return Verdict(change, Fate.UPSTREAM, f"{change.object} {change.place} is there now, as upstream has it")
    return Verdict(change, Fate.LOST, f"{change.object} {change.place} is there now")


def _altered(change: Change, now: Item) -> str:
    if isinstance(now, Table) and isinstance(change.after, Table):
        return f"table {change.place} changed: {'; '.join(part.sentence for part in _parts(change.after, now))}"
    return replace(change, kind="altered", before=change.after, after=now).sentence


def find_item(schema: Schema, change: Change) -> Item | None:
    """What is at a change's place in another schema; a renamed key or index is found by what it does."""
    if change.object == "table":
        return schema.table(change.name)
    if change.object in ("view", "trigger", "routine"):
        loose: tuple[View | Trigger | Routine, ...] = (*schema.views, *schema.triggers, *schema.routines)
        return next((item for item in loose if item.name == change.name), None)
    table = schema.table(change.table)
    if table is None:
        return None
    parts: Mapping[str, Sequence[Item]] = {
        "column": table.columns,
        "index": table.indexes,
        "foreign key": table.foreign_keys,
        "check": table.checks,
    }
    found = parts.get(change.object, ())
    named = next((item for item in found if getattr(item, "name", "") == change.name), None)
    gone = change.before if change.after is None else None
    if isinstance(gone, ForeignKey) and (named is None or generated(change.table, gone)):
        return next((k for k in table.foreign_keys if purpose(k) == purpose(gone)), None)
    if named is None and isinstance(change.after, ForeignKey):
        return next((k for k in table.foreign_keys if purpose(k) == purpose(change.after)), None)
    return named


def _plain(item: Item | None) -> Item | None:
    """An item without what servers and moves change by themselves: character sets, and the names of foreign keys."""
    if isinstance(item, Column):
        return replace(item, collation="")
    if isinstance(item, ForeignKey):
        return purpose(item)
    if isinstance(item, Table):
        return replace(
            item,
            columns=tuple(replace(c, collation="") for c in item.columns),
            foreign_keys=tuple(sorted((replace(k, name="") for k in item.foreign_keys), key=repr)),
            collation="",
            engine="",
            row_format="",
        )
    return item


def _named(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w]){re.escape(name.lower())}(?![\w])", text) is not None

"""A database server that holds what an operator's dumps hold: restored once, then started from a snapshot of that."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from pydantic import TypeAdapter

from osupgrade.catalog.survey import Survey
from osupgrade.dump.holdings import holdings
from osupgrade.dump.read import Dump
from osupgrade.dump.restore import Progress, Restored, restore
from osupgrade.lab.database import DatabaseServer, Origin, start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.server_settings import set_up
from osupgrade.lab.snapshots.records import Record
from osupgrade.lab.snapshots.store import SnapshotStore
from osupgrade.model.events import BAR_SECONDS, TELL_SECONDS
from osupgrade.model.version import code_hash

Say = Callable[[str], None]
HowFar = Callable[[Progress], None]
WORTH = 16 << 20
"""Bytes of SQL from which on a snapshot is worth its while: less is restored sooner than a second server is started."""
GROWTH = 3
"""How many times a dump's SQL its data directory may take: rows, indexes, the server's own files."""
_OWN = 500_000_000
"""Bytes of an empty server's data directory, at most."""
_RESTORED = TypeAdapter(Restored)


def restore_dumps(
    server: DatabaseServer,
    dumps: Sequence[Dump],
    say: Say,
    how_far: HowFar | None = None,
    survey: Survey | None = None,
) -> Restored:
    """Restore an operator's dumps into databases of the services' names, with the defaults that a survey says.

    ``how_far`` gets the progress twice a second; without it, ``say`` is every few seconds.
    """
    last, every = 0.0, BAR_SECONDS if how_far else TELL_SECONDS

    def on_progress(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= every:
            last = time.monotonic()
            how_far(progress) if how_far else say(str(progress))

    say(f"restoring {', '.join(dump.name for dump in dumps)}")
    return restore(server, dumps, on_progress, default_of=survey.default_of if survey else None)


def start_restored(
    lab: Lab,
    image: str,
    dumps: Sequence[Dump],
    say: Say,
    how_far: HowFar | None = None,
    *,
    survey: Survey | None = None,
    options: Sequence[str] = (),
) -> tuple[DatabaseServer, Restored | None]:
    """Start a server with what the dumps hold, and say what restoring them came to.

    They are restored into a server of their own, which is shut down and kept; the one that is returned starts from a
    copy of that, now and the next time. Where they are small, or there is no room to keep that, the server is empty and
    the second value None. Raises as :func:`restore_dumps` does.
    """
    size = sum(dump.sql_bytes for dump in dumps)
    if size < WORTH:
        return start_database(lab, image, memory=False, options=options), None
    key = _key(image, dumps, survey, options)
    store = SnapshotStore(lab.client)
    found = store.find(key)
    if found and not _readable(found):
        store.records.remove(key)
        found = None
    if found:
        say(f"starting from the snapshot of {found.about}, made {found.made}")
    elif store.has_room(GROWTH * size + _OWN):
        found = _made(lab, store, key, image, dumps, say, how_far, survey, options)
    else:
        return start_database(lab, image, memory=False, options=options), None
    restored = _RESTORED.validate_json(found.kept)
    server = start_database(lab, image, memory=False, options=options, origin=Origin(found.volume, found.bytes))
    # Findings about the files are of these files, and may differ although what they hold does not.
    findings = (finding for dump in dumps for finding in dump.findings)
    digests = {str(dump.path): dump.sha256 for dump in dumps}
    return server, replace(restored, sha256=digests, findings=(*findings, *restored.remarks))


def _readable(record: Record) -> bool:
    """Whether what was kept of a restore can be read again; a file in a cache may be damaged."""
    try:
        return bool(_RESTORED.validate_json(record.kept))
    except ValueError:
        return False


def _made(
    lab: Lab,
    store: SnapshotStore,
    key: str,
    image: str,
    dumps: Sequence[Dump],
    say: Say,
    how_far: HowFar | None,
    survey: Survey | None,
    options: Sequence[str],
) -> Record:
    with store.making(key) as volume:
        server = start_database(lab, image, memory=False, options=options, name="restoring", volume=volume)
        try:
            with server:
                if survey:
                    set_up(server, survey)
                restored = restore_dumps(server, dumps, say, how_far, survey)
            kept = _RESTORED.dump_json(replace(restored, findings=(), sha256={})).decode()
            about = ", ".join(dump.name for dump in dumps)
            return store.keep(lab, server, image, Record(key, volume, "", 0, about, "", kept))
        finally:
            lab.remove(server.container)


def _key(image: str, dumps: Sequence[Dump], survey: Survey | None, options: Sequence[str]) -> str:
    """The hash of all that decides what a restored server holds, and what is found while restoring it."""
    made_of = {
        "code": code_hash(),
        "image": image,
        "options": list(options),
        "survey": asdict(survey) if survey else None,
        "dumps": [[dump.name, dump.sha256, [part.path.name for part in dump.parts]] for dump in dumps],
        "holdings": [[held.service, held.dump.sha256, held.section.name] for held in holdings(dumps)],
    }
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]

"""The version of a database that holds no rows: its copy in the lab gets the one that its schema says."""

from __future__ import annotations

from dataclasses import replace

from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.services import repository
from osupgrade.lab.live_server import LiveServer
from osupgrade.lab.sql_server import SqlServer
from osupgrade.model.quoting import quoted
from osupgrade.model.release import ALEMBIC, VERSION_TABLES
from osupgrade.schema.catalogue import moves, revision_name
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.survey import Survey


def version_table(schema: Schema) -> str:
    """The version table that counts: alembic's, where a service kept its older one; empty for none."""
    return next((table for table in VERSION_TABLES if table in schema.names), "")


def taken_as_stamped(server: SqlServer, one: Survey) -> Survey:
    """Without rows the version table says nothing; in a copy of ours it gets what the schema says."""
    identity = one.study.identity
    version = identity.line.head(identity.revision.release).name if identity.revision.name in moves() else ""
    version = version or identity.revision.name
    if not isinstance(server, LiveServer):
        for statement, values in stamps(one.service, version, version_table(one.schema)):
            server.execute(one.database, statement, values)
    other = tuple(finding for finding in identity.findings if finding.place not in VERSION_TABLES)
    kept = tuple(finding for finding in one.study.findings if finding not in identity.findings)
    stamped = replace(identity, claim=(version,), findings=other)
    return replace(one, study=replace(one.study, identity=stamped, findings=(*other, *kept)))


def stamps(service: str, version: str, table: str) -> list[tuple[str, tuple[str | int, ...]]]:
    """The statements, with their values, that write a revision's name into a version table.

    A name with ``+`` is several rows: heads of branches, or the versions of several repositories.
    """
    parts = version.split("+")
    if table == ALEMBIC:
        return [(f"INSERT INTO {quoted(table)} (version_num) VALUES (%s)", (part,)) for part in parts]
    sql = f"INSERT INTO {quoted(table)} (repository_id, repository_path, version) VALUES (%s, %s, %s)"
    if len(parts) == 1:
        return [(sql, (repository(service), "", int(version)))]
    databases = [d for r in load_releases().values() for part in r.services.values() for d in part.databases]
    known = next(d for d in databases if d.name == service and revision_name(d.head) == version)
    return [(sql, (name, "", int(part))) for name, part in zip(known.repositories, known.head, strict=True)]

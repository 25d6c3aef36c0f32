"""Where in its service's history a database is, by its version table or by its tables."""

from dataclasses import dataclass, field

import pytest

from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.scenarios.upstream import is_before
from osupgrade.schema.catalogue import lineage


@dataclass(frozen=True)
class Placed(Cloud):
    """One database of table names and a version."""

    held: frozenset[str] = frozenset()
    version: tuple[str, ...] = field(default=())

    def tables(self, database):
        return self.held

    def versions(self, database, table, repositories=()):
        return self.version


def placed(service, tables, *version):
    return Placed(None, {service: service}, Site(), "main", held=frozenset(tables), version=version)


UNSTAMPED = lineage("neutron", "openvswitch").at("grizzly").schema.names - {"alembic_version"}


@pytest.mark.parametrize(
    ("tables", "version", "revision", "older"),
    [
        (UNSTAMPED, (), "icehouse", True),
        (UNSTAMPED, (), "grizzly", False),
        ({"networks"}, (), "icehouse", False),  # of no release: nothing to say
        (UNSTAMPED | {"alembic_version"}, ("grizzly",), "icehouse", True),
        (UNSTAMPED | {"alembic_version"}, ("icehouse",), "icehouse", False),
    ],
)
def test_a_database_without_a_version_is_where_its_tables_say(tables, version, revision, older):
    assert is_before(placed("neutron", tables, *version), "neutron", revision) is older

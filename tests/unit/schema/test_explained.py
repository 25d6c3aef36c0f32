"""The comparison with a new database: what is explained, and what is a finding."""

from dataclasses import replace

from osupgrade.catalog.releases import load_releases
from osupgrade.schema.catalogue import lineage
from osupgrade.schema.diff import Change, diff
from osupgrade.schema.explained import explained, is_explained


def test_only_the_places_that_are_named_are_explained():
    assert is_explained("nova", Change("removed", "table", "", "shadow_alembic_version"), "2025.1")
    assert is_explained("nova", Change("altered", "column", "shadow_quota_usages", "resource"), "2025.1")
    assert not is_explained("nova", Change("altered", "column", "shadow_quota_usages", "project_id"), "2025.1")
    assert not is_explained("cinder", Change("removed", "table", "", "shadow_alembic_version"), "2025.1")
    assert is_explained("cinder", Change("renamed", "index", "messages", "messages_expire_at_idx"), "2025.1")
    assert not is_explained("cinder", Change("removed", "index", "messages", "messages_expire_at_idx"), "2025.1")
    assert not is_explained("glance", Change("renamed", "index", "images", "one"), "2025.1")
    assert not is_explained("keystone", Change("removed", "column", "migrate_version", "version"), "2025.1")


def test_every_explanation_is_of_a_database_that_some_release_has():
    databases = {d.name for r in load_releases().values() for part in r.services.values() for d in part.databases}
    assert {place.partition(".")[0] for place in explained("2026.2")} <= databases
    assert all(why.strip() for why in explained("2026.2").values())


def test_what_a_release_no_longer_makes_is_explained_from_that_release_on():
    left = Change("added", "table", "", "firewalls")
    assert is_explained("neutron", left, "2026.2")
    assert not is_explained("neutron", left, "2026.1")


def test_the_routes_end_alike_but_for_what_is_explained():
    """A database that came from Rocky and one that Caracal made, at every head that both histories have."""
    shared = 0
    for service in ("keystone", "glance", "cinder", "placement", "nova", "nova_api", "neutron"):
        old, new = lineage(service, "rocky-hibiscus"), lineage(service, "caracal-hibiscus")
        for release in new.releases:
            reference = new.head(release).schema
            upgraded = replace(old.head(release).schema, collation=reference.collation)
            version = load_releases()[release].version
            odd = [c for c in diff(reference, upgraded) if not is_explained(service, c, version)]
            assert [c.against(f"a new {service} of {release}") for c in odd] == []
            shared += 1
    assert shared == 42

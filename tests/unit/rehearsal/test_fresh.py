"""The comparison with a new database: what is explained, and what is a finding."""

from osupgrade.catalog.releases import load_releases
from osupgrade.rehearsal.fresh import explained, is_explained
from osupgrade.schema.diff import Change


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

"""What the seeded cloud puts to work of the migrations is measured, and what it does not is known with its reason."""

import pytest

from tools.seed_coverage import measure, reason, reasons, uncovered


@pytest.fixture(scope="module")
def found(laboratory, tmp_path_factory):
    first = laboratory.plan.first
    names = {d.name: d.name for part in first.services.values() for d in part.databases}
    return measure(laboratory, names, tmp_path_factory.mktemp("coverage"))


@pytest.fixture(scope="module")
def known(laboratory):
    return reasons(laboratory.plan.first.seed)


def test_what_is_not_covered_has_its_reason(found, known):
    assert [p.name for p in uncovered(found) if not reason(known.get(p.service, {}), p)] == []


def test_no_reason_is_left_for_what_is_covered(found, known):
    empty = uncovered(found)
    for service, patterns in known.items():
        for pattern, why in patterns.items():
            assert any(reason({pattern: why}, place) for place in empty if place.service == service), pattern


def test_data_migrations_were_heard(found):
    """Of each service one that is known to rewrite rows, so that a deaf measurement does not pass."""
    written = {(p.service, p.table): p.ways for p in found if not p.column and "writes" in p.ways}
    assert written.keys() >= {
        *(("keystone", "user_project_metadata"), ("glance", "image_locations")),
        *(("cinder", "volumes"), ("nova", "block_device_mapping"), ("neutron", "routers")),
    }, written

"""What the tests share. `lab` tests need a Docker engine, `real` tests the pinned service code in the cache besides."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from hypothesis import HealthCheck, settings

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.cloud.laboratory import Laboratory, open_laboratory, prepare_seeded
from osupgrade.lab.connect import connect
from osupgrade.lab.sources import Sources
from osupgrade.model.errors import MissingFault
from osupgrade.model.plan import find_path, make_plan
from osupgrade.seed.description import load_description

HERE = Path(__file__).parent

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("tests", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


def pytest_collection_finish():
    # The many objects that collecting makes live to the end: the collector need not look at them again and again.
    gc.freeze()


def pytest_collection_modifyitems(items):
    for item in items:
        kind = item.path.relative_to(HERE).parts[0]
        if kind in ("lab", "real"):
            item.add_marker(getattr(pytest.mark, kind))


@pytest.fixture(scope="session", autouse=True)
def own_history(tmp_path_factory):
    """No test uses, or adds to, the history and the snapshots of the machine's user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.setenv("OSUPGRADE_SNAPSHOTS_GB", "0")
        yield


@pytest.fixture
def emptied(server):
    """Drop what a test left in the module's database server."""
    yield
    for name in server.databases():
        server.drop(name)


@pytest.fixture(scope="session")
def client() -> docker.DockerClient:
    try:
        return connect()
    except MissingFault as fault:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"NOT RUN: {fault.message}; {fault.hint}")


@pytest.fixture(scope="session")
def sources() -> Sources:
    sources = Sources(load_releases())
    missing = [s for s in sources.states() if s.problem]
    if missing:
        pytest.skip(
            f"NOT RUN: {len(missing)} pinned commits of the services are not in the source cache; "
            "`osupgrade sources fetch` or `osupgrade sources import DIR` brings them"
        )
    return sources


@pytest.fixture(scope="session")
def laboratory(client, sources, tmp_path_factory) -> Iterator[Laboratory]:
    """The first path's laboratory with the seeded cloud on its shelf, for all `real` tests together."""
    releases = load_releases()
    plan = make_plan(find_path(load_paths(), releases, "grizzly-icehouse"), releases)
    with open_laboratory(plan, print) as opened:
        prepare_seeded(opened, load_description(None), tmp_path_factory.mktemp("seeding"), print)
        yield opened

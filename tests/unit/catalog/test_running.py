"""How a release says that its services run as another's do, but for what it says itself."""

import pytest

from osupgrade.catalog.content import api_scripts
from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.running import load_running
from osupgrade.model.errors import UsageFault

from ..verify._inside import INSIDE

BASE = """
host = "controller"
broker = "rabbitmq"
[[process]]
name = "api"
service = "nova"
program = "/opt/api"
config = ["nova.conf"]
[[process]]
name = "proxy"
service = "nova"
program = "/opt/proxy"
[[listing]]
name = "servers"
service = "nova"
sql = "SELECT new"
"""
OWN = """
like = "newer"
broker = ""
[[process]]
name = "api"
service = "nova"
program = "/opt/older-api"
[[process]]
name = "scheduler"
service = "nova"
program = "/opt/scheduler"
"""


@pytest.fixture
def images(tmp_path):
    def put(release, serve, **files):
        (tmp_path / release / "serve").mkdir(parents=True)
        (tmp_path / release / "serve.toml").write_text(serve)
        for name, text in files.items():
            (tmp_path / release / "serve" / f"{name}.conf").write_text(text)

    put("newer", BASE, nova="new", glance="new")
    (tmp_path / "newer" / "apis").mkdir()
    put("older", OWN, nova="old")
    put("oldest", 'like = "older"\n')
    return tmp_path


def test_an_entry_takes_the_place_of_the_one_of_its_name(images):
    running = load_running("older", images)
    assert running.release == "older"
    assert running.broker == ""
    assert running.host == "controller"
    assert [(p.name, p.program, p.config) for p in running.processes] == [
        ("api", "/opt/older-api", ()),
        ("proxy", "/opt/proxy", ()),
        ("scheduler", "/opt/scheduler", ()),
    ]
    assert [listing.sql for listing in running.listings] == ["SELECT new"]


def test_what_it_is_without_is_not_taken_over(images):
    (images / "newer" / "apis" / "smoke.py").write_text("")
    (images / "older" / "serve.toml").write_text(
        'like = "newer"\nwithout = ["proxy", "servers", "smoke.py", "glance.conf"]'
    )
    running = load_running("older", images)
    assert [process.name for process in running.processes] == ["api"]
    assert (running.listings, running.scripts) == ((), {})
    assert running.templates == {"nova.conf": "old"}


def test_the_others_stay_when_every_own_entry_takes_a_place(images):
    (images / "older" / "serve.toml").write_text(OWN[: OWN.rindex("[[process]]")])
    assert [process.name for process in load_running("older", images).processes] == ["api", "proxy"]


def test_a_file_takes_the_place_of_the_one_of_its_name(images):
    assert load_running("older", images).templates == {"nova.conf": "old", "glance.conf": "new"}
    (images / "older" / "apis").mkdir()
    (images / "newer" / "apis" / "smoke.py").write_text("")
    own, other = images / "older" / "apis" / "own.py", images / "newer" / "apis"
    own.write_text("")
    named = {path.name: path for path in (*sorted(other.glob("*.py")), own)}
    assert len(named) > 1
    load_running.cache_clear()
    assert load_running("older", images).scripts == named


def test_what_is_like_another_is_like_that_ones_other_too(images):
    oldest, older = load_running("oldest", images), load_running("older", images)
    assert oldest.release == "oldest"
    assert (oldest.processes, oldest.templates) == (older.processes, older.templates)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('like = "older"', "names itself"),
        ('like = "nobody"', r"there is no \S+/nobody/serve.toml"),
        ("like = 3", r"there is no \S+/3/serve.toml"),
        ('like = "newer"\nwithout = ["proxi"]', "newer has no 'proxi'"),
        ('host = "x"\nwithout = ["proxy"]', "without"),
        ('like = "newer"\nwithout = 3', "newer has no 3"),
        ('like = "newer"\nwithout = [["api"]]', r"newer has no \['api'\]"),
        ('like = "newer"\nbrocker = ""', "brocker"),
        ('like = "newer"\nprocess = ["api"]', "process"),
        ('like = "newer"\n[[process]]\nname = ["api"]', "process"),
        ('like = "newer"\n[[process]]\nname = "api"\n[[process]]\nname = "api"', "process"),
        ('like = "newer"\n[process]\nname = "api"', "process"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_file(images, said, why):
    (images / "older" / "serve.toml").write_text(said)
    with pytest.raises(UsageFault, match=rf"older/serve\.toml: .*{why}"):
        load_running("older", images)


def test_every_release_that_says_how_it_runs_says_it_in_full():
    described = [running for name in load_releases() if (running := load_running(name))]
    assert {"grizzly", "icehouse", "epoxy", "gazpacho"} <= {running.release for running in described}
    for running in described:
        services = load_releases()[running.release].services
        for process in running.processes:
            assert process.service in services
            assert set(process.config) <= running.templates.keys()
            assert process.program or process.entry
        for process in running.processes:
            assert process.url or process.queue or process.once, f"{process.name} cannot say that it is ready"
            assert set(process.after) <= {other.name for other in running.processes}
        for entry in running.rounds:
            shared = {path.name for path in (*INSIDE.glob("*.py"), *api_scripts())}
            assert entry.file in running.scripts or entry.file in shared


def test_only_what_is_concerned_is_started():
    running = load_running("icehouse")
    assert running is not None
    assert {p.service for p in running.wanted(("neutron",), "full")} == {"keystone", "neutron"}
    assert "nova-compute" not in {p.name for p in running.wanted(("nova",), "smoke")}
    assert "nova-compute" in {p.name for p in running.wanted(("nova",), "full")}
    assert not [p.name for p in running.wanted(("nova", "cinder"), "full", fast=True) if p.worker]


def test_rounds_that_do_not_disturb_each_other_are_asked_side_by_side():
    running = load_running("icehouse")
    assert running is not None

    def names(ready: set[str], level: str = "smoke", *, compared: bool = False) -> list[list[str]]:
        return [[e.name for e in group] for group in running.asked(frozenset(ready), level, compared=compared)]

    assert names({"keystone", "neutron"}) == [["smoke", "agents"], ["wiring"]]
    assert names({"keystone", "neutron"}, "full", compared=True) == [
        ["census"],
        ["smoke", "agents"],
        ["wiring"],
        ["tour"],
    ]
    assert names({"neutron"}) == [["agents"]]
    assert names(set()) == []


def test_a_release_that_says_nothing_is_not_verified(tmp_path):
    (tmp_path / "antelope").mkdir()
    assert load_running("antelope", tmp_path) is None


def test_a_description_that_lacks_a_key_names_file_and_key(tmp_path):
    (tmp_path / "antelope" / "serve").mkdir(parents=True)
    (tmp_path / "antelope" / "serve.toml").write_text('host = "h"\n[[process]]\nname = "api"\n')
    with pytest.raises(UsageFault, match=r"antelope/serve\.toml: process\[0\]\.service: is missing"):
        load_running("antelope", tmp_path)

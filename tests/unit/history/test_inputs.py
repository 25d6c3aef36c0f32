"""What makes two runs comparable."""

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.catalog.site import Site
from osupgrade.history.inputs import host_digest, input_digest
from osupgrade.model.plan import find_path, make_plan
from osupgrade.scenarios.contract import Scenario, Silent


def an_input(tmp_path, **changes):
    plan = make_plan(find_path(load_paths(), load_releases(), "grizzly-icehouse"), load_releases())
    (tmp_path / "scenario.py").write_text("trap = 1\n")
    trap = Scenario("A trap", ("nova",), Silent("verify"), name="trap", directory=tmp_path)
    usual = {
        "plan": plan,
        "images": {"mysql56": "osupgrade/mysql56:1"},
        "origin": "seed1",
        "site": Site(),
        "naive": False,
        "scenarios": [trap],
    }
    return input_digest(**{**usual, **changes})


def test_an_input_is_all_that_decides_the_outcome(tmp_path):
    same = an_input(tmp_path)
    assert same == an_input(tmp_path)
    nova = make_plan(find_path(load_paths(), load_releases(), "grizzly-icehouse"), load_releases(), ["nova"])
    others = [
        an_input(tmp_path, images={"mysql56": "osupgrade/mysql56:2"}),
        an_input(tmp_path, origin="seed2"),
        an_input(tmp_path, site=Site(tunnel_type="vlan")),
        an_input(tmp_path, naive=True),
        an_input(tmp_path, scenarios=[]),
        an_input(tmp_path, plan=nova),
    ]
    (tmp_path / "more.py").write_text("trap = 2\n")
    others.append(an_input(tmp_path))
    assert len({same, *others}) == 8


def test_a_host_is_known_by_its_make_and_not_by_its_name():
    machine = {"Architecture": "x86_64", "NCPU": 2, "MemTotal": 8_000_123_456, "Name": "runner-1", "ID": "a"}
    assert host_digest(machine) == host_digest({**machine, "Name": "runner-2", "ID": "b", "MemTotal": 8_000_200_000})
    assert host_digest(machine) != host_digest({**machine, "NCPU": 4})

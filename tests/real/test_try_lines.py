"""What `osupgrade inspect` offers to try, for one finding of each kind: it can be typed as it is printed, and it cures."""

import json
import shlex

import pytest

from osupgrade.catalog import content
from osupgrade.catalog.releases import plan_named, usual_path
from osupgrade.catalog.site import Site
from osupgrade.cli import app, run
from osupgrade.cli.lazy import whole
from osupgrade.cloud.laboratory import Laboratory, restore_lane
from osupgrade.dump.write import write_dump
from osupgrade.model.errors import Exit
from osupgrade.model.stage import SEEDED
from osupgrade.scenarios.loading import load_scenarios

SCENARIOS = load_scenarios([content.scenarios()]).scenarios
# Rows, a table that is missing or too many, a character set, keys, indexes, a column, a trigger and a view.
TRAPS = {
    "keystone": ("keystone-null-extra", "keystone-ec2-conflict", "own-index"),
    "glance": ("glance-latin1",),
    "cinder": ("cinder-storage-manager-gone",),
    "nova": ("nova-null-uuid", "nova-null-vcpus", "nova-shadow-table", "nova-volume-tables-gone", "own-backported-column", "own-trigger-view"),
    "neutron": ("neutron-unstamped", "neutron-tunnel-endpoint-ids"),
}  # fmt: skip
RUN = ("keystone", "glance", "cinder")


@pytest.fixture(scope="module")
def dumps(laboratory: Laboratory, tmp_path_factory):
    """The seeded cloud with all of these traps, each database in a dump of its own, in a directory with a blank."""
    databases = restore_lane(laboratory, {service: service for service in TRAPS}, "tried")
    cloud = laboratory.cloud(Site(), "tried", databases)
    for name in (name for names in TRAPS.values() for name in names):
        for stage, inject in SCENARIOS[name].injections:
            if stage == SEEDED:
                inject(cloud)
    place = tmp_path_factory.mktemp("tried") / "the cloud's dumps"
    place.mkdir()
    for service, database in databases.items():
        write_dump(laboratory.server, [database], place / f"{service}.sql")
    return place


@pytest.fixture
def inspected(dumps, tmp_path, capsys):
    """Inspects dumps; the findings, and the next command as it is printed."""

    def inspect(*services):
        paths = [str(dumps / f"{service}.sql") for service in services]
        assert run(["inspect", "--out", str(tmp_path), *paths]) == Exit.DID_NOT, capsys.readouterr().err
        last = capsys.readouterr().out.splitlines()[-1]
        return json.loads((tmp_path / "inspection.json").read_text())["findings"], last.removeprefix("next  ")

    return inspect


def typed(command):
    """The values that the command line has for a command; fails where it does not parse."""
    program, verb, *words = shlex.split(command)
    assert program == "osupgrade"
    return whole(app).commands[verb].make_context(verb, words).params


def test_every_command_parses_and_names_what_is_there(dumps, inspected):
    findings, following = inspected(*TRAPS)
    offered = {one["source"]: one["command"] for one in findings if one["command"]}
    assert offered.keys() >= {name for names in TRAPS.values() for name in names}
    given = sorted(dumps.iterdir())
    for source, command in offered.items():
        values = typed(command)
        assert values["cure"] == source
        assert sorted(values["dumps"]) == given
        assert source in SCENARIOS and SCENARIOS[source].applies(plan_named(values["path"] or usual_path()))
    assert [one["place"] for one in findings if one["cure"] and not one["command"] and one["source"] in SCENARIOS] == []
    assert sorted(typed(following)["dumps"]) == given


@pytest.mark.parametrize("service", RUN)
def test_what_it_offers_cures_when_it_is_run(inspected, service, tmp_path):
    findings, _ = inspected(service)
    offered = {one["source"]: one["command"] for one in findings if one["source"] in TRAPS[service]}
    assert len(offered) == len(TRAPS[service])
    for source, command in offered.items():
        out = tmp_path / source
        words = [*shlex.split(command)[1:], "--verify", "none", "--no-rollback", "--no-history", "--out", str(out)]
        assert run(words) in (Exit.CAME_THROUGH, Exit.DID_NOT)
        result = json.loads((out / "latest" / "report.json").read_text())["result"]
        states = {f["state"] for f in result["findings"] if f["finding"]["source"] == source}
        assert states == {"cured"}, command
        others = {f["finding"]["source"] for f in result["findings"] if f["state"] == "cured"} - {source}
        assert others == set(), "only the named one is cured"

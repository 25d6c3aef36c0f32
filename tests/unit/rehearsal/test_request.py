"""A request is data: it survives the manifest, and gives the command line that asks for it."""

import json
import shlex
from pathlib import Path

import pytest
import typer

from osupgrade.catalog.site import Site
from osupgrade.cli import rehearse as cli
from osupgrade.model.errors import UsageFault
from osupgrade.model.host import Host
from osupgrade.rehearsal.request import LARGE, Estimating, Request, read_request, rolls_back
from osupgrade.seed.description import load_description

HOST = Host("db1", 8, 1 << 34, 1 << 40, 12.0, 0.3, 400.0, None)


def test_a_request_comes_back_from_json_as_it_was():
    request = Request(
        path="grizzly-icehouse",
        services=("nova", "neutron"),
        site=Site(migrations=(("nova", "/own"),), service_plugins=("router", "lbaas")),
        dumps=(Path("a b.sql"),),
        description=load_description(None),
        scenarios=("nova-null-uuid",),
        own_scenarios=(Path("mine"),),
        cures=("a", "b"),
        database="mysql56",
        new_database="mariadb105",
        rollback=True,
        level=None,
        estimate=Estimating(host=HOST),
        times=3,
        files={"--site": Path("site.toml")},
    )
    assert read_request(json.loads(json.dumps(request.data())), "manifest") == request


def test_only_what_is_unusual_is_kept():
    assert Request().data() == {"path": ""}


def test_a_request_of_another_osupgrade_is_refused_in_words():
    with pytest.raises(UsageFault, match=r"cannot be repeated with this version of osupgrade.*wormhole"):
        read_request({"wormhole": True}, "runs/x/manifest.json")


def asked(line):
    """The request that a command line asks for, by the command's own parser."""
    found = []

    def caught(request, _reading):
        found.append(request)
        raise typer.Exit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "load", caught)
        patch.setattr(cli, "history_from", lambda *_: None)
        app = typer.Typer()
        app.command("rehearse")(cli.rehearse)
        app.command("other")(lambda: 0)
        words = shlex.split(line)
        assert words[0] == "osupgrade"
        app(args=words[1:], standalone_mode=False)
    return found[0]


@pytest.mark.parametrize(
    "request_",
    [
        Request(rollback=True),
        Request(rollback=False),
        Request(path="caracal-gazpacho", rollback=True, level=None, fast=True, keep=True, jobs=2),
        Request(dumps=(Path("q.sql"), Path("a b.sql")), services=("neutron",), rollback=True),
        Request(dumps=(Path("q.sql"),), path="grizzly-icehouse", cures="none", rollback=True),
        Request(scenarios=("default", "x"), cures=("a", "b"), own_scenarios=(Path("mine"),), rollback=True),
        Request(scale=LARGE, times=2, database="mariadb105"),
        Request(database="mysql56", new_database="mariadb105", rollback=True),
        Request(moves="none", rollback=True),
        Request(moves=("mariadb105@havana", "mariadb1011@train"), rollback=True),
        Request(estimate=Estimating(), scale=30, rollback=True, level="full"),
    ],
)
def test_the_command_of_a_request_asks_for_that_request(request_):
    assert asked(request_.command()).changed(path=request_.path) == request_


def test_the_command_with_cures_is_the_same_rehearsal_with_them():
    request = Request(dumps=(Path("q.sql"),), services=("neutron",), cures="none", rollback=True)
    assert request.command(["a", "b"]) == "osupgrade rehearse q.sql --services neutron --cure a,b"
    assert Request(cures=("a",), scale=10, rollback=True).command(["b"]) == "osupgrade rehearse --scale 10 --cure b"


def test_names_from_outside_are_one_word_each():
    command = Request(dumps=(Path("a; rm -rf x.sql"),), rollback=True).command()
    assert shlex.split(command)[2] == "a; rm -rf x.sql"


def test_the_way_back_is_rehearsed_unless_it_takes_too_long():
    assert rolls_back("", 1, None) and not rolls_back("", LARGE, None) and rolls_back("in-place", LARGE, None)
    assert rolls_back("", LARGE, True) and not rolls_back("", 1, False)


def test_what_may_be_cured():
    assert Request().may_cure("x") and not Request(cures="none").may_cure("x")
    assert Request(cures=("x",)).may_cure("x") and not Request(cures=("y",)).may_cure("x")
    assert Request(cures="none").naive and not Request(cures=("x",)).naive

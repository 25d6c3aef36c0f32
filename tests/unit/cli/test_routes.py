"""``osupgrade routes``, and the options of a route."""

import json

import pytest

from osupgrade.catalog.releases import load_releases
from osupgrade.cli import run
from osupgrade.model.chain import ordered


def routes(capsys, *arguments):
    status = run(["routes", "--no-history", *arguments])
    return status, capsys.readouterr()


def test_the_routes_are_shown_with_their_stops_and_the_reason_for_each(capsys):
    status, printed = routes(capsys, "--from", "yoga", "--to", "2024.1")
    assert status == 0
    assert "yoga - zed - antelope - caracal" in printed.out
    assert "direct: not possible" in printed.out
    assert "keystone, yoga to caracal: caracal's tool does not accept a database older than zed (2022.2)" in printed.out


def test_a_program_reads_the_same(capsys):
    status, printed = routes(capsys, "--from", "2020.1", "--to", "yoga", "--json", "--services", "nova,keystone")
    found = {one["route"]: one for one in json.loads(printed.out)["routes"]}
    assert status == 0
    assert found["supported"]["releases"] == ["ussuri", "victoria", "wallaby", "xena", "yoga"]
    assert found["fewest"]["stops"]["nova"] == ["ussuri", "yoga"]
    assert set(found) == {"supported", "every", "fewest", "direct"}


def test_a_refused_route_names_the_stop_for_a_program_too(capsys):
    _, printed = routes(capsys, "--from", "yoga", "--to", "caracal", "--json")
    (refused,) = [one for one in json.loads(printed.out)["routes"] if "refused" in one]
    assert [(o["service"], o["stops"]) for o in refused["obstacles"]] == [("keystone", ["antelope", "zed"])]


def test_no_route_at_all_is_status_one(capsys, monkeypatch):
    known = {name: release for name, release in load_releases().items() if name not in ("kilo", "liberty")}
    monkeypatch.setattr("osupgrade.cli.routes.load_releases", lambda: known)
    assert routes(capsys, "--from", "icehouse", "--to", "rocky")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "yoga"], "--from needs --to"),
        (["--to", "yoga"], "--to needs --from"),
        (["--route", "every"], "--route and --via need --from and --to"),
        (
            ["--from", "yoga", "--to", "zed", "--route", "every", "--via", "xena"],
            "--route and --via cannot be combined",
        ),
        (
            ["--from", "yoga", "--to", "zed", "--route", "quick"],
            "--route must be one of supported, every, fewest, direct",
        ),
        (["--from", "essex", "--to", "zed"], "unknown release 'essex'"),
        (["--from", "zed", "--to", "yoga"], "yoga (2022.1) does not come after zed (2022.2)"),
        (["--from", "yoga", "--to", "zed", "--path", "yoga-zed"], "--path and --from cannot be combined"),
        (["--from", "yoga", "--to", "2024.1", "--route", "direct"], "no direct upgrade from yoga to caracal"),
        (["--from", "yoga", "--to", "2025.1", "--via", "2024.1"], "for keystone"),
    ],
)
def test_what_is_no_route_is_refused_before_anything_starts(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert run(["rehearse", "--no-history", *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


def test_without_a_route_the_releases_are_shown_between_which_there_are_some(capsys):
    status, printed = routes(capsys)
    assert status == 0
    first, last = [word for word in printed.out.splitlines()[-1].split() if word in load_releases()]
    assert routes(capsys, "--from", first, "--to", last)[0] == 0
    parts = json.loads(routes(capsys, "--json")[1].out)["releases"]
    assert [each["name"] for part in parts for each in part] == [r.name for r in ordered(load_releases().values())]
    assert next(part for part in parts if {"yoga", "caracal"} <= {each["name"] for each in part})


def test_one_end_alone_is_no_route(capsys):
    status, printed = routes(capsys, "--from", "yoga")
    assert status == 2
    assert "give both --from and --to" in printed.err

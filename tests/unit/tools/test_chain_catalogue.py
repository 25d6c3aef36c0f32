"""What the hook heard, as revisions by what the version table holds after each."""

import json

import pytest

from osupgrade.catalog.releases import load_releases
from osupgrade.model.release import Database
from osupgrade.schema.catalogue import DIRECTORY, Revision, lineage, moves
from osupgrade.schema.snapshot import Schema
from tools.chain_catalogue import _ended, _heads, _revisions
from tools.listening import read

ROUTES = [(path.parent.name, path.stem) for path in sorted(DIRECTORY.glob("*/*.json"))]


def rows(*tables):
    return {
        "database": [["utf8", "utf8_general_ci"]],
        "tables": [[name, "InnoDB", "Dynamic", "utf8_general_ci", None, ""] for name in tables],
        "columns": [[name, "id", "int(11)", "NO", None, "", None] for name in tables],
        **{name: [] for name in ("indexes", "key columns", "rules", "triggers", "views", "routines")},
        "server": [["10.11.0-MariaDB", "x"]],
    }


def said(*lines):
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def line(revision, *tables, database="nova", statements=()):
    return {"database": database, "revision": revision, "statements": list(statements), "rows": rows(*tables)}


LAST = Revision("390", "rocky", Schema())


def test_numbered_revisions_and_those_of_another_database():
    heard = list(read(said(line("391", "a"), line("62", "x", database="nova_api"), line("392", "a", "b"))))
    found = list(_revisions(Database("nova", "migrate_version", ("392",)), "stein", heard, LAST))
    assert [(r.name, r.schema.names) for r in found] == [("391", {"a"}), ("392", {"a", "b"})]


def test_several_repositories_have_only_their_common_end():
    part = Database("keystone", "migrate_version", ("109", "61"), repositories=("keystone", "keystone_expand"))
    before = Revision("109+52", "rocky", Schema())
    heard = list(read(said(line("53", "a", database="keystone", statements=["ALTER TABLE a ADD COLUMN b INT"]))))
    found = list(_revisions(part, "stein", heard, before))
    head = Revision("109+61", "stein", Schema(collation="utf8_bin"))
    assert [r.name for r in _ended(found, head)] == ["109+61"]
    assert _ended([], head) == [head]


def test_a_head_takes_the_place_of_what_it_follows():
    assert _heads("neutron", {"5c85685d616d", "867d39095bf4"}, "d72db3e25539") == {"5c85685d616d", "d72db3e25539"}
    assert _heads("nova", {"417"}, "8f2f1571d55b") == {"8f2f1571d55b"}


def test_a_hook_that_missed_the_end_leaves_the_head_alone(capsys):
    head = Revision("392", "stein", Schema())
    assert _ended([Revision("391", "stein", Schema())], head) == [head]
    assert "391 was heard last" in capsys.readouterr().out


@pytest.mark.parametrize(("route", "database"), ROUTES, ids=map("/".join, ROUTES))
def test_each_route_ends_every_release_at_its_head(route, database):
    known = lineage(database, route)
    for name in known.releases:
        parts = load_releases()[name].services.values()
        (head,) = {d.head for part in parts for d in part.databases if d.name == database}
        assert known.head(name).name == "+".join(sorted(head))
        assert known.head(name).name not in moves()

"""Invariants that compare facts: what a part of a database cannot tell is no loss, and no reason to give up."""

import pymysql
import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError

from osupgrade.checks.same import facts_of, same
from osupgrade.openstack.keystone.invariants import grants, identities


def refusal(number):
    return OperationalError("SELECT", {}, pymysql.Error(number, "no"))


class Partial:
    """A keystone of which only some queries can be answered; the others end with an error of the server."""

    def __init__(self, rows, number=1054, tables=("user", "local_user", "assignment", "project")):
        self.held, self.number, self.names = rows, number, frozenset(tables)

    def tables(self, _database):
        return self.names

    def columns(self, _database, _table):
        return frozenset({"inherited", "is_domain"})

    def rows(self, _database, sql):
        for word, rows in self.held.items():
            if word in sql:
                return rows
        raise refusal(self.number)


def compared(before, after):
    check = same("s", "s", ("keystone",), lambda cloud: facts_of(cloud, "k", {"users": (1, "users")}), "why")
    return [finding.message for finding in check.compare(after, check.census(before))]


@pytest.mark.parametrize("number", [1054, 1146])
def test_what_could_never_be_read_is_no_loss(number):
    assert compared(Partial({}, number), Partial({})) == []
    assert compared(Partial({}, number), Partial({"users": [("a", 1)]})) == []


def test_what_can_no_longer_be_read_is_neither_gone_nor_kept():
    with pytest.raises(OperationalError):
        compared(Partial({"users": [("a", 1)]}), Partial({}))
    assert compared(Partial({"users": [("a", 1)]}), Partial({"users": []})) == ["users: 1 gone"]


def test_any_other_error_is_not_taken_for_a_part():
    with pytest.raises(OperationalError):
        compared(Partial({}, 1267), Partial({}))
    with pytest.raises(ProgrammingError):
        facts_of(Broken({}), "k", {"users": (1, "users")})


class Broken(Partial):
    def rows(self, _database, _sql):
        raise ProgrammingError("SELECT", {}, None)


@pytest.mark.parametrize("check", [grants.check, identities.check], ids=lambda check: check.name)
def test_keystone_s_invariants_compare_what_a_part_of_it_holds(check):
    before, after = ({"FROM project": [("p", "n", 1, "d")]}, {"FROM project": []})
    found = [finding.message for finding in check.compare(Partial(after), check.census(Partial(before)))]
    assert "projects: 1 gone" in found

"""Grants are written in the form that a database of their version has, and keep what besides roles they say."""

import json

import pytest

from osupgrade.openstack.keystone.sql import Grant, rewritten


def grant(data, *, objects):
    return Grant("user_project_metadata", "u", "p", data, (), objects)


def written(data, *roles, objects):
    sql = rewritten(grant(data, objects=objects), roles).statement
    return json.loads(sql.partition("SET data = '")[2].partition("' WHERE")[0].replace("\\", ""))


def test_before_029_roles_are_ids():
    assert written('{"roles": ["a", "gone"]}', "a", objects=False) == {"roles": ["a"]}
    assert written('{"roles": [{"id": "a"}]}', "a", objects=False) == {"roles": ["a"]}


def test_after_029_they_are_objects_that_may_be_inherited():
    data = '{"roles": [{"id": "a", "inherited_to": "projects"}, {"id": "gone"}]}'
    assert written(data, "a", objects=True) == {"roles": [{"id": "a", "inherited_to": "projects"}]}
    assert written('{"roles": ["a"]}', "a", objects=True) == {"roles": [{"id": "a"}]}


@pytest.mark.parametrize(
    ("data", "grizzly", "havana"),
    [
        ('{"roles": ["a"]}', False, True),
        ('{"roles": [{"id": "a"}]}', True, False),
        ('{"roles": [{"id": {"id": "a"}}]}', True, True),
        ('{"roles": []}', False, False),
        (None, True, True),
    ],
)
def test_each_release_has_its_own_form(data, grizzly, havana):
    assert (grant(data, objects=False).misformed, grant(data, objects=True).misformed) == (grizzly, havana)

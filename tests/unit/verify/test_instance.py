"""What is said of a process that does not start."""

import pytest

from osupgrade.catalog.running import Process
from osupgrade.verify.instance import Instance, failure, masked, settings

CONFIG = "[database]\n# a comment\n\nconnection = mysql://lab:0123@db/nova?charset=utf8\n"
API = Instance(Process("api", "nova", ("nova.conf",)), "h", "api", {"nova.conf": CONFIG})
LOG = """started
Traceback (most recent call last):
  File "/src/nova/service.py", line 3, in start
    bind()
OSError: address in use
ended
"""


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("connection = mysql://lab:0123@db/nova?charset=utf8", "connection = mysql://lab:***@db/nova?charset=utf8"),
        ("admin_password = 0123", "admin_password = ***"),
        ("admin_token=0123", "admin_token=***"),
        ("host = h", "host = h"),
    ],
)
def test_no_password_is_shown(line, shown):
    assert masked(line) == shown


def test_its_settings_are_what_is_not_a_comment():
    assert list(settings(API)) == ["[database]", "connection=mysql://lab:***@db/nova?charset=utf8"]


def test_the_error_is_the_last_one_that_was_raised():
    found = failure(API, LOG, {"status": 1}, "logs/verify-api.log")
    assert (found.lack, found.said) == ("it exited 1", "OSError: address in use")
    assert found.finding.message == "api does not start on the upgraded database: OSError: address in use"
    assert found.finding.command == "less logs/verify-api.log"
    assert ("log", "ended") in found.finding.evidence.rows
    assert "0123" not in str(found.finding)


@pytest.mark.parametrize(("log", "said"), [("", "its log is empty"), ("one\n\n two \n", "two")])
def test_without_an_error_the_log_ends_with_what_it_said_last(log, said):
    found = failure(API, log, {"status": None, "lack": "no answer on its port"}, "log")
    assert (found.lack, found.said) == ("no answer on its port", said)
    assert found.finding.message == "api does not start on the upgraded database: no answer on its port"

"""What the hook reports of a release's tools."""

import json

import pytest

from osupgrade.model.errors import LabFault
from tools.listening import Heard, read


def test_a_hook_that_failed_stops_what_listens():
    with pytest.raises(LabFault, match="the hook of the catalogue failed"):
        list(read(b'{"fault": "KeyError: 1"}\n'))


def test_what_was_sent_after_the_last_revision_has_no_names():
    last = {"database": "", "revision": "", "statements": ["DELETE FROM a"], "rows": {}}
    assert list(read(json.dumps(last).encode())) == [Heard("", "", ["DELETE FROM a"], {})]

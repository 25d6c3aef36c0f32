"""Findings and errors in the form in which every report shows them."""

import pytest

from osupgrade.model.text import size
from osupgrade.report.digest import short_error, travelled

from .. import _reports as samples


def test_sizes_and_versions():
    assert [size(n) for n in (0, 1023, 1536, 2**31)] == ["0 B", "1023 B", "1.5 KiB", "2.0 GiB"]
    assert travelled(()) == "not reached"
    assert travelled([samples.NOVA_FAILED]) == "161 → 187"
    assert travelled([samples.ML2]) == "icehouse → ml2"
    assert travelled([samples.ALL_STEPS[-2], samples.ML2]) == "havana → icehouse → ml2"


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (
            "OperationalError: (OperationalError) (1050, \"Table 'networks' already exists\") '\\nCREATE TABLE networks (' ()",
            "OperationalError: (OperationalError) (1050, \"Table 'networks' already exists\")",
        ),
        (
            "sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (1060, \"Duplicate 'a'\")\n[SQL: ALTER TABLE x]",
            "sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (1060, \"Duplicate 'a'\")",
        ),
        (
            "IntegrityError: (IntegrityError) (1062, 'Duplicate \\'x\\'') u'INSERT'",
            "IntegrityError: (IntegrityError) (1062, 'Duplicate \\'x\\'')",
        ),
        ("KeyError: <VerNum(162)>", "KeyError: <VerNum(162)>"),
    ],
)
def test_an_error_does_not_repeat_its_statement(error, short):
    assert short_error(error) == short

"""What a dump does not say, and an inspection assumes."""

from dataclasses import dataclass
from pathlib import Path

from osupgrade.catalog.identity import Section
from osupgrade.rehearsal.inspect.open import unsaid

TABLES = ("networks", "ports", "subnets", "ipallocations", "alembic_version")


@dataclass(frozen=True)
class Read:
    """A dump of one database."""

    sections: tuple[Section, ...]
    name: str = "neutron.sql"
    path: Path = Path("neutron.sql")


def test_a_default_character_set_that_no_dump_says_is_remarked_on():
    (finding,) = unsaid([Read((Section("neutron", False, TABLES),))])
    assert "does not say the default character set of neutron: utf8 is assumed" in finding.message
    assert list(unsaid([Read((Section("neutron", True, TABLES, charset="latin1"),))])) == []

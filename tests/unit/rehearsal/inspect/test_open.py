"""Which dumps are inspected, and what is assumed of those."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from osupgrade.catalog.identity import Section
from osupgrade.dump.read import Dump
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Severity
from osupgrade.rehearsal.inspect.open import readable, unsaid, without_doubles

NOVA = ("instances", "compute_nodes")


GLANCE = ("images", "image_properties")


def dump(name, *sections):
    made = tuple(Section(database, bool(database), tables) for database, tables in sections)
    return Dump(Path(name), (), 1, 1, "", "", "", "", "utf8", made)


def test_a_second_database_of_a_service_is_named_and_the_rest_is_looked_at():
    whole = dump("all.sql", ("nova", NOVA), ("nova_old", NOVA), ("glance", GLANCE))
    dumps, (finding,) = without_doubles([whole])
    assert [s.name for s in dumps[0].sections] == ["nova", "glance"]
    assert finding.severity is Severity.ERROR
    assert finding.message == "nova_old (all.sql) is a second database of nova, besides nova (all.sql)"


def test_a_second_dump_of_a_service_and_one_of_something_else_are_left_out():
    dumps, told = without_doubles(
        [dump("new.sql", ("", NOVA)), dump("old.sql", ("", NOVA)), dump("wiki.sql", ("wiki", ("page",)))]
    )
    assert [d.name for d in dumps] == ["new.sql"]
    assert [f.message for f in told] == [
        "a database (old.sql) is a second database of nova, besides that (new.sql)",
        "wiki.sql holds no database of an OpenStack service that osupgrade knows",
    ]
    assert told[1].evidence.rows == (("page",),)


def test_a_broken_dump_spares_the_others_and_alone_is_a_fault(tmp_path):
    good, bad = tmp_path / "good.sql", tmp_path / "bad.sql"
    good.write_text("CREATE TABLE `images` (\n  `id` int\n);\nINSERT INTO `images` VALUES (1);\n")
    bad.write_text("")
    dumps, (finding,) = readable([good, bad])
    assert [d.name for d in dumps] == ["good.sql"]
    assert (finding.severity, finding.message) == (Severity.WARNING, "bad.sql is empty: left out")
    with pytest.raises(UsageFault, match=r"bad\.sql is empty"):
        readable([bad])


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

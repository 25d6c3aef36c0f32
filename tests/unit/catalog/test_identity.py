"""A database's service, by its tables and its name."""

import pytest

from osupgrade.catalog.identity import Section, service_of

from ..dump._written import read


def test_cell0_is_told_from_nova_by_name():
    assert service_of(Section("nova_cell0", True, ("compute_nodes", "instances"))) == "nova_cell0"


@pytest.mark.parametrize("file", ["nova_cell0.sql", "2026-11-27_nova_cell0.sql", "Nova_Cell0.SQL"])
def test_where_a_dump_does_not_say_its_database_the_files_name_tells_cell0_from_nova(tmp_path, file):
    tables = "CREATE TABLE `instances` (\n  `id` int\n);\nCREATE TABLE `compute_nodes` (\n  `id` int\n);\n"
    for name, service in ((file, "nova_cell0"), ("nova.sql", "nova")):
        (section,) = read(tmp_path, tables, name=name).sections
        assert (section.name, service_of(section)) == ("", service)
    named = read(tmp_path, f"USE `nova`;\n{tables}", name=file)
    assert service_of(named.sections[-1]) == "nova"

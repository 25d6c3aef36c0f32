"""Which files of a directory are a dump."""

import pytest

from osupgrade.dump.find import find_dumps, mydumper_parts
from osupgrade.dump.stream import Part
from osupgrade.model.errors import UsageFault

from ._written import single


def test_directories(tmp_path):
    with pytest.raises(UsageFault, match="there is no"):
        find_dumps([tmp_path / "nothing"])
    with pytest.raises(UsageFault, match="holds no dump"):
        find_dumps([tmp_path])
    for name in ("b.sql", "a.sql.gz", "notes.txt", ".hidden.sql"):
        (tmp_path / name).write_text(single())
    assert [path.name for path, _ in find_dumps([tmp_path])] == ["a.sql.gz", "b.sql"]
    with pytest.raises(UsageFault, match="given twice"):
        find_dumps([tmp_path, tmp_path / "b.sql"])


def test_a_mydumper_directory_is_one_dump_in_the_right_order(tmp_path):
    files = (
        "metadata nova-schema-create.sql nova.instances-schema.sql nova.compute_nodes-schema.sql nova.instances.00000.sql "
        "nova.instances-schema-triggers.sql nova.seen-schema-view.sql nova-schema-post.sql"
    )
    for name in files.split():
        (tmp_path / name).write_text("/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\n")
    assert [part.path.name for part in mydumper_parts(tmp_path)] == [
        "nova-schema-create.sql",
        "nova.compute_nodes-schema.sql",
        "nova.instances-schema.sql",
        "nova.instances.00000.sql",
        "nova.instances-schema-triggers.sql",
        "nova.seen-schema-view.sql",
        "nova-schema-post.sql",
    ]
    assert mydumper_parts(tmp_path)[3] == Part(tmp_path / "nova.instances.00000.sql", "nova")
    (tmp_path / "metadata.partial").touch()
    with pytest.raises(UsageFault, match="unfinished"):
        find_dumps([tmp_path])


def test_a_directory_of_mydumper_is_known_without_its_metadata(tmp_path):
    for name in ("quantum-schema-create.sql", "quantum.networks-schema.sql", "quantum.networks.00000.sql.gz"):
        (tmp_path / name).write_text("x")
    ((path, parts),) = find_dumps([tmp_path])
    assert path == tmp_path
    assert [part.path.name for part in parts] == [
        "quantum-schema-create.sql", "quantum.networks-schema.sql", "quantum.networks.00000.sql.gz",
    ]  # fmt: skip
    (tmp_path / "quantum-schema-create.sql").unlink()
    (tmp_path / "quantum.ports-schema.sql").write_text("x")
    assert len(find_dumps([tmp_path])) == 1

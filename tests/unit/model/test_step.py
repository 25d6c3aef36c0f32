"""What a migration needed of the disk, from what it did to its tables."""

from osupgrade.model.step import Migration, TableWork


def migration(*tables):
    return Migration(
        *("havana/nova", "nova", "nova", "185", "185_rename", 0.0, 1.0, 0.5, True, 1, 0, 0, 0),
        tables=tables,
        slowest="",
        slowest_seconds=0.0,
        temporary_tables=0,
    )


def work(table, rebuilt, before, after):
    return TableWork(table, 0.0, True, rebuilt, 0, before, after)


def test_a_table_that_is_rebuilt_is_there_twice_and_the_largest_counts():
    found = migration(work("a", True, 10, 40), work("b", True, 30, 5), work("c", False, 900, 900))
    assert found.rebuilt == ("a", "b")
    assert (found.bytes_before, found.bytes_after, found.temporary_bytes) == (940, 945, 40)


def test_a_size_that_nobody_knows_is_none():
    found = migration(work("a", True, None, None))
    assert (found.bytes_before, found.bytes_after, found.temporary_bytes) == (0, 0, 0)
    assert migration().temporary_bytes == 0


def test_a_migration_is_named_by_its_label():
    assert migration().name == "nova 185_rename"

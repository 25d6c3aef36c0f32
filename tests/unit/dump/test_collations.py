"""The collation that takes the place of one that a server lacks."""

import pytest

from osupgrade.dump.collations import nearest

MARIADB = {
    "utf8mb4_uca1400_nopad_ai_ci",
    "utf8mb4_unicode_520_ci",
    "utf8mb4_general_ci",
    "utf8mb4_bin",
    "utf8_general_ci",
}
OLD = {"utf8mb4_unicode_ci", "utf8mb4_general_ci", "utf8mb4_bin", "utf8_general_ci", "utf8_bin", "latin1_bin"}


@pytest.mark.parametrize(
    ("name", "has", "found"),
    [
        ("utf8mb4_0900_ai_ci", MARIADB, "utf8mb4_uca1400_nopad_ai_ci"),
        ("utf8mb4_0900_ai_ci", OLD, "utf8mb4_unicode_ci"),
        ("utf8mb3_general_ci", OLD, "utf8_general_ci"),
        ("utf8mb4_0900_bin", OLD, "utf8mb4_bin"),
        # What tells cases apart must go on doing so, or a unique key breaks.
        ("utf8mb4_0900_as_cs", OLD, "utf8mb4_bin"),
        ("utf8mb4_ja_0900_as_cs", MARIADB, "utf8mb4_bin"),
        ("koi8r_general_ci", OLD, ""),
        ("nonsense", OLD, ""),
        ("a; DROP TABLE x", OLD, ""),
    ],
)
def test_the_nearest_one_is_taken(name, has, found):
    assert nearest(name, has) == found

"""Masks that a server makes by itself, as SQL expressions: the same as those of :mod:`osupgrade.dump.mask.values`."""

from __future__ import annotations

NIL = "0" * 32
"""The uuid of nothing: it says nothing, and services look for it by its text."""
_PAD = 64
"""Bytes of a block of SHA-1, to which HMAC pads the key."""


def is_uuid_sql(column: str) -> str:
    """An SQL condition: whether ``column`` holds a uuid to mask in small letters, dashed or bare; never NULL."""
    plain = f"REPLACE({column}, '-', '')"
    return (
        f"CASE LENGTH({column}) WHEN 36 THEN {column} LIKE '________-____-____-____-____________' AND "
        f"{is_bare_hex_sql(plain)} AND {plain} <> '{NIL}' "
        f"WHEN 32 THEN {is_bare_hex_sql(column)} AND {column} <> '{NIL}' ELSE 0 END"
    )


def is_bare_hex_sql(column: str) -> str:
    """An SQL condition: whether ``column`` holds 32 hexadecimal digits in small letters; never NULL."""
    same = f"BINARY LOWER(HEX(UNHEX({column}))) = BINARY {column}"
    return f"IF(LENGTH({column}) = 32, IFNULL({same}, 0), 0)"


def uuid_sql(key: bytes, column: str) -> str:
    """The mask of ``column``, a text for which :func:`is_uuid_sql` holds.

    Whatever the form, it is built with dashes out of one HMAC and what stays is put over it.
    """

    def keyed(plain: str, begin: str, third: str, fourth: str) -> str:
        made = f"LEFT({_hmac_sql(key, plain)}, 36)"
        for place, length, part in ((1, 11, begin), (14, 2, third), (19, 2, fourth), (24, 1, "'-'")):
            made = f"INSERT({made}, {place}, {length}, {part})"
        return made

    dashed = keyed(
        f"REPLACE({column}, '-', '')",
        f"LEFT({column}, 11)",
        f"SUBSTR({column}, 14, 2)",
        f"SUBSTR({column}, 19, 2)",
    )
    bare = keyed(
        column,
        f"CONCAT(LEFT({column}, 8), '-', SUBSTR({column}, 9, 2))",
        f"CONCAT('-', SUBSTR({column}, 13, 1))",
        f"CONCAT('-', SUBSTR({column}, 17, 1))",
    )
    return f"IF(LENGTH({column}) = 36, {dashed}, REPLACE({bare}, '-', ''))"


def secret_sql(key: bytes, column: str) -> str:
    """The mask of ``column``, a text for which :func:`is_bare_hex_sql` holds, as a secret."""
    return f"LEFT({_hmac_sql(key, column)}, 32)"


def _hmac_sql(key: bytes, text: str) -> str:
    """HMAC-SHA1 in SQL, as hexadecimal digits; ``key`` is shorter than SHA-1's block.

    Bytes go in and come out: MariaDB reads a literal of bytes in the character set of the column beside it (1300), and
    does not put a hash, which is text of the connection's, into a column's text of another (1267).
    """
    inner, outer = (bytes(a ^ b for a in key.ljust(_PAD, b"\0")).hex() for b in (0x36, 0x5C))
    return f"BINARY SHA1(CONCAT(X'{outer}', UNHEX(SHA1(CONCAT(X'{inner}', BINARY {text})))))"

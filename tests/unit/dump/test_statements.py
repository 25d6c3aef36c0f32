"""A dump taken apart as the client does it, wherever its blocks end and whatever its lines hold."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osupgrade.dump.statements import LONGEST, Kind, Piece, statements

MAKES = {Kind.STATEMENT, Kind.HEAD}


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def whole(data: bytes, size: int = 1 << 20) -> list[Piece]:
    """The pieces, what follows of a statement joined to its beginning."""
    pieces: list[Piece] = []
    for piece in statements(cut(data, size)):
        if piece.kind is Kind.REST:
            pieces[-1] = Piece(pieces[-1].kind, pieces[-1].line, pieces[-1].data + piece.data)
        else:
            pieces.append(piece)
    return pieces


def said(data: bytes, size: int = 1 << 20) -> list[Piece]:
    """All but blanks, of which those behind a statement may be its own or not."""
    return [Piece(p.kind, p.line, p.data.rstrip()) for p in whole(data, size) if p.kind is not Kind.BLANK]


def made(data: bytes, size: int = 1 << 20) -> list[bytes]:
    return [piece.data.strip() for piece in whole(data, size) if piece.kind in MAKES]


@pytest.mark.parametrize("size", [1, 2, 7, 1 << 20])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"CREATE DATABASE x; USE x;\n", [b"CREATE DATABASE x;", b"USE x;"]),
        (b"INSERT INTO a VALUES ('x;\nUSE y;\n');\nSELECT 1;\n", [b"INSERT INTO a VALUES ('x;\nUSE y;\n');", b"SELECT 1;"]),
        (b"INSERT INTO a VALUES ('\\\\'),('\\';\n');\nSELECT 1;", [b"INSERT INTO a VALUES ('\\\\'),('\\';\n');", b"SELECT 1;"]),
        (b'INSERT INTO a VALUES\n("it\'s"),\n("b");\nSELECT 1;', [b'INSERT INTO a VALUES\n("it\'s"),\n("b");', b"SELECT 1;"]),
        (b"INSERT INTO `it's` VALUES (1);\nSELECT 1;", [b"INSERT INTO `it's` VALUES (1);", b"SELECT 1;"]),
        (b"insert  into `a`(`b`) values (1);\r\nselect 1;\r\n", [b"insert  into `a`(`b`) values (1);", b"select 1;"]),
        (b"/*!50003 CREATE TRIGGER a\nUSE b */;;\nSELECT 1;", [b"/*!50003 CREATE TRIGGER a\nUSE b */;", b"SELECT 1;"]),
        (
            b"DELIMITER ;;\n/*!50003 CREATE TRIGGER a BEGIN\nUSE b; END */;;\ndelimiter ;\nSELECT 1;",
            [b"/*!50003 CREATE TRIGGER a BEGIN\nUSE b; END */;;", b"SELECT 1;"],
        ),
        (b"DELIMITER //\ndrop database a //\nSELECT 4/2/*;*/ //\n", [b"drop database a //", b"SELECT 4/2/*;*/ //"]),
        (b"SELECT 1 -- ; not here\n, 2;SELECT 3--4;\n", [b"SELECT 1 -- ; not here\n, 2;", b"SELECT 3--4;"]),
        (b"SELECT `a;b`, \"c;d\" # ;\n;\n", [b"SELECT `a;b`, \"c;d\" # ;\n;"]),
        (b"SELECT /* ; */ 1, /*! ; */ 2;", [b"SELECT /* ; */ 1, /*! ;", b"*/ 2;"]),
        (b"/* a; */ SELECT 1;\n/**/SELECT 2;/* ; ", [b"SELECT 1;", b"SELECT 2;"]),
        (b"\xef\xbb\xbfSELECT 1;", [b"SELECT 1;"]),
    ],
)  # fmt: skip
def test_statements_end_where_the_client_ends_them(text, says, size):
    assert made(text, size) == says


def test_lines_that_are_no_sql_are_messages_before_the_first_statement_and_known_ones_later():
    text = (
        b'Defaulted container "db" out of: db, init (init)\nsome banner of a host\n-- MySQL dump 10.13\nSELECT 1;\n'
        b"mysqldump: Error 2013: Lost connection\nbanner two\n;\n"
    )
    found = [(piece.kind, piece.line) for piece in whole(text) if piece.kind not in (Kind.BLANK, Kind.COMMENT)]
    assert found == [(Kind.STRAY, 1), (Kind.STRAY, 2), (Kind.STATEMENT, 4), (Kind.STRAY, 5), (Kind.STATEMENT, 6)]


def test_a_statement_beyond_all_bounds_is_given_in_pieces():
    rows = b"INSERT INTO a VALUES " + b"('it\\'s; ;\n'),\n" * 40000
    text = rows + b"(1);\nSELECT '" + b"x;\n" * 60000 + b"';\n-- " + b"y" * 3 * LONGEST + b"\nSELECT 2;\n"
    pieces = list(statements(cut(text, LONGEST)))
    assert b"".join(piece.data for piece in pieces) == text
    assert max(len(piece.data) for piece in pieces) < 3 * LONGEST
    begun = [piece for piece in pieces if piece.kind in (*MAKES, Kind.COMMENT)]
    assert [piece.kind for piece in begun] == [Kind.HEAD, Kind.HEAD, Kind.COMMENT, Kind.STATEMENT]
    assert [piece.line for piece in begun] == [1, 80002, 140003, 140004]


def reference(text: bytes) -> Iterator[bytes]:
    """Byte by byte: the statements of a text whose delimiter is a semicolon and which has no row as its client's."""
    statement, token, at, comment = b"", b"", 0, False
    while at < len(text):
        here, two = text[at : at + 1], text[at : at + 2]
        step = 1
        if token in (b"'", b'"'):
            step = 2 if here == b"\\" else 1
            token = b"" if here == token else token
        elif token:
            step = 2 if two == b"*/" and token == b"*/" else 1
            token = b"" if text.startswith(token, at) else token
        elif here in (b"'", b'"', b"`"):
            token = here
        elif here == b"#" or (two == b"--" and text[at + 2 : at + 3] in (b" ", b"\n")):
            token = b"\n"
            step = 1 if here == b"#" else 2
        elif two == b"/*" and text[at + 2 : at + 3] != b"!":
            token, step = b"*/", 2
        elif here == b";":
            yield (statement + b";").strip() if statement.strip() else b""
            statement, at = b"", at + 1
            continue
        comment = comment or (not statement.strip() and token in (b"\n", b"*/"))
        if not comment:
            statement += text[at : at + step]
        comment = comment and bool(token)
        at += step
    if statement.strip():
        yield statement.strip()


BITS = st.sampled_from(
    [b"SELECT 1", b";", b";", b"\n", b" ", b"'", b'"', b"`", b"\\", b"-- ", b"--", b"-", b"#", b"/*", b"*/", b"/*!5", b"/", b"*",
     b"USE a", b"INSERT INTO a VALUES (1)", b"INSERT INTO `a` (`b`) VALUES\n('x')", b"x", b"''", b"DELIMITER ;;\n", b"DELIMITER ;\n"]
)  # fmt: skip


@pytest.mark.exhaustive
@settings(max_examples=400)
@given(bits=st.lists(BITS, max_size=30), size=st.integers(1, 40))
def test_pieces_are_the_dump_wherever_it_is_cut(bits, size):
    text = b"SELECT 0;\n" + b"".join(bits)
    pieces = list(statements(cut(text, size)))
    assert b"".join(piece.data for piece in pieces) == text
    line = 1
    for piece in pieces:
        assert piece.line == line
        line += piece.data.count(b"\n")
    assert said(text, size) == said(text)


CODE = st.sampled_from(
    [b"SELECT 1", b";", b";", b"\n", b" ", b"'", b'"', b"`", b"\\", b"-- ", b"--", b"-", b"#", b"/*", b"*/", b"/*!5", b"/", b"*", b"x"]
)  # fmt: skip


@pytest.mark.exhaustive
@settings(max_examples=600)
@given(bits=st.lists(CODE, max_size=30))
def test_statements_are_those_that_reading_byte_by_byte_gives(bits):
    text = b"SELECT 0;" + b"".join(bits)
    if b"\\" in text.replace(b"\\'", b""):
        return  # outside of strings a backslash begins a command of the client, which no dump needs
    assert [each for each in made(text) if each] == [each for each in reference(text) if each]


@settings(max_examples=300)
@given(data=st.binary(max_size=300), size=st.integers(1, 64))
def test_any_bytes_are_taken_apart(data, size):
    assert b"".join(piece.data for piece in statements(cut(data, size))) == data

"""Quoting: text that comes from elsewhere, written so that it is only text in the place where it is shown or run.

A dump's names and values are hostile input, and what the lab prints is pasted into shells and opened in browsers. Each
medium has one function here; code that writes to that medium calls it, and quotes in no other way:

============  ==============================================================================================
SQL           :func:`quoted`, :func:`literal`, :func:`statement`; :func:`with_databases`
shell         :func:`shell_word`, :func:`shell_join`, :func:`shell_input`, :func:`client_input`
Markdown      :func:`markdown`, :func:`markdown_code`, :func:`markdown_block`
all others    :func:`visible`, for a terminal, JUnit XML, logs; HTML pages escape it besides (``report.render``)
============  ==============================================================================================

Nothing is dropped from the text. What a medium cannot carry, or would obey instead of showing it, is spelt out:
``\\x1b`` for an escape character. Where text is SQL or shell, what reaches the server is the same to the byte.
"""

from __future__ import annotations

import datetime
import re
import shlex
import unicodedata
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

# -- All media ---------------------------------------------------------------------------------------------------------

_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def visible(text: str, keep: str = "\n\t") -> str:
    """``text`` with every character that does not show, or that a terminal obeys, spelt out; but for those in ``keep``.

    These are control characters, marks that turn the direction of writing, and others without a shape of their own.
    """
    rest = text
    for char in keep:
        rest = rest.replace(char, "")
    if rest.isprintable():  # nearly every text, and of a whole log each character alone would take long
        return text
    return "".join(char if char in keep or _shows(char) else _spelt(char) for char in text)


def one_line(text: str) -> str:
    """``text`` as :func:`visible` has it, in one line."""
    return visible(text, keep="")


def _shows(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"


def _spelt(char: str) -> str:
    code = ord(char)
    if code < 256:
        return _SHORT.get(char, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


# -- SQL ---------------------------------------------------------------------------------------------------------------

# What of a statement is no code: strings, quoted names, comments. One that does not end reaches to the statement's end.
_QUOTED = r"""
    '(?:[^'\\]++|''|\\(?s:.|\Z))*+(?:'|\Z)
  | "(?:[^"\\]++|""|\\(?s:.|\Z))*+(?:"|\Z)
  | `(?:[^`]++|``)*+(?:`|\Z)
  | /\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)
  | --(?=\s|\Z)[^\n]*+
  | \#[^\n]*+
"""
_NAME = r"\{(?P<name>[a-z_][a-z_0-9]*)\}"
_PLACES = re.compile(rf"{_QUOTED} | {_NAME} | (?<![:\w]):(?P<value>[a-z_][a-z_0-9]*)", re.VERBOSE)
_NAMES = re.compile(rf"{_QUOTED} | {_NAME}", re.VERBOSE)


def quoted(name: str) -> str:
    """The name of a table, a column or the like, as MySQL and MariaDB take it whatever their ``sql_mode``."""
    return "`" + name.replace("`", "``") + "`"


def literal(value: object) -> str:
    """A value as MySQL and MariaDB take it, whatever their ``sql_mode`` says about backslashes.

    Text with a backslash, or with characters that do not show, is written as the hexadecimal digits of its UTF-8.
    """
    match value:
        case None:
            return "NULL"
        case bool():
            return str(int(value))
        case int() | float() | Decimal():
            return str(value)
        case bytes() | bytearray():
            return f"X'{value.hex()}'"
        case datetime.date() | datetime.time():
            return f"'{value}'"
        case str() if "\\" not in value and value.isprintable():
            return "'" + value.replace("'", "''") + "'"
        case str():
            return f"_utf8mb4 X'{value.encode('utf-8', 'surrogateescape' if _undecoded(value) else 'replace').hex()}'"
    raise TypeError(f"no SQL literal for a {type(value).__name__}")


def _undecoded(text: str) -> bool:
    """Whether its lone surrogates, if any, are bytes that were no UTF-8."""
    return all(not "\ud800" <= char <= "\udfff" or "\udc80" <= char <= "\udcff" for char in text)


def statement(template: str, /, **parameters: Any) -> str:
    """An SQL statement from a template and what it names: values for ``:value``, names for ``{name}``.

    ::

        statement("UPDATE {table} SET host = :new WHERE host IN (:old)", table=table, new="c1", old=["C1", "c1.x"])

    A list gives a list with commas. A ``{name}`` without a parameter is left: it is a database of the cloud
    (:func:`with_databases`). Text in quotes and comments is not changed. Raises LookupError for a ``:value``
    without a parameter, and for a parameter without a place.
    """
    used = set()

    def place(match: re.Match[str]) -> str:
        if name := match["value"]:
            used.add(name)
            return _listed(parameters[name], literal)
        if (name := match["name"]) and name in parameters:
            used.add(name)
            return _listed(parameters[name], quoted)
        return match[0]

    text = _PLACES.sub(place, template)
    if unused := parameters.keys() - used:
        raise LookupError(f"the statement has no place for {', '.join(sorted(unused))}: {template}")
    return text


def places(template: str) -> frozenset[str]:
    """The names of the values and names that :func:`statement` needs for a template; none of what lies in quotes."""
    return frozenset(match["name"] or match["value"] for match in _PLACES.finditer(template)) - {None}


def _listed(value: Any, quote: Callable[[Any], str]) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        if not value:
            raise LookupError("an empty list has no form in SQL")
        return ", ".join(quote(item) for item in value)
    return quote(value)


def with_databases(sql: str, name_of: Callable[[str], str | None]) -> str:
    """``sql`` with each ``{nova}`` and the like replaced by the quoted name of that database, as ``name_of`` has it.

    One that ``name_of`` does not know stays as it is. So does all that lies in quotes or comments: values and names of
    the operator's own may hold braces.
    """

    def place(match: re.Match[str]) -> str:
        name = name_of(match["name"]) if match["name"] else None
        return match[0] if name is None else quoted(name)

    return _NAMES.sub(place, sql)


# -- Shell -------------------------------------------------------------------------------------------------------------


def shell_word(text: str) -> str:
    """One word of a shell's command line; in a form that shows where ``text`` holds characters that do not."""
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + _octal(text).replace("'", "\\'") + "'"


def shell_join(words: Iterable[str]) -> str:
    """A command line of these words."""
    return " ".join(map(shell_word, words))


def shell_input(command: str, text: str, delimiter: str = "END") -> list[str]:
    """The lines of a shell's command line that runs ``command``, which is shell already, with ``text`` as its input.

    That is a here-document whose delimiter is no line of the text; or ``printf``, where the text holds characters that
    a terminal would obey if it were shown or pasted.
    """
    lines = text.removesuffix("\n").split("\n")
    if all(line.isprintable() for line in lines):
        word, number = delimiter, 1
        while word in lines:
            number += 1
            word = f"{delimiter}{number}"
        return [f"{command} <<'{word}'", *lines, word]
    words = ["'" + _octal(line, octal="\\0").replace("'", "'\\''") + "'" for line in lines]
    return ["printf '%b\\n' \\", *(f"  {word} \\" for word in words[:-1]), f"  {words[-1]} | {command}"]


def client_input(client: str, database: str, sql: str) -> list[str]:
    """The lines of a shell's command line that gives SQL to a ``mysql`` client (``$SQL``) on a database.

    A client makes one character of a carriage return and a newline, in quoted names too, unless it is told not to; the
    option for that is younger than some servers of these clouds, so it is given only where it matters.
    """
    exact = " --binary-mode" if "\r" in sql else ""
    name = f"{'-- ' if database.startswith('-') else ''}{shell_word(database)}"
    return shell_input(f"{client}{exact} {name}", sql, "SQL")


def _octal(text: str, octal: str = "\\") -> str:
    """``text`` with backslashes doubled, and the bytes of whatever does not show as octal numbers."""
    return "".join("\\\\" if char == "\\" else char if char.isprintable() else _bytes_of(char, octal) for char in text)


def _bytes_of(char: str, octal: str) -> str:
    return "".join(f"{octal}{byte:03o}" for byte in char.encode("utf-8", "surrogateescape"))


# -- Markdown ----------------------------------------------------------------------------------------------------------

_MARKS = re.compile(
    r"""[\\`*<>|~$\[\]]              # code, emphasis, tags, cells, formulas, links
      | (?<![^\W_])_ | _(?![^\W_])  # emphasis: an underscore that is not within a word
      | &(?=[#\w])                  # entities
      | \A[#+=-]                    # headings, items of a list
      | \A\d{1,9}[.)](?=\s|\Z)      # items of a numbered one
    """,
    re.VERBOSE,
)
_MENTION = re.compile(r"(?<!\w)@(?=\w)")


def markdown(text: str) -> str:
    """Text within a line of Markdown, a cell of a table included: no part of it is read as a mark, tag or mention."""
    return _MENTION.sub("&#64;", _MARKS.sub(lambda mark: f"{mark[0][:-1]}\\{mark[0][-1]}", one_line(text)))


def markdown_code(text: str) -> str:
    """Text as code within a line of Markdown, but not of a table: there a ``|`` would end its cell."""
    flat = one_line(text)
    fence = "`" * (1 + _longest("`", flat))
    blank = " " if not flat or flat[0] in "` " or flat[-1] in "` " else ""
    return f"{fence}{blank}{flat}{blank}{fence}"


def markdown_block(text: str, language: str = "") -> list[str]:
    """The lines of a block of code in Markdown, whose fence is longer than any that the text holds."""
    shown = visible(text)
    fence = "`" * max(3, 1 + _longest("`", shown))
    return [f"{fence}{language}", *shown.split("\n"), fence]


def _longest(sign: str, text: str) -> int:
    return max((len(run) for run in re.findall(re.escape(sign) + "+", text)), default=0)

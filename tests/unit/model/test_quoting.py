"""What is quoted for a medium arrives there as it was: SQL and shell are read back, nothing else in them runs."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osupgrade.model import quoting
from osupgrade.model.finding import Cure, Sql
from osupgrade.report.digest import cure_blocks

HOSTILE = (
    "it's",
    "back`tick",
    'dou"ble',
    "back\\slash",
    "ends in \\",
    "$(touch pwned) `touch pwned` ${HOME} $HOME !! !touch",
    "a\nSQL\ntouch pwned #",
    "a\nEND\ntouch pwned #",
    "a\r\nEND\r\ntouch pwned",
    "\x1b[31mred\x1b]0;title\x07",
    "[/x] [red] [link=http://x]y[/]",
    "<script>alert(1)</script> <img src=x onerror=alert(1)>",
    "\u202egnp.exe\u2066 \u200b \ufeff \u2028",
    "{nova} {x} {0} {} :value %s %(a)s",
    "x" * 64,
    "'; DROP TABLE x; --",
    "*/ /* -- #",
    "```\n# head\n~~~~",
    "| a | b |",
    "\ttab",
    "nul\0byte",
    "\udcff lone surrogate",
    "ünï \N{GRINNING FACE}",
    "-rf",
    "",
)
hostile = st.one_of(st.sampled_from(HOSTILE), st.text(), st.text("`'\"\\{}:;-#/*\n SQLEND$!", max_size=20))


def unquoted(sql: str) -> str:
    """The text that a server reads from a literal. None of ours holds a backslash, so all modes read the same."""
    assert "\\" not in sql
    if found := re.fullmatch(r"_utf8mb4 X'((?:[0-9a-f]{2})*)'", sql):
        return bytes.fromhex(found[1]).decode("utf-8", "surrogateescape")
    assert sql[0] == sql[-1] == "'"
    assert "'" not in sql[1:-1].replace("''", "")
    return sql[1:-1].replace("''", "'")


@given(hostile)
def test_a_literal_is_read_back_as_it_was(text):
    wanted = re.sub("[\ud800-\udfff]", "?", text) if re.search("[\ud800-\udc7f\udd00-\udfff]", text) else text
    assert unquoted(quoting.literal(text)) == wanted
    assert quoting.literal(text).isprintable()


@given(hostile)
def test_values_and_names_are_put_where_they_belong_and_nowhere_else(text):
    name = text.replace("\0", "")
    made = quoting.statement("UPDATE {nova}.{table} SET a = ':a', b = :b -- {table} :b", table=name, b=text)
    head, tail = "UPDATE {nova}.", " -- {table} :b"
    assert made == head + quoting.quoted(name) + " SET a = ':a', b = " + quoting.literal(text) + tail


@given(hostile, hostile)
def test_a_database_is_named_in_code_only(text, name):
    name = name.replace("\0", "")
    made = quoting.statement("SELECT * FROM {nova}.{table} WHERE a = :text", table=name, text=text)
    assert quoting.with_databases(made, {"nova": "lab_1"}.get) == "SELECT * FROM `lab_1`" + made.removeprefix(
        "SELECT * FROM {nova}"
    )


def test_what_is_quoted_stays_quoted_though_it_does_not_end():
    for opened in ("'", '"', "`", "/*", "# ", "-- ", "'\\'", "'\\"):
        assert quoting.with_databases(f"{{nova}} {opened} {{nova}}", lambda _: "x") == f"`x` {opened} {{nova}}"


@pytest.mark.parametrize("text", ["'\\" * 200_000, "/*" * 200_000, "`" * 400_001, "{" * 400_000, "{a" * 200_000])
def test_any_statement_is_read_in_linear_time(text):
    assert quoting.with_databases(text, lambda _: None) == text


def test_kinds_of_values():
    made = quoting.statement(
        "INSERT INTO t VALUES (:a, :b, :c, :d) ON DUPLICATE KEY UPDATE x = x IN (:e)",
        a=None,
        b=True,
        c=-7,
        d=b"\x00'",
        e=["a", "b'"],
    )
    assert made == "INSERT INTO t VALUES (NULL, 1, -7, X'0027') ON DUPLICATE KEY UPDATE x = x IN ('a', 'b''')"


def test_a_template_and_its_parameters_must_fit():
    with pytest.raises(LookupError, match="absent"):
        quoting.statement("SELECT :absent")
    with pytest.raises(LookupError, match="unused"):
        quoting.statement("SELECT ':unused'", unused=1)
    with pytest.raises(LookupError, match="empty"):
        quoting.statement("SELECT 1 IN (:none)", none=[])
    with pytest.raises(TypeError):
        quoting.statement("SELECT :what", what=object())


SHELLS = [shell for shell in ("bash", "dash") if shutil.which(shell)]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("text", [*HOSTILE, "\n".join(h for h in HOSTILE if h.isprintable())])
def test_a_shell_gives_the_text_to_the_command_and_runs_nothing_else(shell, text, tmp_path):
    text = text.replace("\0", "")
    lines = quoting.shell_input("cat > got", text)
    assert all(line.isprintable() for line in lines)
    subprocess.run([shell], input="\n".join(lines) + "\n", cwd=tmp_path, check=True, text=True)
    assert (tmp_path / "got").read_bytes() == text.removesuffix("\n").encode("utf-8", "surrogateescape") + b"\n"
    assert [file.name for file in tmp_path.iterdir()] == ["got"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_word_is_one_word(text, tmp_path):
    text = text.replace("\0", "")
    line = quoting.shell_join(["printf", "%s|", text, "end"])
    assert line.isprintable()
    run = subprocess.run(["bash"], input=line, cwd=tmp_path, check=True, stdout=subprocess.PIPE, encoding="utf-8", errors="surrogateescape")  # fmt: skip
    assert run.stdout.replace("\r\n", "\n") == f"{text}|end|".replace("\r\n", "\n")
    assert not list(tmp_path.iterdir())


@given(hostile)
def test_what_is_shown_holds_nothing_that_a_terminal_obeys_and_loses_nothing(text):
    shown = quoting.visible(text)
    assert all(char in "\n\t" or char.isprintable() or char.isspace() for char in shown)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", shown)
    assert quoting.one_line(text).count("\n") == 0
    if "\\" not in text:
        back = re.sub(
            r"\\(?:x(..)|u(....)|U(.{8})|([trn]))",
            lambda m: {"t": "\t", "r": "\r", "n": "\n"}[m[4]] if m[4] else chr(int(m[1] or m[2] or m[3], 16)),
            quoting.one_line(text),
        )
        assert back == text


@given(hostile)
def test_code_in_markdown_cannot_close_its_fence(text):
    first, *body, last = quoting.markdown_block(text, "sql")
    assert first == last + "sql"
    assert "\n".join(body) == quoting.visible(text)
    assert not any(last in line for line in body)
    span = quoting.markdown_code(text)
    fence = re.match("`+", span)[0]
    runs = re.findall("`+", span)
    assert [run for run in runs if len(run) == len(fence)] == [fence, fence]


@given(hostile)
def test_text_in_markdown_is_shown_and_not_obeyed(text):
    written = quoting.markdown(text)
    assert "\n" not in written
    plain = re.sub(r"\\(\W|_)", r"\1", written.replace("&#64;", "@"))
    assert plain == quoting.one_line(text)
    bare = re.sub(r"\\[\\`*<>|~$\[\]_&#+=.)-]", "", written)
    assert not re.search(r"[`*<>|~$\[\]\\]", bare)


def test_a_cure_is_made_of_parameters():
    made = Sql.of("neutron", "UPDATE {table} SET host = :new", table="own {nova}`", new="it's {nova}")
    assert made == Sql("neutron", "UPDATE `own {nova}``` SET host = 'it''s {nova}'")
    ((where, text),) = cure_blocks(Cure("", (made,)))
    assert (where, text) == ("neutron", made.statement + ";")


def test_a_database_s_name_is_never_an_option_of_the_client():
    assert quoting.client_input("mysql", "--all-databases", "SELECT 1;")[0] == "mysql -- --all-databases <<'SQL'"
    assert quoting.client_input("mysql", "nova", "SELECT 1;")[0] == "mysql nova <<'SQL'"

"""What the documents and the examples say is true: commands exist, links lead somewhere, tables are complete."""

import dataclasses
import re
import shlex
from pathlib import Path

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.site import Site, read_site
from osupgrade.cli import app, cure_spelled_out
from osupgrade.cli.lazy import whole
from osupgrade.dump.choose import read_dumps
from osupgrade.dump.holdings import holdings
from osupgrade.model.errors import Exit

DOCUMENTS = sorted(
    [*root().glob("docs/*.md"), *root().glob("*.md"), root() / "examples/README.md", root() / "tests/README.md"]
)
COMMAND = re.compile(r"^(?:    |)(?:mysql .*?\$\()?(?:\.venv/bin/)?osupgrade (?P<words>[^#\n|)]*)", re.MULTILINE)
INLINE = re.compile(r"`(?:\.venv/bin/)?osupgrade (?P<words>[a-z][^`]*)`")
ROOT = whole(app)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


def understood(words):
    """Raises for a command or an option that the command line does not have."""
    command = ROOT
    words = cure_spelled_out(words)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        assert name in command.commands, f"osupgrade has no command {name!r}"
        command = command.commands[name]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    unknown = {w.partition("=")[0] for w in words if re.match(r"--?[a-z]", w)} - options - {"--help"}
    assert not unknown, f"unknown options {unknown}"


def commands(text):
    for found in (*COMMAND.finditer(text), *INLINE.finditer(text)):
        words = found["words"].split("  ")[0].replace("…", "").strip().strip('"')
        if words and "|" not in words:
            yield shlex.split(words)


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(root())))
def test_its_commands_exist_with_their_options(file):
    for words in commands(file.read_text("utf-8")):
        understood(words)


def test_the_readme_has_commands_and_a_wrong_one_is_seen():
    assert len(list(commands((root() / "README.md").read_text("utf-8")))) > 5
    assert list(commands("`osupgrade report --nonsense`\n\n    osupgrade inspect a.sql   # looks\n")) == [
        ["inspect", "a.sql"],
        ["report", "--nonsense"],
    ]
    with pytest.raises(AssertionError):
        understood(["report", "--nonsense"])
    with pytest.raises(AssertionError):
        understood(["no-such-command"])


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(root())))
def test_its_links_lead_somewhere(file):
    for target in LINK.findall(file.read_text("utf-8")):
        assert (file.parent / target).exists(), target


def test_every_key_of_site_toml_is_explained_with_its_default():
    text = (root() / "docs" / "your-own-cloud.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `\[?(\w+)\]?` \| ([^|]*) \|", text, re.MULTILINE))
    assert rows.keys() == {field.name for field in dataclasses.fields(Site)}
    for name in ("plugin", "tunnel_type", "hosts", "tunnel_id_ranges", "network_vlan_ranges"):
        assert rows[name] == f'`"{getattr(Site(), name)}"`'


def test_every_exit_status_is_in_the_table():
    for file in ("README.md", "docs/reading-a-report.md"):
        text = (root() / file).read_text("utf-8")
        for status in Exit:
            assert re.search(rf"^\| `?{int(status)}`? \|", text, re.MULTILINE), f"{file} lacks {status}"


def test_every_document_can_be_reached_from_the_readme():
    linked = set(LINK.findall((root() / "README.md").read_text("utf-8")))
    assert {f"docs/{file.name}" for file in root().glob("docs/*.md")} <= linked


def test_the_example_site_is_valid():
    assert read_site(root() / "examples" / "site.toml") == Site()


def test_the_example_dumps_are_what_their_readme_says():
    dumps = read_dumps([root() / "examples" / name for name in ("keystone.sql", "glance.sql")])
    found = holdings(dumps)
    assert {holding.service: holding.section.versions for holding in found} == {
        "keystone": ("22",),
        "glance": ("22",),
    }
    assert [finding for dump in dumps for finding in dump.findings] == []


def test_no_document_names_a_path_of_a_developers_machine():
    for file in DOCUMENTS:
        assert not re.search(r"/(work|root|tmp)/", Path(file).read_text("utf-8")), file

"""Writes ``osupgrade/openstack/<service>/names.txt``: the names that services give to what is in their databases.

``python -m tools.upstream_names DIRECTORY`` reads bare git mirrors ``DIRECTORY/openstack+SERVICE/repo``, at the tag of
every release and at every branch, and takes names out of models and migrations: tables, columns, indexes, constraints,
members of enums. They are not run, and nothing but names is kept. Files that only Python 2 can parse are passed over:
the releases that have them are in the schema catalogue.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path

from osupgrade.catalog.content import service_file
from osupgrade.dump.mask.words import words

WHERE = {
    "keystone": r"keystone/(.*/)?(sql|migrate_repo|migrations|backends)[/.].*py",
    "glance": r"glance/db/.*\.py",
    "cinder": r"cinder/db/.*\.py",
    "nova": r"nova/db/.*\.py",
    "neutron": r"neutron/(db|ipam|plugins|services|extensions)/.*\.py",
    "placement": r"placement/db/.*\.py",
}
"""Where each service has its models and migrations."""
RELEASE = re.compile(r"\d+\.0\.0|20\d\d\.\d|.*-eol")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{1,63}")
CALLS = words(
    "Column Table create_table Index UniqueConstraint ForeignKeyConstraint ForeignKey PrimaryKeyConstraint "
    "CheckConstraint add_column create_index create_unique_constraint create_foreign_key Enum drop_column drop_table "
    "drop_index drop_constraint alter_column rename_table create_primary_key batch_alter_table f Sequence"
)
"""Functions of SQLAlchemy and Alembic whose texts are names."""


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    mirrors = parser.parse_args().directory
    warnings.simplefilter("ignore")  # of other people's code
    for service, where in WHERE.items():
        found = {
            name
            for text in texts(mirrors / f"openstack+{service}" / "repo", re.compile(where))
            for name in names_in(text)
            if not name.startswith("__")
        }
        lines = textwrap.wrap(" ".join(sorted(found)), 118, break_long_words=False, break_on_hyphens=False)
        service_file(service, "names.txt").write_text("\n".join(lines) + "\n", "utf-8")
        print(f"{service}: {len(found)} names")


def texts(mirror: Path, where: re.Pattern[str]) -> Iterator[str]:
    """Every version of every file of a mirror that ``where`` matches."""

    def git(*words: str, given: str = "") -> bytes:
        return subprocess.run(
            ["git", "-C", mirror, *words], input=given.encode(), capture_output=True, check=True
        ).stdout

    tags = [tag for tag in git("tag").decode().split() if RELEASE.fullmatch(tag)]
    branches = git("branch", "-a", "--format=%(refname)").decode().split()
    blobs = {
        line.split()[2]
        for commit in (*tags, *branches)
        for line in git("ls-tree", "-r", commit).decode("utf-8", "replace").splitlines()
        if where.fullmatch(path := line.partition("\t")[2]) and "/tests/" not in path
    }
    data = git("cat-file", "--batch", given="\n".join(sorted(blobs)))
    place = 0
    while place < len(data):
        end = data.index(b"\n", place)
        size = int(data[place:end].split()[2])
        yield data[end + 1 : end + 1 + size].decode("utf-8", "replace")
        place = end + size + 2


def names_in(text: str) -> Iterator[str]:
    """The names that a module of models or migrations gives."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in CALLS:
            yield from _strings(node)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                name = getattr(target, "id", "")
                if name in ("__tablename__", "__table_args__") or name.isupper():
                    yield from _strings(node.value)
                elif isinstance(node.value, ast.Call) and _called(node.value) in ("Column", "column_property") and name:
                    yield name


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _strings(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield from (part for part in inner.value.split(".") if NAME.fullmatch(part))


if __name__ == "__main__":
    main()

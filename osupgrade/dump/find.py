"""Which dumps lie behind the paths that an operator gives: files, directories of them, mydumper directories."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from osupgrade.dump.stream import SUFFIXES, Part
from osupgrade.model.errors import UsageFault


def find_dumps(paths: Sequence[Path]) -> tuple[tuple[Path, tuple[Part, ...]], ...]:
    """The dumps behind ``paths``: files, directories of dumps, mydumper directories.

    Raises UsageFault for what is not there, for a directory without dumps and for a file given twice.
    """
    found: list[tuple[Path, tuple[Part, ...]]] = []
    for path in paths:
        if not path.exists():
            raise UsageFault(f"there is no {path}", hint="give a dump file or a directory of them")
        if not path.is_dir():
            found.append((path, (Part(path),)))
        elif (path / "metadata").is_file() or (path / "metadata.partial").exists():
            found.append((path, mydumper_parts(path)))
        else:
            inside = [p for p in sorted(path.iterdir()) if p.suffix in SUFFIXES and p.is_file() and p.name[0] != "."]
            if not inside:
                raise UsageFault(
                    f"the directory {path} holds no dump", hint=f"dumps are files that end in {', '.join(SUFFIXES)}"
                )
            found.extend((p, (Part(p),)) for p in inside)
    if not found:
        raise UsageFault("no dump was given", hint="give at least one dump file or directory")
    seen: dict[Path, Path] = {}
    for path, _ in found:
        if path.resolve() in seen:
            raise UsageFault(f"{path} is given twice")
        seen[path.resolve()] = path
    return tuple(found)


def mydumper_parts(directory: Path) -> tuple[Part, ...]:
    """The files of a mydumper directory in the order in which they have to be restored."""
    if (directory / "metadata.partial").exists():
        raise UsageFault(
            f"{directory} is an unfinished mydumper directory: it still has metadata.partial",
            hint="take the dump again and let mydumper finish",
        )
    ranks: list[tuple[str, int, str, Part]] = []
    for path in sorted(directory.iterdir()):
        stem = re.sub(r"\.(?:gz|zst)\Z", "", path.name)
        if not stem.endswith(".sql"):
            continue
        stem = stem.removesuffix(".sql")
        if stem.endswith("-schema-create"):
            ranks.append((stem.removesuffix("-schema-create"), 0, stem, Part(path)))
            continue
        database, _, rest = stem.partition(".")
        if not rest:
            database = stem.removesuffix("-schema-post").removesuffix("-schema-triggers")
        kinds = (("-schema-view", 4), ("-schema-triggers", 3), ("-schema-post", 5), ("-schema", 1))
        rank = next((rank for suffix, rank in kinds if stem.endswith(suffix)), 2)
        ranks.append((database, rank, stem, Part(path, database, code=rank in (3, 5))))
    if not ranks:
        raise UsageFault(f"the mydumper directory {directory} holds no SQL files")
    return tuple(part for _, _, _, part in sorted(ranks, key=lambda item: item[:3]))

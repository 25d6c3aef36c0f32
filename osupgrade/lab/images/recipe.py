"""What an image is made of, as values: read from ``images/`` once, then only computed with.

A directory with a ``Dockerfile`` is an image of its name, ``Dockerfile.<part>`` is ``<directory>-<part>``. A release's
directory has none: its ``release.toml`` names a runtime, and that one's ``Dockerfile.release`` makes it. What a recipe
builds on is named in its FROM lines as ``osupgrade/<name>``, and its inputs are what its COPY lines name: a file of the
release's own directory, else one below ``images/``. So a change anywhere changes the tags of all that depend on it, and
of nothing else.
"""

from __future__ import annotations

import functools
import graphlib
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from osupgrade.catalog import content
from osupgrade.catalog.loading import Strict, load_toml, read_toml
from osupgrade.model.errors import LabFault, UsageFault

OURS = "osupgrade/"
CERTIFICATES = "ca.crt"
"""The host's CA bundle in a build's context. It is of the machine, not of the image, so it is no input."""

_FROM = re.compile(r"^FROM\s+(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE | re.MULTILINE)
_COPY = re.compile(r"^COPY\s+(.+)$", re.IGNORECASE | re.MULTILINE)
_ARG = re.compile(r"^ARG\s+(\w+)", re.IGNORECASE | re.MULTILINE)
_SAME_MACHINE = {"amd64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Input:
    """One file of a build's context."""

    path: str
    data: bytes
    executable: bool = False


@dataclass(frozen=True)
class Recipe:
    """How one image is made."""

    name: str
    dockerfile: str
    """The text, with ``osupgrade/<name>`` without a tag where it builds on the lab's own images."""
    bases: tuple[str, ...] = ()
    """The lab's own images in its FROM lines, by name."""
    outside: tuple[str, ...] = ()
    """The images in its FROM lines that are not the lab's."""
    inputs: tuple[Input, ...] = ()
    arguments: tuple[str, ...] = ()
    """The build arguments it takes."""
    architectures: tuple[str, ...] = ()
    """The machines it can be built for; empty: all."""
    instead: str = ""
    """The image to take on other machines, and ``reason`` says why."""
    reason: str = ""
    vendor: str = ""
    """Of a database server: ``mysql`` or ``mariadb``; empty for any other image."""
    version: tuple[int, ...] = ()
    """Of a database server."""


class Facts(Strict):
    """The content of ``image.toml``: which machines can have the image, and which database server it is."""

    vendor: Literal["", "mysql", "mariadb"] = ""
    version: tuple[int, ...] = ()
    architectures: tuple[str, ...] = ()
    instead: str = ""
    reason: str = ""


def make_recipe(
    name: str, dockerfile: str, read: Callable[[str], Input], facts: Facts | None = None
) -> Recipe:
    """A recipe from its Dockerfile's text; ``read`` gives the input that a COPY line names."""
    text = re.sub(r"\\\n", " ", dockerfile)
    stages = {stage for _, stage in _FROM.findall(text) if stage}
    images = dict.fromkeys(image for image, _ in _FROM.findall(text) if image not in stages)
    copied = dict.fromkeys(
        source
        for line in _COPY.findall(text)
        if "--from=" not in line
        for source in [word for word in line.split() if not word.startswith("--")][:-1]
        if source != CERTIFICATES
    )
    facts = facts or Facts()
    return Recipe(
        name=name,
        dockerfile=dockerfile,
        bases=tuple(image.removeprefix(OURS) for image in images if image.startswith(OURS)),
        outside=tuple(image for image in images if not image.startswith(OURS)),
        inputs=tuple(read(source) for source in copied),
        arguments=tuple(dict.fromkeys(_ARG.findall(text))),
        architectures=facts.architectures,
        instead=facts.instead,
        reason=facts.reason,
        vendor=facts.vendor,
        version=facts.version,
    )


@functools.cache
def load_recipes(images: Path | None = None) -> Mapping[str, Recipe]:
    """Every recipe below ``images/`` by name; raises LabFault naming a file that is missing or cannot be used."""
    top = images or content.images()
    found = {}
    for dockerfile in sorted(top.glob("*/Dockerfile*")):
        part = dockerfile.suffix.removeprefix(".")
        if part != "release":
            name = f"{dockerfile.parent.name}-{part}" if part else dockerfile.parent.name
            found[name] = _load(top, name, dockerfile)
    for release in sorted(top.glob("*/release.toml")):
        runtime = read_toml(release).get("runtime")
        if not isinstance(runtime, str):
            raise LabFault(f"{release} lacks the key 'runtime'")
        found[release.parent.name] = _load(top, release.parent.name, top / runtime / "Dockerfile.release")
    for recipe in found.values():
        for base in (*recipe.bases, *filter(None, [recipe.instead])):
            if base not in found:
                raise LabFault(f"the image {recipe.name} builds on {base}, of which there is no recipe in {top}")
    return found


def tag_of(recipes: Mapping[str, Recipe], name: str) -> str:
    """The full tag of an image: a hash of everything that goes into it, including what it builds on."""
    return f"{OURS}{name}:{_digest(recipes, name)[:12]}"


def build_order(recipes: Mapping[str, Recipe], names: Iterable[str], present: Callable[[str], bool]) -> tuple[str, ...]:
    """Those images that must be built to have ``names``, each after what it builds on.

    What a present image was built from is not asked for. Raises UsageFault for an unknown name.
    """
    needed: dict[str, tuple[str, ...]] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in recipes:
            raise UsageFault(f"there is no image {name!r}", hint=f"the images are {', '.join(sorted(recipes))}")
        if name not in needed and not present(name):
            needed[name] = recipes[name].bases
            waiting += needed[name]
    try:
        order = graphlib.TopologicalSorter(needed).static_order()
        return tuple(name for name in order if name in needed)
    except graphlib.CycleError as fault:
        raise LabFault(f"these images build on each other: {' -> '.join(reversed(fault.args[1]))}") from None


def database_for(architecture: str, wanted: str, recipes: Mapping[str, Recipe] | None = None) -> tuple[str, str]:
    """The database image to use on a machine, and why it is another than the wanted one ('' when it is that one).

    ``architecture`` is the engine's word for it, such as ``x86_64`` or ``aarch64``; '' is taken for a machine that can
    do anything. Raises UsageFault for an unknown image.
    """
    recipes = load_recipes() if recipes is None else recipes
    if wanted not in recipes:
        raise UsageFault(f"there is no image {wanted!r}", hint=f"the images are {', '.join(sorted(recipes))}")
    recipe = recipes[wanted]
    if not architecture or runs_on(recipe, architecture):
        return wanted, ""
    if not recipe.instead:
        raise UsageFault(f"the image {wanted} cannot be built on {architecture}: {recipe.reason}")
    return recipe.instead, f"{recipe.reason}; on this {architecture} machine the lab uses {recipe.instead}"


def nearest(names: Sequence[str], server_version: str, recipes: Mapping[str, Recipe] | None = None) -> str:
    """The database image that is most like a server: of its vendor, and no older than it where there is such a one.

    ``names`` are the images to choose from, the usual one first; ``server_version`` is what the server calls itself.
    """
    recipes = load_recipes() if recipes is None else recipes
    numbers = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)", server_version)
    if not numbers:
        return names[0]
    version = int(numbers[1]), int(numbers[2])
    vendor = "mariadb" if "mariadb" in server_version.lower() else "mysql"
    same = sorted((name for name in names if recipes[name].vendor == vendor), key=lambda name: recipes[name].version)
    fit = [name for name in same if recipes[name].version >= version]
    return (fit or same[-1:] or names)[0]


def runs_on(recipe: Recipe, architecture: str) -> bool:
    """Whether the image can be built on that machine."""
    return not recipe.architectures or _SAME_MACHINE.get(architecture, architecture) in recipe.architectures


def _digest(recipes: Mapping[str, Recipe], name: str) -> str:
    recipe = recipes[name]
    parts = [recipe.dockerfile.encode()]
    for part in recipe.inputs:
        parts += [part.path.encode(), b"x" if part.executable else b"-", part.data]
    parts += [_digest(recipes, base).encode() for base in recipe.bases]
    digest = hashlib.sha256()
    for data in parts:
        # The length keeps two neighbours from trading bytes unnoticed.
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()


def _load(top: Path, name: str, dockerfile: Path) -> Recipe:
    def read(source: str) -> Input:
        for path in (top / name / source, top / source):
            if path.is_file():
                return Input(source, path.read_bytes(), bool(path.stat().st_mode & 0o100))
        raise LabFault(f"{dockerfile} copies {source}, which is neither in {top / name} nor in {top}")

    if not dockerfile.is_file():
        raise LabFault(f"the image {name} needs {dockerfile}, which is not there")
    facts = dockerfile.parent / "image.toml"
    return make_recipe(
        name,
        dockerfile.read_text("utf-8"),
        read,
        load_toml(facts, Facts) if dockerfile.name == "Dockerfile" and facts.is_file() else None,
    )


"""The lab's images on one engine: which there are, building what is missing, archives of them, removing them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import docker
import zstandard
from docker.errors import APIError, ImageLoadError, ImageNotFound

from osupgrade.lab.images.build import Crew, Progress, has_image
from osupgrade.lab.images.context import LABEL
from osupgrade.lab.images.recipe import Recipe, build_order, load_recipes, runs_on, tag_of
from osupgrade.lab.images.registry import Registry, registry_of
from osupgrade.model.errors import LabFault, MissingFault, UsageFault


@dataclass(frozen=True)
class ImageInfo:
    """One image of the lab as the engine has it; ``size`` counts shared layers too."""

    name: str
    tag: str
    present: bool
    size: int = 0
    created: datetime | None = None


class ImageStore:
    """The lab's images on one engine."""

    def __init__(self, client: docker.DockerClient, recipes: Mapping[str, Recipe] | None = None) -> None:
        self._client = client
        self.recipes = load_recipes() if recipes is None else recipes

    def tag(self, name: str) -> str:
        """The tag that the image has, or would have, for the recipes as they are now."""
        return tag_of(self.recipes, name)

    def present(self, name: str) -> bool:
        """Whether the engine has the image as the recipes are now."""
        return has_image(self._client, self.tag(name))

    def list(self) -> tuple[ImageInfo, ...]:
        """Every image of the recipes, by name."""
        return tuple(self._info(name) for name in self.recipes)

    def ensure(self, names: Iterable[str], progress: Callable[[Progress], None] = lambda _: None) -> Mapping[str, str]:
        """Build what is missing of ``names`` and return name -> tag.

        ``progress`` is called in the caller's thread. A registry that the environment names is asked first, and gets
        what was built; MissingFault when it does not answer. Raises UsageFault for an unknown name and for an image
        that this machine cannot have, and ImageError for the first image that could not be built, after the builds that
        were under way have ended.
        """
        names = tuple(names)
        registry = registry_of(self._client)
        pulled = set()

        def at_hand(name: str) -> bool:
            if self.present(name):
                return True
            if registry and self._pulled(registry, name, progress):
                pulled.add(name)
            return name in pulled

        order = build_order(self.recipes, names, at_hand)
        for recipe in (self.recipes[name] for name in order if self.recipes[name].architectures):
            machine = self._machine()
            if not runs_on(recipe, machine):
                raise UsageFault(
                    f"the image {recipe.name} cannot be built on {machine}: {recipe.reason}",
                    hint=f"take {recipe.instead}" if recipe.instead else "",
                )
        for name in names:
            if name not in order and name not in pulled:
                progress(Progress(name, "", "present"))
        if order:
            Crew(self._client, self.recipes, order, registry).work(progress)
        return {name: self.tag(name) for name in names}

    def save(self, names: Iterable[str], file: Path) -> int:
        """Write images into one archive, compressed if it is called ``.zst``; how many bytes that took.

        Raises MissingFault when one is not built, or the file cannot be written; then nothing is left of it.
        """
        tags = [self.tag(name) for name in names]
        for tag in tags:
            if not has_image(self._client, tag):
                raise MissingFault(f"the image {tag} is not built", hint="osupgrade images build --all")
        scratch = file.with_name(f".{file.name}.part")
        try:
            scratch.touch()  # the engine takes minutes until it has put the images together
        except OSError as fault:
            raise MissingFault(f"cannot write {file}: {fault.strerror}", hint="choose another file") from fault
        try:
            self._write(tags, scratch, file)
        finally:
            scratch.unlink(missing_ok=True)
        return file.stat().st_size

    def _write(self, tags: Sequence[str], scratch: Path, file: Path) -> None:
        api = self._client.api
        # One archive holds what images share once; the SDK's own call asks for one image only.
        answer = api.get(f"{api.base_url}/v{api.api_version}/images/get", params={"names": tags}, stream=True)
        if not answer.ok:
            raise LabFault("the engine does not export its images", evidence=answer.text, hint="osupgrade doctor")
        try:
            with scratch.open("wb") as raw, _compressed(raw, file) as out:
                for chunk in answer.iter_content(1 << 20):
                    out.write(chunk)
            scratch.replace(file)
        except OSError as fault:
            raise MissingFault(f"cannot write {file}: {fault.strerror}", hint="free some space there") from fault
        finally:
            answer.close()

    def load(self, file: Path) -> tuple[str, ...]:
        """Bring back what :meth:`save` wrote; the tags that it held. Raises UsageFault for any other file."""
        try:
            with file.open("rb") as raw, _decompressed(raw, file) as plain:
                images = self._client.images.load(plain)
        except FileNotFoundError as fault:
            raise UsageFault(f"there is no file {file}", hint="osupgrade images save FILE writes one") from fault
        except (OSError, zstandard.ZstdError, APIError, ImageLoadError) as fault:
            raise UsageFault(f"{file} is not an image archive", evidence=str(fault)) from fault
        return tuple(sorted(tag for image in images for tag in image.tags))

    def remove_all(self) -> Iterator[str]:
        """Remove every image of the lab, older ones and what broken-off builds left included; say each.

        An image that a container still uses stays, and is named.
        """
        for image in self._client.images.list(filters={"label": LABEL}):
            for reference in image.tags or [str(image.id)]:
                try:
                    self._client.images.remove(reference)
                except ImageNotFound:
                    continue  # it went with the one that was built on it
                except APIError as fault:
                    yield f"kept image {reference}: {fault.explanation}"
                else:
                    yield f"removed image {reference}"

    def _pulled(self, registry: Registry, name: str, progress: Callable[[Progress], None]) -> bool:
        progress(Progress(name, f"asking {registry.where}", "building"))
        found = registry.pull(self.tag(name))
        if found:
            progress(Progress(name, f"pulled from {registry.where}", "built"))
        return found

    def _machine(self) -> str:
        return str(self._client.info().get("Architecture", ""))

    def _info(self, name: str) -> ImageInfo:
        tag = self.tag(name)
        try:
            image = self._client.images.get(tag)
        except ImageNotFound:
            return ImageInfo(name, tag, False)
        created = image.attrs.get("Created")
        return ImageInfo(
            name, tag, True, int(image.attrs.get("Size", 0)), datetime.fromisoformat(created) if created else None
        )


@contextlib.contextmanager
def _compressed(raw: BinaryIO, file: Path) -> Iterator[BinaryIO]:
    if file.suffix != ".zst":
        yield raw
        return
    with zstandard.ZstdCompressor(level=3, threads=-1).stream_writer(raw, closefd=False) as out:
        yield out


@contextlib.contextmanager
def _decompressed(raw: BinaryIO, file: Path) -> Iterator[BinaryIO]:
    if file.suffix != ".zst":
        yield raw
        return
    with zstandard.ZstdDecompressor().stream_reader(raw, closefd=False) as plain:
        yield plain

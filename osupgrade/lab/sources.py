"""The services' code: git mirrors in the user's cache, pinned commits, read-only trees.

The code is never in the repository and never in an image. A mirror holds only the tags that releases pin.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from osupgrade.model.errors import MissingFault, UsageFault
from osupgrade.model.places import cache_directory
from osupgrade.model.release import Pin, Release, ServiceRelease

UPSTREAMS = ("https://github.com/openstack/{service}", "https://opendev.org/openstack/{service}")
META = ".osupgrade"
"""Directory in an unpacked tree for entry points, derived from setup.cfg; the rest is the commit as it is."""


@dataclass(frozen=True)
class SourceState:
    """Whether one pinned commit is available. ``problem`` is empty when it is."""

    release: str
    service: str
    pin: Pin
    problem: str


class Sources:
    """The cache of mirrors and trees for the pins of some releases."""

    def __init__(self, releases: Mapping[str, Release], cache: Path | None = None) -> None:
        self.cache = cache or cache_directory()
        self._pinned = tuple(_pinned(releases.values()))

    @property
    def services(self) -> tuple[str, ...]:
        """The services that have a pin, by name."""
        return tuple(sorted({part.service for part, _ in self._pinned}))

    def mirror(self, service: str) -> Path:
        """Where the service's bare mirror lies or would lie."""
        return self.cache / "mirrors" / f"{service}.git"

    def states(self) -> tuple[SourceState, ...]:
        """One line per pinned commit: available, or what is wrong."""
        return tuple(
            SourceState(part.release, part.service, pin, self._problem(part.service, pin)) for part, pin in self._pinned
        )

    def missing(self, services: Iterable[str]) -> tuple[SourceState, ...]:
        """Those pins of ``services`` that are not available."""
        wanted = set(services)
        return tuple(state for state in self.states() if state.problem and state.service in wanted)

    def fetch(self, say: Callable[[str], None]) -> None:
        """Fill the mirrors from upstream; raises MissingFault when no upstream answers."""
        for service in self.services:
            trouble = []
            for upstream in UPSTREAMS:
                url = upstream.format(service=service)
                say(f"{service}: fetching the pinned tags from {url}")
                try:
                    self._take(service, url)
                    break
                except subprocess.CalledProcessError as fault:
                    trouble.append(f"{url}: {fault.stderr.strip()}")
            else:
                raise MissingFault(
                    f"no upstream of {service} can be reached",
                    hint="bring a directory of git mirrors to this machine and run `osupgrade sources import DIR`",
                    evidence="\n".join(trouble),
                )

    def import_from(self, directory: Path, say: Callable[[str], None]) -> None:
        """Fill the mirrors from a directory of bare or ordinary repositories.

        They are named ``keystone``, ``keystone.git`` or ``openstack+keystone/repo``. Raises UsageFault when one is
        missing, lacks a pinned tag, or has another commit under it.
        """
        if not directory.is_dir():
            raise UsageFault(f"{directory} is not a directory", hint="osupgrade sources import DIR")
        for service in self.services:
            places = [directory / name for name in (service, f"{service}.git", f"openstack+{service}/repo")]
            place = next((p for p in places if p.is_dir()), None)
            if place is None:
                looked = ", ".join(str(p.relative_to(directory)) for p in places)
                raise UsageFault(f"{directory} has no repository of {service} (looked for {looked})")
            say(f"{service}: taking the pinned tags from {place}")
            try:
                self._take(service, str(place.resolve()))
            except subprocess.CalledProcessError as fault:
                raise UsageFault(
                    f"{place} does not have the pinned tags of {service}", evidence=fault.stderr.strip()
                ) from fault

    def tree(self, part: ServiceRelease) -> Path:
        """The read-only tree of a service at a release, unpacked on first use.

        Raises MissingFault when the commit is not available locally, with how to get it.
        """
        assert part.pin is not None
        tree = self.cache / "trees" / f"{part.service}-{part.pin.commit}"
        if tree.is_dir():
            return tree
        if problem := self._problem(part.service, part.pin):
            raise MissingFault(
                f"the code of {part.service} {part.release} is not available locally: {problem}",
                hint="osupgrade sources fetch, or osupgrade sources import DIR with a directory of git mirrors",
            )
        tree.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{tree.name}-", dir=tree.parent))
        try:
            self._unpack(part.service, part.pin, scratch)
            _write_entry_points(scratch, part.pin)
            _make_read_only(scratch)
            scratch.rename(tree)
        except OSError as fault:
            if tree.is_dir():  # somebody else was faster
                return tree
            raise MissingFault(f"cannot unpack the code of {part.service}: {fault}") from fault
        finally:
            if scratch.exists():
                _make_writable(scratch)
                shutil.rmtree(scratch)
        return tree

    def _problem(self, service: str, pin: Pin) -> str:
        mirror = self.mirror(service)
        if not mirror.is_dir():
            return "no mirror in the cache"
        found = _git(mirror, "rev-parse", "--verify", "--quiet", f"refs/tags/{pin.tag}^{{commit}}", check=False)
        if not found:
            return f"the mirror lacks the tag {pin.tag}"
        if found != pin.commit:
            return f"the tag {pin.tag} is {found[:12]} in the mirror, the pin says {pin.commit[:12]}"
        return ""

    def _take(self, service: str, url: str) -> None:
        mirror = self.mirror(service)
        pins = [pin for part, pin in self._pinned if part.service == service]
        mirror.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{service}-", dir=mirror.parent))
        try:
            _git(scratch, "init", "--quiet", "--bare")
            refs = [f"refs/tags/{pin.tag}:refs/tags/{pin.tag}" for pin in pins]
            _git(scratch, "fetch", "--quiet", "--depth=1", url if "://" in url else f"file://{url}", *refs)
            for pin in pins:
                found = _git(scratch, "rev-parse", f"refs/tags/{pin.tag}^{{commit}}")
                if found != pin.commit:
                    raise UsageFault(
                        f"refused: {service}'s tag {pin.tag} at {url} is commit {found}, the pin says {pin.commit}",
                        hint="the repository is not the one that the pins were made from; nothing was changed",
                    )
            if mirror.exists():
                shutil.rmtree(mirror)
            scratch.rename(mirror)
        finally:
            if scratch.exists():
                shutil.rmtree(scratch)

    def _unpack(self, service: str, pin: Pin, into: Path) -> None:
        archive = subprocess.Popen(
            ["git", "-C", str(self.mirror(service)), "archive", "--format=tar", pin.commit], stdout=subprocess.PIPE
        )
        assert archive.stdout is not None
        with archive.stdout, tarfile.open(fileobj=archive.stdout, mode="r|") as tar:
            tar.extractall(into, filter="tar")
        if archive.wait() != 0:
            raise MissingFault(
                f"git cannot read {service} at {pin.commit}", hint="osupgrade sources verify, then import again"
            )


def _pinned(releases: Iterable[Release]) -> Iterator[tuple[ServiceRelease, Pin]]:
    for release in releases:
        for part in release.services.values():
            if part.pin is not None:
                yield part, part.pin


def _git(repository: Path, *arguments: str, check: bool = True) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments],
        capture_output=True,
        text=True,
        check=check,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": "1", **_TRUST_ANY_OWNER},
    )
    return done.stdout.strip()


# A mirror may belong to another user; only its objects are read and the pins say what they must be.
_TRUST_ANY_OWNER = {"GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}


def entry_points(setup_cfg: str) -> str:
    """The ``[entry_points]`` section of a pbr-style setup.cfg as the text of an egg's entry_points.txt."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(setup_cfg)
    if not parser.has_section("entry_points"):
        return ""
    groups = parser.items("entry_points")
    lines = ((group, re.sub(r"(?m)^\s+", "", value.strip())) for group, value in groups)
    return "\n".join(f"[{group}]\n{value}\n" for group, value in lines)


def _write_entry_points(tree: Path, pin: Pin) -> None:
    setup_cfg = tree / "setup.cfg"
    text = setup_cfg.read_text("utf-8") if setup_cfg.exists() else ""
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    name = parser.get("metadata", "name", fallback="")
    meta = tree / META
    meta.mkdir()
    if name:
        egg = meta / f"{name}.egg-info"
        egg.mkdir()
        (egg / "PKG-INFO").write_text(f"Metadata-Version: 1.1\nName: {name}\nVersion: {pin.tag}\n", "utf-8")
        (egg / "entry_points.txt").write_text(entry_points(text), "utf-8")


def _make_read_only(tree: Path) -> None:
    for path in tree.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


def _make_writable(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(path.stat().st_mode | stat.S_IRWXU)

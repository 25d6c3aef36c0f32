"""Debian's own image where it can be pulled, and the same made with mmdebstrap where no registry answers."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
from docker.errors import APIError, DockerException, ImageNotFound

from osupgrade.model.errors import MissingFault

MIRROR = "OSUPGRADE_DEBIAN_MIRROR"
"""The variable that names another Debian mirror than the default one."""

_DEBIAN = re.compile(r"debian:(\w+)-slim")
# What the slim image has not got either. /dev, /proc and /sys belong to the engine.
_LEFT_OUT = (
    "./dev/*",
    "./proc/*",
    "./sys/*",
    "./var/cache/apt/*",
    "./var/lib/apt/lists/*",
    "./var/log/*.log",
    "./usr/share/doc/*",
    "./usr/share/info/*",
    "./usr/share/locale/*",
    "./usr/share/man/*",
)
_LINE = re.compile(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(?:\S+\s+)*?main\b", re.MULTILINE)
_ALONE = threading.Lock()


class Cancelled(Exception):
    """The command was interrupted while something was being made."""


def provide(client: docker.DockerClient, image: str, say: Callable[[str], None], cancelled: threading.Event) -> str:
    """Make an image that a recipe starts from available, and return the tag it has here.

    It is taken from the engine if it is there, pulled if a registry answers, and else, if it is Debian's slim image,
    made with mmdebstrap. Raises MissingFault with what was tried and how to bring the image.
    """
    try:
        client.images.get(image)
        return image
    except ImageNotFound:
        pass
    suite = _DEBIAN.fullmatch(image)
    made = f"osupgrade/debian:{suite[1]}" if suite else ""
    if made:
        try:
            client.images.get(made)
            return made
        except ImageNotFound:
            pass
    say(f"pulling {image}")
    try:
        client.images.pull(image)
        return image
    except DockerException as fault:
        if not suite:
            raise MissingFault(
                f"{image} cannot be pulled",
                hint=f"docker load it from a machine that can: {image}",
                evidence=str(fault),
            ) from fault
        refusal = str(fault)
    try:
        _bootstrap(client, suite[1], made, say, cancelled)
    except MissingFault as fault:
        fault.evidence = f"pulling {image}: {refusal}\n{fault.evidence}".rstrip()
        raise
    return made


def _bootstrap(
    client: docker.DockerClient, suite: str, tag: str, say: Callable[[str], None], cancelled: threading.Event
) -> None:
    other_ways = (
        f"or run this on a machine that can pull debian:{suite}-slim, `docker save` the image there and "
        "`docker load` it here"
    )
    if os.geteuid() != 0:
        raise MissingFault(
            f"debian:{suite}-slim cannot be pulled, and making it with mmdebstrap needs root",
            hint=f"run `sudo osupgrade images build` once, {other_ways}",
        )
    _install_mmdebstrap(say, other_ways)
    # Not /tmp: it is often mounted without device files, which mmdebstrap makes.
    mirrors = _mirrors()
    for mirror in mirrors:
        try:
            with _scratch(Path("/var/tmp")) as target:
                say(f"mmdebstrap {suite}" + (f" from {mirror}" if mirror else ""))
                # A mirror may be the snapshot of a day, and its release file has a date to expire at.
                late = '--aptopt=Acquire::Check-Valid-Until "false"'
                command = ["mmdebstrap", "--mode=root", "--variant=minbase", late, suite, str(target), *filter(None, [mirror])]
                _run(command, cancelled, suite)
                say("importing the tree")
                _import(client, target, tag)
            return
        except MissingFault:
            if mirror == mirrors[-1]:
                raise


@contextlib.contextmanager
def _scratch(where: Path) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="osupgrade-", dir=where))
    # mkdtemp's 0700 would become the mode of the image's root directory.
    path.chmod(0o755)
    try:
        yield path
    finally:
        # An interrupted mmdebstrap can leave these behind, and removing what is mounted there would reach the host.
        for inside in ("proc", "sys", "dev/pts", "dev"):
            if (path / inside).is_mount():
                subprocess.run(["umount", "--lazy", str(path / inside)], check=True)
        shutil.rmtree(path)


def _install_mmdebstrap(say: Callable[[str], None], other_ways: str) -> None:
    with _ALONE:
        if shutil.which("mmdebstrap"):
            return
        if not shutil.which("apt-get"):
            raise MissingFault("mmdebstrap is not installed", hint=f"install it, {other_ways}")
        say("installing mmdebstrap with apt-get")
        # Ubuntu checks Debian's signatures only with Debian's keys.
        install = ["apt-get", "install", "-y", "--no-install-recommends", "mmdebstrap", "debian-archive-keyring"]
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], install):
            done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MissingFault(
                "mmdebstrap cannot be installed",
                hint=f"apt-get install mmdebstrap, {other_ways}",
                evidence=(done.stdout + done.stderr)[-2000:],
            )


def _mirrors() -> list[str]:
    """The mirrors to try, '' being mmdebstrap's default: the named one, else the one that this host itself uses."""
    if named := os.environ.get(MIRROR):
        return [named]
    lists = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    try:
        system = Path("/etc/os-release").read_text("utf-8")
        sources = "\n\n".join(file.read_text("utf-8") for file in lists if file.is_file())
    except OSError:
        return [""]
    own = debian_mirror(system, sources)
    return [own, ""] if own else [""]


def debian_mirror(system: str, sources: str) -> str:
    """The mirror of Debian's main archive that a Debian host uses, '' where it is not Debian or none is found.

    ``system`` is the text of os-release, ``sources`` that of apt's source files, of either form. Other archives have
    a component ``main`` too, but only Debian's own has the release and its ``-updates``.
    """
    release = dict(re.findall(r"^(\w+)=\"?([^\"\n]*)", system, re.MULTILINE))
    if release.get("ID") != "debian":
        return ""
    offered: dict[str, set[str]] = {}
    for stanza in re.split(r"\n\s*\n", re.sub(r"^\s*#.*\n?", "", sources, flags=re.MULTILINE)):
        fields = dict(re.findall(r"^(\w[\w-]*):[ \t]*(.*)$", stanza, re.MULTILINE))
        if "main" in fields.get("Components", "").split():
            for uri in fields.get("URIs", "").split():
                offered.setdefault(uri, set()).update(fields.get("Suites", "").split())
        for uri, suite in re.findall(
            r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(?:\S+\s+)*?main\b", stanza, re.MULTILINE
        ):
            offered.setdefault(uri, set()).add(suite)
    code = release.get("VERSION_CODENAME", "")
    return next((uri for uri, suites in offered.items() if {code, f"{code}-updates"} <= suites), "")


def _run(command: list[str], cancelled: threading.Event, suite: str) -> None:
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        # A session of its own, so that its children can be ended with it.
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        while process.poll() is None:
            if cancelled.wait(0.2):
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise Cancelled
        output.seek(0)
        last = output.read().splitlines()[-40:]
    if process.returncode != 0:
        raise MissingFault(
            f"mmdebstrap {suite} failed",
            hint=f"is the Debian mirror reachable? {MIRROR}=URL names another one; http_proxy is honoured",
            evidence="\n".join(last),
        )


def _import(client: docker.DockerClient, target: Path, tag: str) -> None:
    def packed() -> Iterator[bytes]:
        command = ["tar", "-C", str(target), *(f"--exclude={path}" for path in _LEFT_OUT), "-cf", "-", "."]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as tar:
            assert tar.stdout is not None
            while block := tar.stdout.read(1 << 20):
                yield block
        if tar.returncode != 0:
            raise MissingFault(f"packing the {tag} tree failed", hint="is the disk full? see df and docker system df")

    repository, _, version = tag.partition(":")
    try:
        client.api.import_image_from_stream(
            packed(), repository=repository, tag=version, changes=["LABEL org.osupgrade.image=debian"]
        )
        client.images.get(tag)
    except APIError as fault:
        raise MissingFault(
            f"the engine rejects the image {tag}", hint="docker system df shows the used space", evidence=str(fault)
        ) from fault

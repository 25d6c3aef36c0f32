"""Building the images that are missing, side by side, and saying which there are."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import queue
import re
import tarfile
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal

import docker
import zstandard
from docker.errors import APIError, DockerException, ImageLoadError, ImageNotFound
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from osupgrade.lab.images.bootstrap import MIRROR, Cancelled, provide
from osupgrade.lab.images.recipe import CERTIFICATES, OURS, Recipe, build_order, load_recipes, runs_on, tag_of
from osupgrade.lab.sources import cache_directory
from osupgrade.model.errors import LabFault, MissingFault, UsageFault

LABEL = "org.osupgrade.image"
_BUILD = "org.osupgrade.build"
_AT_ONCE = 3
"""Two cores' worth of compiling, and one more because a build waits for the network half of its time."""

_ARGUMENTS = {
    "LAB_DEBIAN_MIRROR": (MIRROR,),
    "LAB_PIP_INDEX": ("PIP_INDEX_URL",),
    "NPM_CONFIG_REGISTRY": ("NPM_CONFIG_REGISTRY", "npm_config_registry"),
}
"""Build argument -> the host's variables it is taken from."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY")
"""The engine hands these to a build without keeping them in the image."""

_NETWORK = re.compile(
    r"Temporary failure (in name resolution|resolving)|Could not (resolve|connect)|Network is unreachable|"
    r"Failed to (fetch|establish a new connection)|Connection (refused|timed out)|ENOTFOUND|ETIMEDOUT|ECONNREFUSED",
    re.IGNORECASE,
)

State = Literal["present", "building", "built", "failed"]


class ImageError(MissingFault):
    """An image could not be built; carries the build's last lines and what to do."""


@dataclass(frozen=True)
class Progress:
    """What is going on with one image."""

    image: str
    step: str
    state: State

    def __str__(self) -> str:
        return f"image {self.image}: {self.step}" if self.step else f"image {self.image}: {self.state}"


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
        return _has(self._client, self.tag(name))

    def list(self) -> tuple[ImageInfo, ...]:
        """Every image of the recipes, by name."""
        return tuple(self._info(name) for name in self.recipes)

    def ensure(self, names: Iterable[str], progress: Callable[[Progress], None] = lambda _: None) -> Mapping[str, str]:
        """Build what is missing of ``names`` and return name -> tag.

        ``progress`` is called in the caller's thread. Raises UsageFault for an unknown name and for an image that this
        machine cannot have, and ImageError for the first image that could not be built, after the builds that were
        under way have ended.
        """
        names = tuple(names)
        order = build_order(self.recipes, names, self.present)
        for recipe in (self.recipes[name] for name in order if self.recipes[name].architectures):
            machine = self._machine()
            if not runs_on(recipe, machine):
                raise UsageFault(
                    f"the image {recipe.name} cannot be built on {machine}: {recipe.reason}",
                    hint=f"take {recipe.instead}" if recipe.instead else "",
                )
        for name in names:
            if name not in order:
                progress(Progress(name, "", "present"))
        if order:
            _Crew(self._client, self.recipes, order).work(progress)
        return {name: self.tag(name) for name in names}

    def save(self, names: Iterable[str], file: Path) -> int:
        """Write images into one archive, compressed if it is called ``.zst``; how many bytes that took.

        Raises MissingFault when one is not built, or the file cannot be written; then nothing is left of it.
        """
        tags = [self.tag(name) for name in names]
        for tag in tags:
            if not _has(self._client, tag):
                raise MissingFault(f"the image {tag} is not built", hint="osupgrade images build --all")
        api = self._client.api
        # One archive holds what images share once; the SDK's own call asks for one image only.
        answer = api.get(f"{api.base_url}/v{api.api_version}/images/get", params={"names": tags}, stream=True)
        if not answer.ok:
            raise LabFault("the engine does not give its images", evidence=answer.text, hint="osupgrade doctor")
        scratch = file.with_name(f".{file.name}.part")
        try:
            with scratch.open("wb") as raw, _compressed(raw, file) as out:
                for chunk in answer.iter_content(1 << 20):
                    out.write(chunk)
            scratch.replace(file)
        except OSError as fault:
            raise MissingFault(f"cannot write {file}: {fault.strerror}", hint="free some room there") from fault
        finally:
            answer.close()
            scratch.unlink(missing_ok=True)
        return file.stat().st_size

    def load(self, file: Path) -> tuple[str, ...]:
        """Bring back what :meth:`save` wrote; the tags that it held. Raises UsageFault for any other file."""
        try:
            with file.open("rb") as raw, _decompressed(raw, file) as plain:
                images = self._client.images.load(plain)
        except FileNotFoundError as fault:
            raise UsageFault(f"there is no file {file}", hint="osupgrade images save FILE writes one") from fault
        except (OSError, zstandard.ZstdError, APIError, ImageLoadError) as fault:
            raise UsageFault(f"{file} is no archive of images", evidence=str(fault)) from fault
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


class _Crew:
    """The threads that build some images, each as soon as what it builds on is there."""

    def __init__(self, client: docker.DockerClient, recipes: Mapping[str, Recipe], order: tuple[str, ...]) -> None:
        self._client = client
        self._recipes = recipes
        self._waiting = list(order)
        self._news: queue.Queue[Progress | tuple[str, BaseException | None]] = queue.Queue()
        self._cancelled = threading.Event()
        self._threads: dict[str, threading.Thread] = {}

    def work(self, progress: Callable[[Progress], None]) -> None:
        failures: list[BaseException] = []
        try:
            while self._threads or (self._waiting and not failures):
                if not failures:
                    self._start_what_can()
                news = self._news.get()
                if isinstance(news, Progress):
                    progress(news)
                    continue
                name, failure = news
                self._threads.pop(name).join()
                if failure:
                    failures.append(failure)
        except BaseException:
            # The threads are daemons: when the process ends the engine breaks their builds off. Only one that makes
            # a base image has something on this machine to end and to remove.
            self._cancelled.set()
            for name, thread in self._threads.items():
                if self._recipes[name].outside:
                    thread.join(timeout=20)
            raise
        if failures:
            raise failures[0]

    def _start_what_can(self) -> None:
        for name in list(self._waiting):
            unfinished = {*self._waiting, *self._threads}
            if len(self._threads) < _AT_ONCE and not unfinished.intersection(self._recipes[name].bases):
                self._waiting.remove(name)
                thread = threading.Thread(target=self._make, args=(name,), name=f"build {name}", daemon=True)
                self._threads[name] = thread
                thread.start()

    def _make(self, name: str) -> None:
        failure: BaseException | None = None
        try:
            self._build(name)
        except MissingFault as fault:
            failure = fault
        except Cancelled as broken_off:
            failure = broken_off
        except DockerException as fault:
            failure = diagnose(name, "the engine", str(fault))
        except OSError as fault:
            failure = ImageError(
                f"the image {name} could not be built: the engine did not answer",
                hint="osupgrade doctor checks the engine",
                evidence=str(fault),
            )
        except BaseException as fault:
            failure = fault
        if failure:
            self._news.put(Progress(name, "failed", "failed"))
        self._news.put((name, failure))

    def _build(self, name: str) -> None:
        recipe = self._recipes[name]
        tag = tag_of(self._recipes, name)

        def say(step: str) -> None:
            self._news.put(Progress(name, step, "building"))

        say("starting")
        with _only_builder(name, lambda: say("waiting for another command that is building it")):
            # What a build that was broken off, by Ctrl-C say, left unfinished.
            self._tidy(f"{LABEL}={name}")
            # Another command may have built it while this one waited for its turn.
            if not _has(self._client, tag):
                starts = {f"{OURS}{base}": tag_of(self._recipes, base) for base in recipe.bases}
                starts |= {image: provide(self._client, image, say, self._cancelled) for image in recipe.outside}
                self._run(recipe, tag, starts, say)
        self._news.put(Progress(name, "", "built"))

    def _run(self, recipe: Recipe, tag: str, starts: Mapping[str, str], say: Callable[[str], None]) -> None:
        token = uuid.uuid4().hex
        text = final_dockerfile(recipe, starts, token)
        context = pack(recipe, text, host_certificates())
        last: deque[str] = deque(maxlen=30)
        step = "its first step"
        try:
            # Without the engine's cache no two builds ever share an unfinished layer, so each can tidy up after itself.
            for message in self._client.api.build(
                fileobj=io.BytesIO(context),
                custom_context=True,
                tag=tag,
                rm=True,
                forcerm=True,
                nocache=True,
                decode=True,
                buildargs=build_arguments(recipe, os.environ),
            ):
                if self._cancelled.is_set():
                    raise Cancelled
                last.extend(plain_lines(message.get("stream", "") or message.get("error", "")))
                if found := re.match(r"Step (\d+/\d+) : (.*)", message.get("stream", "")):
                    words = " ".join(found[2].split())
                    step = f"{found[1]} {words[:80]}…" if len(words) > 80 else f"{found[1]} {words}"
                    if words.startswith("RUN"):  # the others take no time worth telling of
                        say(step)
                if "error" in message:
                    raise diagnose(recipe.name, step, "\n".join(last))
        finally:
            self._tidy(f"{_BUILD}={token}")

    def _tidy(self, label: str) -> None:
        with contextlib.suppress(DockerException):
            for image in self._client.images.list(filters={"dangling": True, "label": label}):
                self._client.images.remove(str(image.id))


def final_dockerfile(recipe: Recipe, starts: Mapping[str, str], token: str) -> str:
    """The Dockerfile as the engine gets it: full tags in its FROM lines, and labels on every stage."""

    def line(found: re.Match[str]) -> str:
        image = found[2]
        return f'{found[1]}{starts.get(image, image)}{found[3]}\nLABEL {LABEL}="{recipe.name}" {_BUILD}="{token}"'

    return re.sub(r"^(FROM\s+)(\S+)(.*)$", line, recipe.dockerfile, flags=re.MULTILINE | re.IGNORECASE)


def pack(recipe: Recipe, dockerfile: str, certificates: bytes) -> bytes:
    """The build's context as a tar archive: the Dockerfile, the inputs, and the CA bundle, which only stages copy."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:

        def add(path: str, data: bytes, executable: bool) -> None:
            member = tarfile.TarInfo(path)
            member.size = len(data)
            member.mode = 0o755 if executable else 0o644
            archive.addfile(member, io.BytesIO(data))

        add("Dockerfile", dockerfile.encode(), False)
        add(CERTIFICATES, certificates, False)
        for part in recipe.inputs:
            add(part.path, part.data, part.executable)
    return buffer.getvalue()


def host_certificates(environment: Mapping[str, str] = os.environ) -> bytes:
    """The CA bundle that this machine trusts, so that a proxy that signs anew is trusted inside a build as well."""
    named = [
        environment.get(name, "") for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")
    ]
    usual = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]
    for name in [*named, *usual]:
        if name and Path(name).is_file():
            return Path(name).read_bytes()
    return Path(DEFAULT_CA_BUNDLE_PATH).read_bytes()


def build_arguments(recipe: Recipe, environment: Mapping[str, str]) -> dict[str, str]:
    """The build arguments from the host's environment: mirrors the recipe takes, and the proxies."""
    found = {}
    for argument in recipe.arguments:
        for variable in _ARGUMENTS.get(argument, ()):
            if environment.get(variable):
                found[argument] = environment[variable]
                break
    for name in (*_PROXIES, *map(str.lower, _PROXIES)):
        if environment.get(name):
            found[name] = environment[name]
    return found


def plain_lines(text: str) -> list[str]:
    """A build's output as lines without colours and carriage returns, the empty ones left out."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    return [line.rstrip() for line in re.split(r"[\r\n]+", text) if line.strip()]


def diagnose(name: str, step: str, output: str) -> ImageError:
    """The error of a failed build, with a hint that fits what its last lines say."""
    again = f"osupgrade images build {name}"
    message = f"building the image {name} failed at {step}"
    if re.search(r"no space left on device|disk quota exceeded", output, re.IGNORECASE):
        message = f"the disk is full: building the image {name} stopped at {step}"
        hint = f"docker system df shows what takes the room, osupgrade clean frees the lab's; then {again}"
    elif re.search(r"DO NOT MATCH THE HASHES|computed checksum did NOT match|sha512sum: WARNING", output):
        hint = "the index served another file than the pinned one: ask who runs it; nothing of it was installed"
    elif re.search(r"SSLError|SELF_SIGNED_CERT|unable to get local issuer|certificate verif", output, re.IGNORECASE):
        hint = f"a proxy signs connections anew? SSL_CERT_FILE=<its CA bundle> {again}"
    elif _NETWORK.search(output):
        hint = (
            f"the network was not reached from the build. Mirrors and proxies are taken from {MIRROR}, PIP_INDEX_URL, "
            f"NPM_CONFIG_REGISTRY, HTTP_PROXY and HTTPS_PROXY; then {again}"
        )
    else:
        hint = again
    return ImageError(message, hint=hint, evidence=output)


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


def _has(client: docker.DockerClient, tag: str) -> bool:
    try:
        client.images.get(tag)
    except ImageNotFound:
        return False
    return True


@contextlib.contextmanager
def _only_builder(name: str, on_waiting: Callable[[], None]) -> Iterator[None]:
    """Let one command at a time build an image on this machine; the others wait and then find it there."""
    locks = cache_directory() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / f"image-{name}").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield

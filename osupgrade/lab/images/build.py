"""Building images side by side, each as soon as what it builds on is there."""

from __future__ import annotations

import contextlib
import fcntl
import graphlib
import io
import os
import queue
import re
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import docker
from docker.errors import DockerException, ImageNotFound

from osupgrade.lab.images.bootstrap import Cancelled, provide
from osupgrade.lab.images.context import BUILD, LABEL, build_arguments, final_dockerfile, host_certificates, pack
from osupgrade.lab.images.diagnosis import ImageError, diagnose, plain_lines
from osupgrade.lab.images.recipe import OURS, Recipe, tag_of
from osupgrade.lab.images.registry import Registry
from osupgrade.lab.images.times import BuildTimes
from osupgrade.model.places import cache_directory
from osupgrade.model.errors import MissingFault

_AT_ONCE = 3
"""Two cores' worth of compiling, and one more because a build waits for the network half of its time."""

State = Literal["present", "building", "built", "failed"]


BEAT_SECONDS = 10.0
"""How often progress is reported of a build that prints nothing itself."""


@dataclass(frozen=True)
class Progress:
    """What is going on with one image; ``seconds`` since its build began, and how many are ``left`` where known.

    ``beat`` says that nothing but the time has changed.
    """

    image: str
    step: str
    state: State
    seconds: float = 0.0
    left: float | None = None
    beat: bool = False

    @property
    def share(self) -> float | None:
        """How much of the build is done, from 0 to 1, where that is known."""
        return None if self.left is None else self.seconds / max(self.seconds + self.left, 1.0)

    def __str__(self) -> str:
        text = f"image {self.image}: {self.step or self.state}"
        if self.state == "built":
            return f"{text} in {self.seconds:.0f} s" if self.seconds else text
        if self.beat:
            left = "" if self.left is None else f", about {self.left:.0f} s left" if self.left else ", any moment now"
            return f"{text} ({self.seconds:.0f} s so far{left})"
        return text


class Crew:
    """The threads that build some images, each as soon as what it builds on is there."""

    def __init__(
        self,
        client: docker.DockerClient,
        recipes: Mapping[str, Recipe],
        order: tuple[str, ...],
        registry: Registry | None = None,
    ) -> None:
        self._client = client
        self._registry = registry
        self._recipes = recipes
        self._order = graphlib.TopologicalSorter(
            {name: set(recipes[name].bases).intersection(order) for name in order}
        )
        self._order.prepare()
        self._ready: list[str] = []
        self._news: queue.Queue[Progress | tuple[str, BaseException | None]] = queue.Queue()
        self._cancelled = threading.Event()
        self._threads: dict[str, threading.Thread] = {}
        self._times = BuildTimes(cache_directory() / "build-times.json")
        self._under_way: dict[str, tuple[float, Progress]] = {}
        """When each build began, and what it said last."""

    def work(self, progress: Callable[[Progress], None]) -> None:
        """Build everything; raises the first failure once the builds under way have ended."""
        failures: list[BaseException] = []
        try:
            while self._threads or (self._order.is_active() and not failures):
                if not failures:
                    self._start_ready()
                try:
                    news = self._news.get(timeout=BEAT_SECONDS)
                except queue.Empty:
                    for name in tuple(self._threads):
                        progress(self._timed(name))
                    continue
                if isinstance(news, Progress):
                    progress(self._noted(news))
                    continue
                name, failure = news
                self._threads.pop(name).join()
                if failure:
                    failures.append(failure)
                else:
                    self._order.done(name)
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

    def _noted(self, news: Progress) -> Progress:
        """The news with the time that its build has taken so far."""
        began, _ = self._under_way.setdefault(news.image, (time.monotonic(), news))
        self._under_way[news.image] = (began, news)
        timed = replace(self._timed(news.image), beat=False)
        if news.state == "built":
            self._times.remember(news.image, timed.seconds)
        return timed

    def _timed(self, name: str) -> Progress:
        began, news = self._under_way.get(name, (time.monotonic(), Progress(name, "starting", "building")))
        seconds, last = time.monotonic() - began, self._times.of(name)
        left = None if last is None or news.state != "building" else max(0.0, last - seconds)
        return replace(news, seconds=seconds, left=left, beat=True)

    def _start_ready(self) -> None:
        """Start the images whose bases are built, as many as may run at once."""
        self._ready += self._order.get_ready()
        while self._ready and len(self._threads) < _AT_ONCE:
            name = self._ready.pop(0)
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
        with only_builder(name, lambda: say("waiting for another command that is building it")):
            # What a build that was broken off, by Ctrl-C say, left unfinished.
            self._tidy(f"{LABEL}={name}")
            # Another command may have built it while this one waited for its turn.
            if not has_image(self._client, tag):
                starts = {f"{OURS}{base}": tag_of(self._recipes, base) for base in recipe.bases}
                starts |= {image: provide(self._client, image, say, self._cancelled) for image in recipe.outside}
                self._run(recipe, tag, starts, say)
                if self._registry:
                    say(f"pushing to {self._registry.where}")
                    try:
                        self._registry.push(tag)
                    except MissingFault as fault:  # many may only read there, and the image is here
                        say(f"{fault.message}: {fault.evidence}")
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
            self._tidy(f"{BUILD}={token}")

    def _tidy(self, label: str) -> None:
        with contextlib.suppress(DockerException):
            for image in self._client.images.list(filters={"dangling": True, "label": label}):
                self._client.images.remove(str(image.id))


def has_image(client: docker.DockerClient, tag: str) -> bool:
    """Whether the engine has an image of this tag."""
    try:
        client.images.get(tag)
    except ImageNotFound:
        return False
    return True


@contextlib.contextmanager
def only_builder(name: str, on_waiting: Callable[[], None]) -> Iterator[None]:
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

"""The release containers: one long-lived container a release, in which that release's own tools run."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import shlex
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import docker
import docker.errors
from docker.models.containers import Container

from osupgrade.catalog.render import TemplateError, render_text
from osupgrade.catalog.site import Site
from osupgrade.lab.directories import below
from osupgrade.lab.engine import Lab, Mount, put_files, read_file
from osupgrade.lab.exec import KILLED, ToolRun, require_alive, run_in
from osupgrade.lab.leftovers import LABEL
from osupgrade.lab.observer.recorder import Recorder, put_observer
from osupgrade.lab.parallel import threads
from osupgrade.lab.several import Call, run_several
from osupgrade.lab.sources import META, Sources
from osupgrade.model.errors import LabFault, MissingFault
from osupgrade.model.release import Command, Release, ServiceRelease

PYTHON = "/opt/venv/bin/python"
LAUNCH = "/opt/lab/launch.py"
_MARK = ".complete"
_COMPILED = ".compiled"
# Not the migrations: what is taken out of their directories must be gone, and Python 2 would find it in its .pyc.
_COMPILE = (
    f"{PYTHON} -m compileall -q -x '/(tests|migrate_repo|alembic_migrations)/' {{tree}} >/dev/null; "
    f"touch {{tree}}/{_COMPILED}"
)


@dataclass(frozen=True)
class Overlay:
    """Directories composed at run time: a copy of a service's tree with some files put in and others taken out.

    ``files`` maps paths below the tree to their content, ``remove`` names paths that the copy goes without.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    remove: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """What a tool's configuration is rendered from: where the databases are and what the operator's site is like."""

    lane: str
    urls: Mapping[str, str]
    site: Site


class ReleaseContainer:
    """One release's runtime with its services' trees mounted read-only at ``/src/SERVICE``."""

    def __init__(self, container: Container, release: Release) -> None:
        self.container = container
        self.release = release
        self._written: set[tuple[str, ...]] = set()

    def put(self, path: str, content: bytes) -> None:
        """Write one file, by its absolute path."""
        put_files(self.container, {path: content})

    def run(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        workdir: str | None = None,
        log: Path | None = None,
        recorder: Recorder | None = None,
        name: str = "",
    ) -> ToolRun:
        """Run any command with the release's environment; its migrations are observed where there is a ``recorder``.

        ``name`` is the command's in the record.
        """
        environment = {**self.release.environment, **(env or {})}
        if recorder is None:
            return run_in(self.container, argv, environment=environment, workdir=workdir, log=log)
        place, mark = recorder.place()
        observed = recorder.environment(place, mark, environment)
        try:
            run = run_in(self.container, argv, environment=observed, workdir=workdir, log=log, mark=mark.encode())
        except MissingFault:  # killed alone, for want of memory: what it wrote down before is evidence
            recorder.collect(self._left(place), name)
            raise
        # No rest where the process ended without its exit handlers.
        recorder.collect(self._left(place) if run.rest is None else run.rest, name)
        return dataclasses.replace(run, rest=None)

    def _left(self, place: str) -> bytes | None:
        """The record that a process left at ``place`` without handing it over; None where there is none."""
        left = run_in(self.container, ["cat", place])
        return left.output.encode() if left.ok else None

    def tool(
        self,
        service: str,
        command: Command,
        setting: Setting,
        *,
        log: Path | None = None,
        overlay: Overlay | None = None,
        keep_config: Path | None = None,
        recorder: Recorder | None = None,
        first: str = "",
    ) -> ToolRun:
        """Run one of a service's own commands with its configuration rendered from ``setting``.

        ``keep_config`` is where the very files that the tool reads are kept as evidence; ``first`` is a directory that
        comes first on the tool's PYTHONPATH.
        """
        tree, context = self._prepared(service, setting, overlay, keep_config)
        gettext = ["--gettext", command.gettext] if command.gettext else []
        argv = [PYTHON, LAUNCH, *gettext, *command.entry.split(), *_arguments(command, context)]
        return self.run(argv, self.paths(tree, first), self._workdir(service, tree), log, recorder, command.name)

    def tools(
        self,
        service: str,
        commands: Sequence[Command],
        setting: Setting,
        *,
        log: Path | None = None,
        overlay: Overlay | None = None,
        keep_config: Path | None = None,
        recorder: Recorder | None = None,
        unrecorded: int = 0,
    ) -> list[ToolRun]:
        """Run commands whose entries are ``module:function``, up to the first that fails; see :meth:`tool`.

        All are what the first one's gettext says. The last ``unrecorded`` of them are not observed.
        """
        tree, context = self._prepared(service, setting, overlay, keep_config)
        environment = {**self.release.environment, **self.paths(tree)}
        seen = len(commands) - unrecorded
        places = [recorder.place() if recorder and number < seen else None for number in range(len(commands))]
        if recorder and places[0]:
            environment = recorder.environment(*places[0], environment, later=True)
        calls = [
            Call(command.entry, tuple(_arguments(command, context)), command.accepts, place)
            for command, place in zip(commands, places, strict=True)
        ]
        runs = run_several(
            self.container,
            [PYTHON, LAUNCH],
            calls,
            gettext=commands[0].gettext,
            environment=environment,
            workdir=self._workdir(service, tree),
            log=log,
        )
        for run, command, place in zip(runs, commands, places, strict=False):
            if recorder and place:
                recorder.collect(self._left(place[0]) if run.rest is None else run.rest, command.name)
            if run.exit_status == KILLED:
                require_alive(self.container, PYTHON)
        return [dataclasses.replace(run, rest=None) for run in runs]

    def _prepared(
        self, service: str, setting: Setting, overlay: Overlay | None, keep_config: Path | None
    ) -> tuple[str, dict[str, object]]:
        """The tree that a service's tool is run from, and what the templates of its arguments see."""
        etc = self.configure(self.release.services[service], setting, keep_config)
        tree = self.compose(service, overlay, setting.lane) if overlay is not None else f"/src/{service}"
        return tree, {**self.context(setting), "etc": etc, "src": tree}

    def _workdir(self, service: str, tree: str) -> str:
        return tree if self.release.services[service].pin else "/tmp"

    def paths(self, tree: str, first: str = "") -> dict[str, str]:
        """The environment in which a tree's modules and entry points are found, after what ``first`` holds."""
        return {"PYTHONPATH": ":".join(filter(None, (first, tree, f"{tree}/{META}", "/opt/lab")))}

    def configure(self, part: ServiceRelease, setting: Setting, keep: Path | None = None) -> str:
        """Write a service's configuration for one lane; the directory inside the container that holds it."""
        etc = f"/lab/{setting.lane}/{part.service}"
        context = {**self.context(setting), "etc": etc, "src": f"/src/{part.service}"}
        files = {name: render(text, context).encode() for name, text in part.config.items()}
        put_files(self.container, {f"{etc}/{name}": content for name, content in files.items()})
        if keep is not None:
            below(keep.parents[1], keep.parent.name, keep.name)
            for name, content in files.items():
                (keep / name).write_bytes(content)
        return etc

    def context(self, setting: Setting) -> dict[str, object]:
        """What templates see: the databases' URLs, and the site."""
        return {"db": self.urls(setting), "site": dataclasses.asdict(setting.site)}

    def urls(self, setting: Setting) -> dict[str, str]:
        """The databases' URLs by logical name, with the driver that this release has."""
        return {name: self.release.driver + url[url.index("://") :] for name, url in setting.urls.items()}

    def compose(self, service: str, overlay: Overlay, lane: str) -> str:
        """Lay a composed copy of a service's tree into the container; its directory."""
        tree = f"/lab/{lane}/tree/{service}"
        # With a file that is taken out goes what it was compiled to; with their times the others' stays valid.
        removed = [name for path in overlay.remove for name in (path, f"{path}c")]
        gone = " ".join(shlex.quote(f"{tree}/{name}") for name in removed)
        script = f"rm -rf {tree} && mkdir -p {tree} && cp -a /src/{service}/. {tree} && chmod -R u+w {tree}"
        laid = self.run(["sh", "-ec", f"{script}; rm -rf {gone}" if gone else script])
        if not laid.ok:
            raise LabFault(f"cannot compose a tree of {service}", evidence=laid.output)
        put_files(self.container, {f"{tree}/{path}": content for path, content in overlay.files.items()})
        return tree


class Workshop:
    """All release containers of a run, started when they are first needed."""

    def __init__(self, lab: Lab, releases: Mapping[str, Release], sources: Sources, tags: Mapping[str, str]) -> None:
        self.lab = lab
        self.releases = releases
        self.sources = sources
        self.tags = tags
        self._containers: dict[str, ReleaseContainer] = {}
        self._locks = {name: threading.Lock() for name in releases}

    def release(self, name: str) -> ReleaseContainer:
        """The container of a release."""
        with self._locks[name]:
            if name not in self._containers:
                self._containers[name] = self._start(self.releases[name], name)
            return self._containers[name]

    def extend(self, releases: Mapping[str, Release], sources: Sources, tags: Mapping[str, str]) -> None:
        """Have the containers of more releases, too; ``sources`` gives the pinned code of all."""
        self.sources = sources
        new = {name: release for name, release in releases.items() if name not in self.releases}
        self.releases, self.tags = {**self.releases, **new}, {**self.tags, **tags}
        self._locks.update({name: threading.Lock() for name in new})

    def warm(self, names: Sequence[str]) -> None:
        """Start several releases' containers side by side."""
        with threads(len(names)) as pool:
            list(pool.map(self.release, names))

    def separate(self, name: str, role: str, *, runtime: str = "") -> ReleaseContainer:
        """Another container of a release, known as ``role`` on the lab's network; the caller removes it.

        ``runtime`` names another release whose runtime it has.
        """
        return self._start(self.releases[name], role, runtime)

    def _start(self, release: Release, role: str, runtime: str = "") -> ReleaseContainer:
        parts = [part for part in release.services.values() if part.pin]
        mounts = [
            Mount(source_volume(self.lab, self.sources, p, self.tags[release.name]), f"/src/{p.service}") for p in parts
        ]
        image = self.tags[runtime or release.name]
        container = self.lab.start(image, role, command=["tail", "-f", "/dev/null"], mounts=mounts)
        put_observer(container)
        return ReleaseContainer(container, release)


def source_volume(lab: Lab, sources: Sources, part: ServiceRelease, image: str) -> str:
    """The volume with a service's pinned tree, filled through the engine's API if it is not there yet.

    Not a bind mount, so that it works with an engine on another machine. A mark written last tells a volume that was
    filled whole from one whose filling was interrupted. The tree is compiled once there, for the release's every tool
    and service starts with it and cannot write.
    """
    assert part.pin is not None
    name = f"osupgrade-src-{part.service}-{part.pin.commit[:12]}"
    tree = f"/src/{part.service}"
    with _filling:
        with lab.making():
            lab.client.volumes.create(name, labels={LABEL: "source"})
            # The volume is for later runs too, the container that fills it for this one.
            holder = lab.client.containers.create(
                image,
                ["sh", "-c", _COMPILE.format(tree=tree)],
                labels=lab.labels,
                mounts=[docker.types.Mount(tree, name, type="volume")],
                network_mode="none",
            )
        try:
            if read_file(holder, f"{tree}/{_MARK}") is None:
                holder.put_archive(tree, _tar(sources.tree(part)))
                put_files(holder, {_MARK: part.pin.commit.encode()}, directory=tree)
            if read_file(holder, f"{tree}/{_COMPILED}") is None:
                holder.start()
                holder.wait()
        finally:
            with contextlib.suppress(docker.errors.NotFound):
                holder.remove(force=True)
    return name


_filling = threading.Lock()


def _tar(tree: Path) -> Iterator[bytes]:
    """A tree as a tar stream, in pieces, so that memory stays flat."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in sorted(tree.rglob("*")):
            tar.add(path, arcname=str(path.relative_to(tree)), recursive=False)
            if buffer.tell() > 1 << 20:
                yield _drain(buffer)
    yield buffer.getvalue()


def _drain(buffer: io.BytesIO) -> bytes:
    content = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return content


def _arguments(command: Command, context: Mapping[str, object]) -> list[str]:
    """A command's arguments; those that a template leaves empty are not given."""
    return [text for arg in command.args if (text := render(arg, context))]


def render(text: str, context: Mapping[str, object]) -> str:
    """A template's text; raises LabFault when it names something undefined."""
    try:
        return render_text(text, context)
    except TemplateError as fault:
        raise LabFault(f"a configuration template is wrong: {fault}") from fault

"""One run's corner of the Docker engine: networks and containers of its own, which never outlive it."""

from __future__ import annotations

import contextlib
import io
import secrets
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import docker
import docker.errors
import requests
from docker.models.containers import Container
from docker.models.networks import Network
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from osupgrade.lab.leftovers import leftovers, remove_leftover, run_labels
from osupgrade.lab.reaper import Reaper
from osupgrade.model import interrupt
from osupgrade.model.errors import LabFault, MissingFault

LAST_SECONDS = 60
"""For containers that other threads are just starting when the lab is closed."""


@dataclass(frozen=True)
class Mount:
    """A named volume and where it appears in a container."""

    volume: str
    target: str
    read_only: bool = True


class Lab:
    """The networks and containers of one run. A context manager; leaving it removes everything it made.

    The network has no way out. A second one, without masquerading, carries nothing but the database's published port,
    because Docker publishes no ports of containers on an internal network.

    What it made is known by the labels that everything has from its creation on, so nothing is missed, whenever the
    command is interrupted or killed.
    """

    def __init__(self, client: docker.DockerClient, run_id: str | None = None) -> None:
        self.client = client
        self.run_id = run_id or secrets.token_hex(4)
        self._started: dict[str, Container] = {}
        """What must be running until the lab is closed, by the container's id."""
        self._calm = threading.Condition()
        self._busy = 0
        """Threads that are just making something."""
        self._closed = False
        self._reaper: Reaper | None = None
        self.inside: Network
        self.door: Network
        testcontainers_config.ryuk_disabled = not _present(client, testcontainers_config.ryuk_image)

    def __enter__(self) -> Lab:
        self._reaper = Reaper(self.run_id)
        try:
            self.inside = self._network("inside", internal=True)
            self.door = self._network("door", options={"com.docker.network.bridge.enable_ip_masquerade": "false"})
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def labels(self) -> dict[str, str]:
        """What every object of this run carries."""
        return run_labels(self.run_id)

    def start(
        self,
        image: str,
        name: str,
        *,
        command: Sequence[str] = (),
        entrypoint: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        mounts: Sequence[Mount] = (),
        tmpfs: Mapping[str, str] | None = None,
        publish: int | None = None,
    ) -> Container:
        """Start a container known as ``name`` on the lab's network; ``publish`` opens one port on 127.0.0.1.

        ``entrypoint`` replaces the image's own.
        """
        network = self.inside if publish is None else self.door
        tc = DockerContainer(image).with_name(f"osupgrade-{self.run_id}-{name}").with_envs(**(environment or {}))
        if command:
            tc.with_command(list(command))
        tc.tmpfs.update(tmpfs or {})
        if publish is not None:
            tc.ports[f"{publish}/tcp"] = ("127.0.0.1", None)  # type: ignore[assignment]  # as the SDK takes it
        tc.with_kwargs(
            **({"entrypoint": list(entrypoint)} if entrypoint else {}),
            labels=self.labels,
            hostname=name,
            init=True,
            detach=True,
            mounts=[
                docker.types.Mount(target=m.target, source=m.volume, type="volume", read_only=m.read_only)
                for m in mounts
            ],
            network=network.name,
            networking_config={
                network.name: self.client.api.create_endpoint_config(aliases=[name]),
            },
        )
        if not _present(self.client, tc.image):  # or the engine would look for it on Docker Hub
            raise MissingFault(f"the image {tc.image} is not built", hint="osupgrade images build")
        with self.making():
            try:
                container: Container = tc.start().get_wrapped_container()
                if publish is not None:
                    self.inside.connect(container.id or "", aliases=[name])
            except docker.errors.APIError as fault:
                raise engine_fault(fault, f"cannot start a container of {tc.image}") from fault
            finally:
                tc.get_docker_client().client.close()
            # The lab's own client, because that of testcontainers is closed.
            container = self.client.containers.get(container.id or "")
            self._started[container.id or ""] = container
        return container

    def volume(self, purpose: str) -> str:
        """A throw-away volume that goes with the run."""
        name = f"osupgrade-{self.run_id}-{purpose}"
        with self.making():
            self.client.volumes.create(name, labels=self.labels)
        return name

    def remove(self, container: Container) -> None:
        """Remove one container before the run ends."""
        self._started.pop(container.id or "", None)
        with contextlib.suppress(docker.errors.NotFound):
            container.remove(force=True, v=True)

    def require_whole(self) -> None:
        """Raise LabFault where something that the lab started is gone: nothing that followed says a thing of the cloud.

        Asked before a verdict that is not good, and after a tool has failed.
        """
        try:
            for network in (self.inside, self.door):
                network.reload()
            for container in list(self._started.values()):
                container.reload()
                joined = container.attrs["NetworkSettings"]["Networks"]
                if container.status != "running":
                    raise _broken(f"the container {container.name} stopped ({container.status})")
                if self.inside.name not in joined:
                    raise _broken(f"the container {container.name} was disconnected from its network")
        except docker.errors.NotFound as fault:
            raise _broken("a container or network of the lab was removed", str(fault)) from fault
        except (docker.errors.DockerException, requests.RequestException) as fault:
            raise engine_fault(fault, "the Docker engine failed in the middle of the rehearsal") from fault

    def leave_running(self) -> None:
        """Hand the containers over to the user (``--keep``): closing the lab leaves them be."""
        with self._calm:
            self._closed = True
        self._dismiss()

    def close(self) -> None:
        """Remove all containers, networks and volumes of this run; says nothing about what is gone already."""
        with self._calm:
            if self._closed:
                return
            self._closed = True
        self._sweep()
        with self._calm:
            # What another thread was about to start when the command was interrupted.
            late = not self._calm.wait_for(lambda: not self._busy, timeout=LAST_SECONDS)
        if self._sweep() and not late:
            self._dismiss()
        elif self._reaper is not None:
            self._reaper.leave_to_it()

    def _sweep(self) -> bool:
        """Remove what carries the run's labels; whether nothing is left."""
        try:
            for leftover in list(leftovers(self.client, self.run_id)):
                with contextlib.suppress(docker.errors.APIError):
                    remove_leftover(self.client, leftover)
            return not list(leftovers(self.client, self.run_id))
        except (docker.errors.DockerException, requests.RequestException):
            return False

    def _dismiss(self) -> None:
        if self._reaper is not None:
            self._reaper.dismiss()

    @contextlib.contextmanager
    def making(self) -> Iterator[None]:
        """While something is made: not to be cut in two by a signal, and not begun once the lab is closed."""
        with interrupt.shielded():
            with self._calm:
                if self._closed:
                    raise LabFault("the lab was closed while something was still to be started in it")
                self._busy += 1
            try:
                yield
            finally:
                with self._calm:
                    self._busy -= 1
                    self._calm.notify_all()

    def _network(self, name: str, **options: Any) -> Network:
        with self.making():
            return self.client.networks.create(f"osupgrade-{self.run_id}-{name}", labels=self.labels, **options)


def _broken(what: str, evidence: str = "") -> LabFault:
    return LabFault(
        f"{what} during the run, so nothing can be said about the cloud",
        hint="check whether memory or disk ran out, or whether somebody removed it, then try again",
        evidence=evidence,
    )


def engine_fault(fault: Exception, doing: str) -> LabFault | MissingFault:
    """The engine's refusal in one sentence; a full disk is something that is missing, not a fault of the lab."""
    text = str(fault)
    if "no space left on device" in text.lower():
        return MissingFault(
            f"{doing}: the engine's disk is full", hint="free some space, for instance with `osupgrade clean`"
        )
    if isinstance(fault, docker.errors.NotFound) and "no such container" in text.lower():
        return LabFault(
            "a container of the lab was removed while it was in use",
            evidence=text,
            hint="check who removed it, or whether another tool cleans up here, then try again",
        )
    return LabFault(doing, evidence=text, hint="osupgrade doctor")


def _present(client: docker.DockerClient, image: str) -> bool:
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        return False
    return True


def put_files(container: Container, files: Mapping[str, bytes], *, directory: str = "/") -> None:
    """Write ``files`` (absolute or relative to ``directory``) into a container through the engine's API."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name.lstrip("/"))
            info.size = len(content)
            info.mode = 0o755
            tar.addfile(info, io.BytesIO(content))
    container.put_archive(directory, buffer.getvalue())


def read_files(container: Container, directory: str) -> dict[str, bytes]:
    """The files of a directory of a container (running or only created) by name; none where it is missing."""
    try:
        stream, _ = container.get_archive(directory)
    except docker.errors.NotFound:
        return {}
    found = {}
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
        for member in tar.getmembers():
            if source := tar.extractfile(member):
                found[member.name.rpartition("/")[2]] = source.read()
    return found


def read_file(container: Container, path: str) -> bytes | None:
    """A file's content out of a container (running or only created), through links; None where there is none."""
    try:
        stream, said = container.get_archive(path)
        # The engine gives a link as it is, and says where it ends.
        if target := (said or {}).get("linkTarget"):
            stream, _ = container.get_archive(target)
    except docker.errors.NotFound:
        return None
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
        member = tar.getmembers()[0]
        source = tar.extractfile(member) if member.isreg() else None
        return source.read() if source else None

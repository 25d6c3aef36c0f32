"""One run's corner of the Docker engine: networks and containers that nobody else sees and that never outlive it."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import docker
import docker.errors
import requests
from docker.context import ContextAPI
from docker.context.config import get_current_context_name
from docker.models.containers import Container
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.exceptions import ContainerStartException
from testcontainers.core.network import Network

from osupgrade.lab.reaper import Undertaker
from osupgrade.model.errors import LabFault, MissingFault

LABEL = "org.osupgrade"
"""On everything that the lab makes: ``osupgrade clean`` finds it by this."""
RUN_LABEL = "org.osupgrade.run"
"""On what belongs to one run and goes with it."""
PID_LABEL = "org.osupgrade.pid"


def connect() -> docker.DockerClient:
    """A client of the engine that DOCKER_HOST or the Docker context names; raises MissingFault when none answers."""
    adopt_context()
    try:
        client = docker.from_env(timeout=600, use_ssh_client=True)
        client.ping()
    except (docker.errors.DockerException, requests.RequestException, OSError) as fault:
        where = os.environ.get("DOCKER_HOST", "the default socket")
        raise MissingFault(
            f"no Docker engine answers at {where}",
            hint="start one (`dockerd`, or `make engine` as root on Debian or Ubuntu), then `osupgrade doctor`",
            evidence=str(fault),
        ) from fault
    return client


def adopt_context() -> None:
    """Put what the current Docker context says into this process's environment, unless DOCKER_HOST is set.

    The SDK and testcontainers each have a view of their own of contexts, and one that does not exist is the default to
    them; DOCKER_HOST and what belongs to it means the same to all. Raises MissingFault for a context that cannot be.
    """
    if os.environ.get("DOCKER_HOST"):
        return
    name = os.environ.get("DOCKER_CONTEXT") or get_current_context_name()
    try:
        context = ContextAPI.get_context(name)
    except Exception as fault:  # the SDK raises bare exceptions for a damaged one
        raise MissingFault(f"the Docker context {name!r} cannot be read", evidence=str(fault)) from fault
    if context is None:
        raise MissingFault(
            f"there is no Docker context {name!r}",
            hint="`docker context ls` shows those that exist; DOCKER_CONTEXT=default is the local engine",
        )
    if context.Name == "default" or not context.Host:
        return
    os.environ["DOCKER_HOST"] = context.Host
    certificates = Path(context.tls_path) / "docker"
    if certificates.is_dir():
        os.environ["DOCKER_CERT_PATH"] = str(certificates)
        os.environ["DOCKER_TLS_VERIFY"] = "" if context.endpoints["docker"].get("SkipTLSVerify") else "1"


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
    """

    def __init__(self, client: docker.DockerClient, run_id: str | None = None) -> None:
        self.client = client
        self.run_id = run_id or secrets.token_hex(4)
        self._containers: list[DockerContainer] = []
        self._networks: list[Network] = []
        self._volumes: list[str] = []
        self._lock = threading.Lock()
        self._undertaker: Undertaker | None = None
        self.inside: Network
        self.door: Network
        testcontainers_config.ryuk_disabled = not _present(client, testcontainers_config.ryuk_image)

    def __enter__(self) -> Lab:
        self._undertaker = Undertaker(self.run_id)
        try:
            self.inside = self._network({"internal": True})
            self.door = self._network({"options": {"com.docker.network.bridge.enable_ip_masquerade": "false"}})
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
        return {LABEL: "1", RUN_LABEL: self.run_id, PID_LABEL: str(os.getpid())}

    def start(
        self,
        image: str,
        name: str,
        *,
        command: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        mounts: Sequence[Mount] = (),
        tmpfs: Mapping[str, str] | None = None,
        publish: int | None = None,
    ) -> Container:
        """Start a container known as ``name`` on the lab's network; ``publish`` opens one port on 127.0.0.1."""
        tc = DockerContainer(image).with_name(f"osupgrade-{self.run_id}-{name}").with_envs(**(environment or {}))
        kwargs: dict[str, Any] = {
            "labels": self.labels,
            "hostname": name,
            "init": True,
            "detach": True,
            "tmpfs": dict(tmpfs or {}),
            "mounts": [
                docker.types.Mount(target=m.target, source=m.volume, type="volume", read_only=m.read_only)
                for m in mounts
            ],
        }
        if command:
            tc.with_command(list(command))
        tc.with_network(self.inside if publish is None else self.door).with_network_aliases(name)
        if publish is not None:
            kwargs["ports"] = {f"{publish}/tcp": ("127.0.0.1", None)}
        with self._lock:
            self._containers.append(tc)
        container = self._create(tc, kwargs)
        if publish is not None:
            self.inside.connect(container.id or "", [name])
        return container

    def volume(self, purpose: str) -> str:
        """A throw-away volume that goes with the run."""
        name = f"osupgrade-{self.run_id}-{purpose}"
        self.client.volumes.create(name, labels=self.labels)
        with self._lock:
            self._volumes.append(name)
        return name

    def remove(self, container: Container) -> None:
        """Remove one container before the run ends."""
        with self._lock:
            self._containers = [tc for tc in self._containers if tc.get_wrapped_container().id != container.id]
        with contextlib.suppress(docker.errors.NotFound):
            container.remove(force=True, v=True)

    def leave_running(self) -> None:
        """Hand the containers over to the user (``--keep``): closing the lab leaves them be."""
        self._containers, self._networks, self._volumes = [], [], []
        self._dismiss()

    def close(self) -> None:
        """Remove all containers, networks and volumes of this run; says nothing about what is gone already."""
        with self._lock:
            containers, networks, volumes = self._containers, self._networks, self._volumes
            self._containers, self._networks, self._volumes = [], [], []
        for tc in reversed(containers):
            with contextlib.suppress(docker.errors.APIError, requests.RequestException, ContainerStartException):
                tc.get_wrapped_container().remove(force=True, v=True)
            tc.get_docker_client().client.close()
        for network in networks:
            with contextlib.suppress(docker.errors.APIError, requests.RequestException):
                network.remove()
            network._docker.client.close()
        for name in volumes:
            with contextlib.suppress(docker.errors.APIError, requests.RequestException):
                self.client.volumes.get(name).remove(force=True)
        self._dismiss()

    def _dismiss(self) -> None:
        if self._undertaker is not None:
            self._undertaker.dismiss()

    def _network(self, options: dict[str, Any]) -> Network:
        network = Network(docker_network_kw={**options, "labels": self.labels, "check_duplicate": True})
        network.name = f"osupgrade-{self.run_id}-{'inside' if 'internal' in options else 'door'}"
        network.create()
        self._networks.append(network)
        return network

    def _create(self, tc: DockerContainer, kwargs: dict[str, Any]) -> Container:
        ports = kwargs.pop("ports", None)
        if ports:
            tc.ports.update(ports)
        tmpfs = kwargs.pop("tmpfs")
        tc.tmpfs.update(tmpfs)
        if not _present(self.client, tc.image):  # or the engine would look for it on Docker Hub
            raise MissingFault(f"the image {tc.image} is not built", hint="osupgrade images build")
        try:
            container: Container = tc.with_kwargs(**kwargs).start().get_wrapped_container()
        except docker.errors.APIError as fault:
            raise engine_fault(fault, f"cannot start a container of {tc.image}") from fault
        return container


def engine_fault(fault: Exception, doing: str) -> LabFault | MissingFault:
    """The engine's refusal in one sentence; a full disk is something that is missing, not a fault of the lab."""
    text = str(fault)
    if "no space left on device" in text.lower():
        return MissingFault(
            f"{doing}: the engine's disk is full", hint="free some room, for instance with `osupgrade clean`"
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


def read_file(container: Container, path: str) -> bytes | None:
    """A file's content out of a container (running or only created); None where there is none."""
    try:
        stream, _ = container.get_archive(path)
    except docker.errors.NotFound:
        return None
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
        member = tar.extractfile(tar.getmembers()[0])
        return member.read() if member else None


@dataclass(frozen=True)
class Leftover:
    """Something of the lab's that is still on the engine."""

    kind: str
    name: str
    run: str
    alive: bool
    """Whether the process that made it still runs on this machine."""


def leftovers(client: docker.DockerClient) -> Iterator[Leftover]:
    """Everything of the lab's runs on the engine: containers, networks, volumes. Caches are not left-overs."""
    wanted: dict[str, str | list[str] | bool] = {"label": RUN_LABEL}
    for container in client.containers.list(all=True, filters=wanted, ignore_removed=True):
        yield _leftover("container", container.name or "", container.labels)
    for network in client.networks.list(filters=wanted):
        yield _leftover("network", network.name or "", (network.attrs or {}).get("Labels") or {})
    for volume in client.volumes.list(filters=wanted):
        yield _leftover("volume", volume.name or "", (volume.attrs or {}).get("Labels") or {})


def remove_leftover(client: docker.DockerClient, leftover: Leftover) -> None:
    """Remove one left-over; gone already is fine."""
    with contextlib.suppress(docker.errors.NotFound):
        if leftover.kind == "container":
            client.containers.get(leftover.name).remove(force=True, v=True)
        elif leftover.kind == "network":
            client.networks.get(leftover.name).remove()
        else:
            client.volumes.get(leftover.name).remove(force=True)


def _leftover(kind: str, name: str, labels: Mapping[str, str]) -> Leftover:
    pid = labels.get(PID_LABEL, "")
    return Leftover(kind, name, labels.get(RUN_LABEL, ""), pid.isdigit() and _runs(int(pid)))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

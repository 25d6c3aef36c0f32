"""A release's real services on copies of the databases: started, asked whether they are ready, always removed."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from docker.models.containers import Container

from osupgrade.catalog import content
from osupgrade.catalog.running import Level, Process, Running
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.copies import copied, copy_names
from osupgrade.lab.directories import below
from osupgrade.lab.engine import Lab, put_files, read_file, read_files
from osupgrade.lab.parallel import threads
from osupgrade.lab.release_container import LAUNCH, PYTHON, ReleaseContainer, Workshop, render
from osupgrade.model.errors import LabFault
from osupgrade.model.finding import Finding
from osupgrade.model.text import counted
from osupgrade.verify.instance import BASE, LOGS, Instance, failure, settings

SCRIPTS = f"{BASE}/scripts"
CONTROLLER = "controller"
_INSIDE = Path(__file__).parent / "inside"


@dataclass(frozen=True)
class Account:
    """The lab's own administrator in the copied cloud. A dump does not say what its services' passwords are."""

    tenant: str
    tenant_id: str
    user: str
    password: str

    @classmethod
    def new(cls) -> Account:
        """An account that no cloud has yet."""
        return cls("osupgrade-verify", secrets.token_hex(16), "osupgrade-verify", secrets.token_hex(12))


@dataclass(frozen=True)
class Started:
    """A process that became ready, and how long that took from the first start on."""

    name: str
    service: str
    seconds: float


class ServiceSet:
    """The running services of one release. A context manager; leaving it keeps the logs and removes everything else.

    They run side by side in one container and talk over its loopback, so that no address of theirs can be wrong; the
    broker has a container of its own. ``cloud`` is the copy they work on, ``findings`` says what did not start;
    ``label`` is put before the names of their logs.
    """

    def __init__(
        self,
        cloud: Cloud,
        lab: Lab,
        workshop: Workshop,
        running: Running,
        services: Sequence[str],
        level: Level,
        out: Path,
        say: Callable[[str], None],
        *,
        fast: bool = False,
        label: str = "verify",
    ) -> None:
        self.original = cloud
        self.lab = lab
        self.workshop = workshop
        self.running = running
        self.services = tuple(dict.fromkeys((*running.always, *services)))
        self.level = level
        self.broker = f"{running.broker}-{cloud.lane}" if running.broker and not fast else ""
        """The host name of the broker."""
        self.out = out
        self.label = label
        self.say = say
        self.account = replace(Account.new(), **running.account)
        self.cloud = cloud
        self.started: tuple[Started, ...] = ()
        self.findings: tuple[Finding, ...] = ()
        self.seconds = 0.0
        self._containers: list[Container] = []
        self._instances: tuple[Instance, ...] = ()
        self._copies = contextlib.ExitStack()
        self._release: ReleaseContainer | None = None

    def __enter__(self) -> ServiceSet:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def container(self) -> ReleaseContainer:
        """The container that the services run in."""
        if self._release is None:
            raise LabFault("the services were not started")
        return self._release

    @property
    def ready(self) -> frozenset[str]:
        """The services all of whose processes are ready."""
        lame = {finding.service for finding in self.findings}
        return frozenset(self.services) - lame

    def start(self) -> None:
        """Copy the databases, start everything, wait until each process says that it is ready.

        What does not start is reported in ``findings``; raises LabFault when the lab itself fails.
        """
        began = time.monotonic()
        release = self.running.release
        with threads(3) as pool:
            broker = pool.submit(self._start_broker)
            controller = pool.submit(self.workshop.separate, release, f"{CONTROLLER}-{self.original.lane}")
            copying = pool.submit(self._copy)
            self._release = controller.result()
            self._containers.append(self._release.container)
            self.cloud = copying.result()
            self._install()
            broker.result()
        self._instances = self._instances_of(self.running.wanted(self.services, self.level, fast=not self.broker))
        states = self._start_all(self._instances)
        self.seconds = time.monotonic() - began
        staying = [i for i in self._instances if not i.process.once]
        self.started = tuple(
            Started(i.name, i.process.service, states[i.name]["seconds"]) for i in staying if states[i.name]["ready"]
        )
        self.findings = tuple(self._failure(i, states[i.name]) for i in self._instances if not states[i.name]["ready"])
        self.say(f"{len(self.started)} of {counted(len(staying), '{n} process[|es]')} ready after {self.seconds:.1f} s")

    def stop(self) -> None:
        """Keep every log below ``logs/`` of the run directory; remove containers and copies, whatever happened."""
        try:
            if self._release is not None:
                directory = below(self.out, "logs")
                logs = read_files(self._release.container, LOGS)
                for name in self.names:
                    content = logs.get(f"{name}.log", b"")
                    (directory / f"{self.label}-{name}.log").write_bytes(content)
        finally:
            containers, self._containers, self._release = self._containers, [], None
            for container in containers:
                self.lab.remove(container)
            self._copies.close()

    def logs(self) -> dict[str, str]:
        """What each process has logged so far, by its name."""
        logs = read_files(self.container.container, LOGS)
        return {name: logs.get(f"{name}.log", b"").decode("utf-8", "replace") for name in self.names}

    @property
    def names(self) -> tuple[str, ...]:
        """The processes that were started, ready or not: ``nova-api``, ``nova-compute-HOST``."""
        return tuple(instance.name for instance in self._instances)

    def service_of(self, name: str) -> str:
        """The service that a process belongs to."""
        return next(i.process.service for i in self._instances if i.name == name)

    @property
    def hosts(self) -> dict[str, list[str]]:
        """The hosts on which each process, such as ``nova-compute``, is ready."""
        up = {started.name for started in self.started}
        found: dict[str, list[str]] = {}
        for instance in self._instances:
            if instance.name in up:
                found.setdefault(instance.process.name, []).append(instance.host)
        return found

    def script(self, file: str, service: str, config: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
        """Run one of the release's client scripts; the result that it left.

        ``given`` reaches it as JSON, with the account and the ready services. Raises LabFault when it left no result.
        """
        name = Path(file).stem
        process = Process(name, service, tuple(config))
        (instance,) = self._instances_of((process,))
        known = {
            "account": asdict(self.account),
            "services": sorted(self.ready),
            "site": asdict(self.cloud.site),
            "etc": instance.etc,
            "broker": self.broker,
            "level": self.level,
            **given,
        }
        self._put({f"{BASE}/{name}.json": json.dumps(known).encode()})
        log = below(self.out, "logs") / f"{self.label}-{name}.log"
        argv = [PYTHON, LAUNCH, f"{SCRIPTS}/{file}", f"{BASE}/{name}.json", f"{BASE}/{name}-result.json"]
        run = self.container.run(argv, env=self._paths(service), workdir=BASE, log=log)
        result = self._read(f"{BASE}/{name}-result.json")
        if not result:
            raise LabFault(f"the script {file} did not finish", evidence=run.output[-3000:], hint=f"see {log}")
        answer: dict[str, Any] = json.loads(result)
        return answer

    def _copy(self) -> Cloud:
        """The cloud on copies of its databases: what clients do must not touch the evidence."""
        part = self.workshop.releases[self.running.release].services
        wanted = [d.name for s in self.services for d in part[s].databases]
        names = {logical: name for logical, name in self.original.databases.items() if logical in wanted}
        lane = f"{self.original.lane}-verify"
        copy = self._copies.enter_context(copied(replace(self.original, databases=names), lane))
        cloud = replace(copy, databases={**copy_names(lane, wanted), **copy.databases})
        for service in self.services:
            if not all(d.name in names for d in part[service].databases):
                for database in part[service].databases:
                    self._copies.callback(cloud.lab_server.drop, cloud.databases[database.name])
                    cloud.lab_server.create(cloud.databases[database.name])
                for command in part[service].create:
                    run = cloud.tool(self.running.release, service, command)
                    if run.exit_status not in command.accepts:
                        raise LabFault(f"cannot make a fresh database of {service}", evidence=run.output[-3000:])
        return cloud

    def _start_broker(self) -> None:
        if self.broker:
            tag = self.workshop.tags.get(self.running.broker)
            if tag is None:
                raise LabFault(f"no container image is defined for the message broker {self.running.broker}")
            self._containers.append(self.lab.start(tag, self.broker, environment=self.running.broker_environment))

    def _install(self) -> None:
        scripts = (*sorted(_INSIDE.glob("*.py")), *content.api_scripts(), *self.running.scripts.values())
        self._put({f"{SCRIPTS}/{path.name}": path.read_bytes() for path in scripts})
        for database, statement in self.running.statements:
            if database in self.cloud.databases:
                self.cloud.execute(database, render(statement, self._context("", self.running.host, "statement")))

    def _start_all(self, instances: Sequence[Instance]) -> dict[str, dict[str, Any]]:
        processes = []
        for instance in instances:
            argv, env = self._command(instance)
            process = instance.process
            context = self._context(process.service, instance.host, instance.name)
            processes.append(
                {
                    "name": instance.name,
                    "argv": argv,
                    "env": {**self.container.release.environment, **env},
                    "cwd": self._tree(process.service),
                    "log": instance.log,
                    "state": f"{context['state']}/signing",
                    "url": render(process.url, context),
                    "queue": render(process.queue, context) if self.broker else "",
                    "after": [other.name for other in instances if other.process.name in process.after],
                    "once": process.once,
                }
            )
        spec = {"broker": self.broker, "processes": processes}
        self._put({f"{BASE}/spec.json": json.dumps(spec).encode()})
        run = self.container.run([PYTHON, f"{SCRIPTS}/start.py", f"{BASE}/spec.json"])
        try:
            states: dict[str, dict[str, Any]] = json.loads(run.output.splitlines()[-1])
        except (IndexError, ValueError) as fault:
            raise LabFault("the services could not be started", evidence=run.output[-3000:]) from fault
        return states

    def _instances_of(self, processes: Iterable[Process]) -> tuple[Instance, ...]:
        """Each process on each of its hosts, its configuration written where it will read it."""
        found: list[Instance] = []
        files: dict[str, bytes] = {}
        for process in processes:
            hosts = [self.running.host]
            if process.hosts:
                hosts = [str(row[0]) for row in self.cloud.rows(process.service, process.hosts)] or hosts
            for host in hosts:
                name = f"{process.name}-{host}" if process.hosts else process.name
                context = self._context(process.service, host, name)
                config = {file: render(self.running.templates[file], context) for file in process.config}
                kept = below(self.out, "config", self.label, name)
                for file, text in config.items():
                    (kept / file).write_text(text, "utf-8")
                instance = Instance(process, host, name, config)
                files |= {f"{instance.etc}/{file}": text.encode() for file, text in config.items()}
                found.append(instance)
        self._put(files)
        return tuple(found)

    def _command(self, instance: Instance) -> tuple[list[str], dict[str, str]]:
        process = instance.process
        context = self._context(process.service, instance.host, instance.name)
        gettext = ["--gettext", process.gettext] if process.gettext else []
        argv = [process.program] if process.program else [PYTHON, LAUNCH, *gettext]
        argv += render(process.entry, context).split()
        argv += [text for argument in process.args if (text := render(argument, context))]
        extra = {name: render(value, context) for name, value in process.environment.items()}
        return argv, {**self._paths(process.service), **extra}

    def _context(self, service: str, host: str, name: str) -> dict[str, Any]:
        return {
            **self.container.context(self.cloud.setting),
            "src": self._tree(service),
            "scripts": SCRIPTS,
            "broker": self.broker,
            "account": asdict(self.account),
            "host": host,
            "etc": f"{BASE}/etc/{name}",
            "state": f"{BASE}/state/{name}",
        }

    def _tree(self, service: str) -> str:
        part = self.container.release.services.get(service)
        return f"/src/{service}" if part is not None and part.pin else "/tmp"

    def _paths(self, service: str) -> dict[str, str]:
        paths = self.container.paths(self._tree(service))
        return {**self.running.environment, "PYTHONPATH": f"{SCRIPTS}:{paths['PYTHONPATH']}"}

    def _put(self, files: Mapping[str, bytes]) -> None:
        put_files(self.container.container, files)

    def _read(self, path: str) -> bytes:
        return read_file(self.container.container, path) or b""

    def _failure(self, instance: Instance, state: Mapping[str, Any]) -> Finding:
        log = self._read(instance.log).decode("utf-8", "replace")
        found = failure(instance, log, state, f"logs/{self.label}-{instance.name}.log")
        self.say(f"{instance.name} does not start: {found.lack}: {found.said}")
        kept = self.out / "config" / self.label / instance.name
        self.say(f"its configuration, {kept}: {'; '.join(settings(instance))}")
        return found.finding

"""One process as it runs at the end: where its files are, and the finding if it does not start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from osupgrade.catalog.running import Process
from osupgrade.cloud.judge import diagnose
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.verify.tracebacks import bare, tracebacks

BASE = "/lab/verify"
LOGS = f"{BASE}/log"
_SECRET = re.compile(r"(://[^:/@\s]+:)[^@\s]+@|((?:password|token)\s*=\s*)\S+")


@dataclass(frozen=True)
class Instance:
    """A process as it really runs: on one host, with its configuration rendered."""

    process: Process
    host: str
    name: str
    config: Mapping[str, str]

    @property
    def etc(self) -> str:
        """The directory of its configuration."""
        return f"{BASE}/etc/{self.name}"

    @property
    def log(self) -> str:
        """The file that it logs to."""
        return f"{LOGS}/{self.name}.log"


@dataclass(frozen=True)
class Failure:
    """A process that did not become ready: what was missing, its last words, and what the report shows."""

    lack: str
    said: str
    finding: Finding


def failure(instance: Instance, log: str, state: Mapping[str, Any], place: str) -> Failure:
    """One screen: the last error, the last lines of the log, the configuration that was read.

    ``state`` is what the script that starts the processes reports; ``place`` is where the run keeps the log.
    """
    log = bare(log)
    raised = tracebacks(log)
    found = diagnose(log)
    error = raised[-1].error if raised else found.error if found else ""
    lack = f"it exited {state['status']}" if state["status"] is not None else str(state.get("lack", "no answer"))
    lines = [line for line in log.splitlines() if line.strip()][-12:]
    rows: list[tuple[object, ...]] = [("log", line[:300]) for line in lines]
    for file, text in instance.config.items():
        rows += [(file, masked(line)) for line in _said(text)]
    finding = Finding(
        source="verify",
        severity=Severity.ERROR,
        service=instance.process.service,
        place=instance.name,
        message=f"{instance.name} does not start on the upgraded database: {error or lack}",
        consequence="its part of the cloud is down after the upgrade",
        evidence=Evidence.of(("where", "line"), rows, show=70),
        command=f"less {place}",
    )
    return Failure(lack, error or (lines[-1].strip()[:300] if lines else "its log is empty"), finding)


def settings(instance: Instance) -> Iterator[str]:
    """The options that it was given, without what is secret."""
    for text in instance.config.values():
        for line in _said(text):
            yield masked(line.replace(" = ", "="))


def _said(text: str) -> Iterator[str]:
    return (line for line in text.splitlines() if line.strip() and not line.startswith("#"))


def masked(line: str) -> str:
    """A line of a configuration without passwords and tokens."""
    return _SECRET.sub(lambda match: f"{match[1]}***@" if match[1] else f"{match[2]}***", line)

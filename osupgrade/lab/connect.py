"""Reaching the Docker engine that the environment names, and saying why where it cannot be reached."""

from __future__ import annotations

import os
from pathlib import Path

import docker
import docker.errors
import requests
from docker.context import ContextAPI
from docker.context.config import get_current_context_name

from osupgrade.model.errors import MissingFault

ANSWER_SECONDS = 30
"""For an engine's first answer: one that hangs is reported after that."""
WORK_SECONDS = 600
"""For any later one: removing a large container takes its time."""


def connect() -> docker.DockerClient:
    """A client of the engine that DOCKER_HOST or the Docker context names; raises MissingFault when none answers."""
    adopt_context()
    try:
        docker.from_env(timeout=ANSWER_SECONDS, use_ssh_client=True).close()
        client = docker.from_env(timeout=WORK_SECONDS, use_ssh_client=True)
        client.ping()
    except (docker.errors.DockerException, requests.RequestException, OSError, ValueError) as fault:
        raise _unreachable(fault) from fault
    return client


def _unreachable(fault: Exception) -> MissingFault:
    where = os.environ.get("DOCKER_HOST", "the default socket")
    text = str(fault)
    if "permission denied" in text.lower():
        return MissingFault(
            f"this account has no right to use the Docker engine at {where}",
            hint="run as root, or have root run `usermod -aG docker YOU` and log in again; then `osupgrade doctor`",
            evidence=text,
        )
    if "timed out" in text.lower():
        return MissingFault(
            f"the Docker engine at {where} does not answer",
            hint="restart it, then `osupgrade doctor`",
            evidence=text,
        )
    return MissingFault(
        f"no Docker engine answers at {where}",
        hint="start one (`dockerd`, or `make engine` as root on Debian or Ubuntu), then `osupgrade doctor`",
        evidence=text,
    )


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

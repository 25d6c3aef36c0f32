"""A registry that a team or a CI shares: an image that it has is not built, and one that was built is put there.

The tags are those of the engine, hashes of everything that goes into an image, so a registry never has an older one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import docker
from docker.errors import APIError, DockerException, NotFound

from osupgrade.model.errors import MissingFault, UsageFault

REGISTRY = "OSUPGRADE_REGISTRY"
"""The variable that names it: a host, with a path if need be."""


@dataclass(frozen=True)
class Registry:
    """The registry at ``where``, as one engine reaches it; the engine's own login is used."""

    client: docker.DockerClient
    where: str

    def pull(self, tag: str) -> bool:
        """Pull an image under its tag here; whether the registry has it. Raises MissingFault when it cannot be asked."""
        name, _, version = tag.rpartition(":")
        try:
            self.client.images.pull(f"{self.where}/{name}", tag=version).tag(name, version)
            self.client.images.remove(f"{self.where}/{tag}", noprune=True)
        except NotFound:
            return False
        except APIError as fault:
            if "manifest unknown" in str(fault) or "not found" in str(fault):
                return False
            raise self._fault("pull", tag, str(fault.explanation or fault)) from fault
        except DockerException as fault:
            raise self._fault("pull", tag, str(fault)) from fault
        return True

    def push(self, tag: str) -> None:
        """Push an image of this engine. Raises MissingFault when the registry does not take it."""
        name, _, version = tag.rpartition(":")
        there = f"{self.where}/{name}"
        try:
            self.client.images.get(tag).tag(there, version)
            try:
                for message in self.client.images.push(there, tag=version, stream=True, decode=True):
                    if "error" in message:
                        raise self._fault("push", tag, str(message["error"]))
            finally:
                self.client.images.remove(f"{there}:{version}", noprune=True)
        except DockerException as fault:
            raise self._fault("push", tag, str(fault)) from fault

    def _fault(self, what: str, tag: str, said: str) -> MissingFault:
        return MissingFault(
            f"cannot {what} {self.where}/{tag}",
            hint=f"is the address right, and did you log in (`docker login`)? Unset {REGISTRY} to build everything here",
            evidence=said,
        )


def registry_of(client: docker.DockerClient, environment: Mapping[str, str] = os.environ) -> Registry | None:
    """The registry that the environment names, None where it names none; raises UsageFault for what is no address.

    Engines take lower case only, while a CI gives the name of its project as that is written.
    """
    where = environment.get(REGISTRY, "").strip().rstrip("/").lower()
    if "://" in where or any(letter.isspace() for letter in where):
        raise UsageFault(
            f"{REGISTRY} is a host with a path, not {where!r}", hint=f"such as {REGISTRY}=registry.example.org/team"
        )
    return Registry(client, where) if where else None

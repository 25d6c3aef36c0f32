"""Where the content lies: ``images/`` and ``scenarios/``, in a checkout or in an installed wheel."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

_PACKAGE = Path(__file__).resolve().parent.parent
_SERVICES = _PACKAGE / "openstack"
_SHIPPED = _PACKAGE / "_content"
"""Where a wheel carries them; a checkout has them beside the package."""


def root() -> Path:
    """The directory in which ``images/`` and ``scenarios/`` lie."""
    return _SHIPPED if _SHIPPED.is_dir() else _PACKAGE.parent


def images() -> Path:
    """The directory of releases, runtimes and database servers."""
    return root() / "images"


def scenarios() -> Path:
    """The directory of the traps that come with the lab."""
    return root() / "scenarios"


def services() -> Path:
    """The directory of what the lab knows of each service."""
    return _SERVICES


def service_file(service: str, name: str) -> Path:
    """A file of what the lab knows of one service, or of ``common``."""
    return _SERVICES / service / name


def service_files(name: str) -> tuple[Path, ...]:
    """The files of that name of every service that has one, and of ``common``, sorted."""
    return tuple(sorted(_SERVICES.glob(f"*/{name}")))


def api_scripts() -> tuple[Path, ...]:
    """The scripts, sent into containers, that put the same questions to the APIs of every release."""
    return tuple(sorted(_SERVICES.glob("*/apis/*.py")))


def modules(part: str) -> Iterator[str]:
    """The dotted names of the modules in the package ``part`` of every service, such as ``invariants``, sorted."""
    for file in sorted(_SERVICES.glob(f"*/{part}/*.py")):
        if file.stem != "__init__":
            yield f"osupgrade.openstack.{file.parent.parent.name}.{part}.{file.stem}"


def helpers(service: str, name: str = "sql") -> ModuleType:
    """What is known of one service and helps with its databases: the module ``NAME`` of its directory."""
    return importlib.import_module(f"osupgrade.openstack.{service}.{name}")

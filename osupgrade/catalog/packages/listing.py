"""Reading what a controller says is installed: ``pip freeze``, ``dpkg -l`` or ``rpm -qa``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from osupgrade.catalog.packages.needs import newer
from osupgrade.model.errors import UsageFault

_PIP = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)===?([^\s;#]+)")
_DPKG = re.compile(r"[hi]i[ R]?\s+([a-z0-9][a-z0-9.+-]*)(?::[a-z0-9]+)?\s+(\S+)")
_RPM = re.compile(
    r"([A-Za-z0-9][\w.+-]*?)-((?:\d+:)?[^-\s]+)-([^-\s]+)(?:\.(?:noarch|x86_64|i[3-6]86|aarch64|ppc64le))?"
)
_RENAMED = {
    "python-concurrent-futures": "futures",
    "python-crypto": "pycrypto",
    "python-jinja2-26": "jinja2",
    "python-memcache": "python-memcached",
    "python-migrate": "sqlalchemy-migrate",
    "python-mysqldb": "mysql-python",
    "python-openssl": "pyopenssl",
    "python-paste-deploy": "pastedeploy",
    "python-paste-deploy1-5": "pastedeploy",
    "python-routes1-12": "routes",
    "python-sqlalchemy0-7": "sqlalchemy",
    "python-webob1-2": "webob",
    "python-yaml": "pyyaml",
}
"""Debian's and Red Hat's names that do not follow from the name on PyPI, in normal form; EPEL 6 has some twice."""


@dataclass(frozen=True)
class Installed:
    """One installed package: its name on PyPI in normal form, upstream's version, and the name that the list has."""

    name: str
    version: str
    listed: str


@dataclass(frozen=True)
class Listing:
    """What one controller has. ``manager`` is pip, dpkg or rpm; ``packages`` are by their name on PyPI."""

    manager: str
    packages: dict[str, Installed]


def read_listing(text: str, source: str) -> Listing:
    """Read a list of installed packages; raises UsageFault when it is none of the three kinds.

    Packages of the distributions that are no Python library are taken too, under their own names.
    """
    readers: dict[str, Callable[[str], Iterator[tuple[str, str]]]] = {"dpkg": _dpkg, "pip": _pip, "rpm": _rpm}
    found = {manager: list(reader(text)) for manager, reader in readers.items()}
    manager = max(found, key=lambda name: len(found[name]))
    if not found[manager]:
        raise UsageFault(
            f"{source} lists no installed packages",
            hint="give the unchanged output of `pip freeze`, `dpkg -l` or `rpm -qa` from the controller",
        )
    packages: dict[str, Installed] = {}
    for name, version in found[manager]:
        one = Installed(_on_pypi(name, manager), _upstream(version), name)
        if one.name not in packages or newer(one.version, packages[one.name].version):
            packages[one.name] = one
    return Listing(manager, packages)


def _pip(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if match := _PIP.fullmatch(line.split("#")[0].split(";")[0].strip()):
            yield match[1], match[2]


def _dpkg(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if match := _DPKG.match(line.strip()):
            yield match[1], match[2]


def _rpm(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if match := _RPM.fullmatch(line.strip()):
            yield match[1], match[2]


def _on_pypi(name: str, manager: str) -> str:
    plain = canonicalize_name(name)
    if manager == "pip":
        return plain
    if plain in _RENAMED:
        return _RENAMED[plain]
    if plain.endswith("client") or not plain.startswith("python-"):
        return plain
    return plain.removeprefix("python-")


def _upstream(version: str) -> str:
    """A distribution's version without its epoch and its own part: ``1:0.7.8-1ubuntu1~cloud0`` is 0.7.8."""
    bare = re.sub(r"^\d+:", "", version)
    match = re.match(r"\d+(?:\.\d+)*(?:\.?(?:a|b|rc|post|dev)\d+)?", bare)
    return match[0] if match else bare

"""What the operator knows about his cloud and a database cannot tell (``site.toml``)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from osupgrade.catalog.packages.listing import read_listing
from osupgrade.model.errors import UsageFault

_CHOICES = {
    "plugin": ("openvswitch", "linuxbridge", "ml2"),
    "tunnel_type": ("gre", "vxlan", "none"),
    "hosts": ("short", "fqdn"),
}


@dataclass(frozen=True)
class Site:
    """The facts of one cloud; every one has a default that fits a common Grizzly installation.

    ``plugin`` is the core plugin before the move to ML2, ``service_plugins`` those besides it (``router``, ``lbaas``),
    ``hosts`` how hosts name themselves once upgraded. ``migrations`` holds a directory of own migration scripts by
    service, ``core_plugin`` overrides the class that a release's tool is told, for clouds that were set up otherwise.
    ``mechanism_drivers`` are ML2's, for releases that have no other core plugin,
    ``launch_commands`` the commands that start the API services.
    ``keep_plugin_tables`` keeps the old plugin's tables through the move to ML2. ``packages`` are what a controller has
    installed, each as ``NAME==VERSION``; in the file, the path of the output of ``pip freeze``, ``dpkg -l`` or
    ``rpm -qa``.
    """

    plugin: str = "openvswitch"
    service_plugins: tuple[str, ...] = ("router",)
    tunnel_type: str = "gre"
    tunnel_id_ranges: str = "1:1000"
    network_vlan_ranges: str = "physnet1:100:299,physnet2"
    security_groups: bool = True
    hosts: str = "short"
    core_plugin: str = ""
    mechanism_drivers: tuple[str, ...] = ("openvswitch",)
    launch_commands: tuple[str, ...] = ()
    keep_plugin_tables: bool = False
    migrations: tuple[tuple[str, str], ...] = ()
    packages: tuple[str, ...] = ()


def read_site(path: Path) -> Site:
    """Read ``site.toml``; raises UsageFault that names the file, the key and what would be right."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as fault:
        raise UsageFault(f"cannot read {path}: {fault.strerror}") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise UsageFault(f"{path} is not TOML: {fault}") from fault
    return site_from(data, str(path))


def site_from(data: dict[str, Any], name: str) -> Site:
    """Check parsed ``site.toml`` data; ``name`` is the file's name for messages."""
    defaults = Site()
    known = {field.name for field in fields(Site)}
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key not in known:
            raise UsageFault(f"{name}: unknown key {key!r}; known keys: {', '.join(sorted(known))}")
        values[key] = _checked(name, key, value, getattr(defaults, key))
    return Site(**values)


def _checked(name: str, key: str, value: Any, default: Any) -> Any:
    if key == "migrations":
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise UsageFault(f"{name}: migrations must be a table of SERVICE = directory")
        return tuple(sorted(value.items()))
    if key == "packages":
        return _installed(name, value)
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise UsageFault(f"{name}: {key} must be a list of names")
        return tuple(value)
    if not isinstance(value, type(default)):
        raise UsageFault(f"{name}: {key} must be a {type(default).__name__}, not {value!r}")
    if key in _CHOICES and value not in _CHOICES[key]:
        raise UsageFault(f"{name}: {key} must be one of {', '.join(_CHOICES[key])}, not {value!r}")
    return value


def _installed(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, list):  # a run's manifest has what was read, not where
        return tuple(str(one) for one in value)
    if not isinstance(value, str):
        raise UsageFault(f"{name}: packages must be the path of a list of installed packages")
    file = Path(name).parent / value
    try:
        text = file.read_text("utf-8", "replace")
    except OSError as fault:
        raise UsageFault(f"{name}: cannot read packages from {file}: {fault.strerror}") from fault
    return tuple(f"{one.name}=={one.version}" for one in read_listing(text, str(file)).packages.values())

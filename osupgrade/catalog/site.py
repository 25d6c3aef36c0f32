"""What operators know about their cloud and a database cannot tell (``site.toml``).

Which values an option of a service has, and which one is usual, is that service's own matter:
``osupgrade/openstack/<service>/site.toml``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, create_model

from osupgrade.catalog import content
from osupgrade.catalog.loading import Strict, read_toml, validate
from osupgrade.catalog.packages.listing import read_listing
from osupgrade.catalog.services import services
from osupgrade.model.errors import UsageFault


class Option(Strict):
    """One option of a service that a site may set."""

    default: str
    choices: tuple[str, ...] = ()
    """All that it may be; empty: anything."""
    seeded: tuple[str, ...] = ()
    """What a seeded cloud may have, where that is less."""
    form: Literal["text", "ranges", "named ranges"] = "text"
    """How it is written: FIRST:LAST with commas between, or NAME and NAME:FIRST:LAST."""
    least: int = 1
    most: int = 1 << 32
    """Between these, both included, lie the numbers of its ranges."""


@functools.cache
def options() -> Mapping[str, Option]:
    """Every option that a service describes, by name."""
    found: dict[str, Option] = {}
    for file in sorted(content.services().glob("*/site.toml")):
        found |= {key: validate(value, Option, f"{file}: {key}") for key, value in read_toml(file).items()}
    return found


def _usual(name: str) -> Any:
    return field(default_factory=lambda: options()[name].default)


@dataclass(frozen=True)
class Site:
    """The facts of one cloud; every one has a default that fits a common installation.

    ``plugin`` is the core plugin before the move to ML2, ``service_plugins`` those besides it (``router``, ``lbaas``),
    ``hosts`` how hosts name themselves once upgraded. ``migrations`` holds a directory of custom migration scripts by
    service, ``core_plugin`` overrides the class that a release's tool gets, for clouds that were set up in another way.
    ``mechanism_drivers`` are ML2's, for releases that have no other core plugin,
    ``launch_commands`` the commands that start the API services.
    ``keep_plugin_tables`` keeps the old plugin's tables through the move to ML2. ``packages`` are what a controller has
    installed, each as ``NAME==VERSION``; in the file, the path of the output of ``pip freeze``, ``dpkg -l`` or
    ``rpm -qa``.
    """

    plugin: str = _usual("plugin")
    service_plugins: tuple[str, ...] = ("router",)
    tunnel_type: str = _usual("tunnel_type")
    tunnel_id_ranges: str = _usual("tunnel_id_ranges")
    network_vlan_ranges: str = _usual("network_vlan_ranges")
    security_groups: bool = True
    hosts: str = "short"
    core_plugin: str = ""
    mechanism_drivers: tuple[str, ...] = field(default_factory=lambda: (options()["mechanism_drivers"].default,))
    launch_commands: tuple[str, ...] = ()
    keep_plugin_tables: bool = False
    migrations: tuple[tuple[str, str], ...] = ()
    packages: tuple[str, ...] = ()


_HOSTS = ("short", "fqdn")
_DIGITS = 10
_LONGEST = 16 << 20
"""Bytes of the longest list of packages."""


@functools.cache
def _model() -> type[Strict]:
    """What a file may hold: the fields of :class:`Site`, but a table of migrations and the path of a list."""
    kinds: dict[str, Any] = {
        "hosts": Annotated[str, AfterValidator(functools.partial(_one_of, _HOSTS))],
        "migrations": dict[str, str],
        # A run's manifest has what was read, a file where.
        "packages": str | tuple[str, ...],
    }
    for name, option in options().items():
        if option.choices:
            kinds[name] = Annotated[str, AfterValidator(functools.partial(_one_of, option.choices))]
        elif option.form != "text":
            kinds[name] = Annotated[str, AfterValidator(functools.partial(_ranges, option))]
    line = Annotated[str, AfterValidator(_one_line)]
    plain: dict[str, Any] = {"str": line, "bool": bool, "tuple[str, ...]": tuple[line, ...]}
    # All may be left out, but not be null: TOML has no null.
    found: dict[str, Any] = {e.name: (kinds.get(e.name, plain.get(str(e.type))), None) for e in fields(Site)}
    made: type[Strict] = create_model("SiteFile", __base__=Strict, **found)
    return made


def _one_of(choices: tuple[str, ...], value: str) -> str:
    if value not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}, not {value!r}")
    return value


def _one_line(value: str) -> str:
    """Text as a line of a tool's configuration has it: more than a line of it would be options of its own."""
    if not value.isprintable():
        raise ValueError(f"must be one line of text that can be shown, not {value!r}")
    return value


def _ranges(option: Option, value: str) -> str:
    named = option.form == "named ranges"
    for part in value.split(",") if value or not named else ():
        name, *numbers = part.strip().split(":") if named else ("", *part.strip().split(":"))
        if named and (not name or not name.isprintable() or len(numbers) not in (0, 2)):
            raise ValueError(f"must be NAME or NAME:FIRST:LAST, with commas between, not {value!r}")
        if not named and len(numbers) != 2:
            raise ValueError(f"must be FIRST:LAST, with commas between, not {value!r}")
        if not all(one.isascii() and one.isdigit() and len(one) <= _DIGITS for one in numbers):
            raise ValueError(f"has a range that is not NUMBER:NUMBER: {part.strip()!r}")
        first, last = map(int, numbers or (option.least, option.most))
        if not option.least <= first <= last <= option.most:
            raise ValueError(
                f"has a range outside {option.least}:{option.most}, or with its ends reversed: {part.strip()!r}"
            )
    return value


def read_site(path: Path, *, trusted: bool = True) -> Site:
    """Read ``site.toml``; raises UsageFault that names the file, the key and what would be right.

    One that is not ``trusted``, because it came in an archive, must not cause other files to be read.
    """
    return site_from(read_toml(path), str(path), trusted=trusted)


def site_from(data: Mapping[str, Any], name: str, *, trusted: bool = True) -> Site:
    """Check parsed ``site.toml`` data; ``name`` is the file's name for messages."""
    checked = validate(dict(data), _model(), name)
    values = {key: getattr(checked, key) for key in data}
    if "migrations" in values:
        values["migrations"] = tuple(sorted(values["migrations"].items())) if trusted else ()
        for service, directory in values["migrations"]:
            if service not in services():
                raise UsageFault(
                    f"{name}: migrations.{service}: {service!r} is not a service",
                    hint=f"services are {', '.join(services())}",
                )
            if not _is_directory(directory):
                raise UsageFault(
                    f"{name}: migrations.{service}: {directory!r} is not a directory",
                    hint="give the absolute path of your migration scripts, or one relative to the current directory",
                )
    if isinstance(values.get("packages"), str):
        if not trusted:
            raise UsageFault(f"{name}: packages: must be a list here, not the path of a file")
        values["packages"] = _installed(name, values["packages"])
    return Site(**values)


def _is_directory(text: str) -> bool:
    try:
        return Path(text).is_dir()
    except (OSError, ValueError):
        return False


def _installed(name: str, value: str) -> tuple[str, ...]:
    file = Path(name).parent / value
    try:
        with file.open("rb") as opened:
            text = opened.read(_LONGEST).decode("utf-8", "replace")
    except (OSError, ValueError) as fault:  # ValueError: a NUL in the path
        reason = fault.strerror if isinstance(fault, OSError) else str(fault)
        raise UsageFault(f"{name}: packages: cannot read {file}: {reason}") from fault
    return tuple(f"{one.name}=={one.version}" for one in read_listing(text, str(file)).packages.values())

"""What a seeded cloud looks like: one small file, checked before anything starts."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import ipaddress
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, get_type_hints

from osupgrade.catalog.loading import read_bounded, toml_tables
from osupgrade.catalog.site import options
from osupgrade.model.errors import UsageFault
from osupgrade.model.text import counted

DEFAULT = Path(__file__).with_name("cloud.toml")

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}\Z")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+\Z")
_TABLE = re.compile(r"\s*\[([^\[\]]+)\]")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_.-]|"[^"]*"|'[^']*')+)\s*=""")
_LINE_IN_MESSAGE = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")

# Tenants that every cloud has, so that no tenant of the description may bear their names.
_TAKEN = frozenset({"admin", "service", "workshop"})
# Above this, booting every instance takes minutes; --scale copies them in seconds.
_MOST_INSTANCES = 2000
_VLANS = 198  # physnet1:100:299 without the two provider networks
_TUNNELS = 1000

Key = tuple[str, ...]

_EARLIEST, _LATEST = datetime.datetime(2000, 1, 1), datetime.datetime(2037, 1, 1)

_WORDS: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    str: "a string",
    bool: "true or false",
    datetime.datetime: "a date and time such as 2014-04-17T12:00:00",
    datetime.date: "a date",
    datetime.time: "a time",
}
_LEAST: dict[Key, int] = {
    ("tenants", "users"): 1,
    ("tenants", "tokens"): 0,
    ("hosts", "compute"): 1,
    ("hosts", "network"): 1,
    ("networks", "per_tenant"): 1,
    ("networks", "floating_ips"): 0,
    ("networks", "handmade_ports"): 0,
    ("instances", "per_tenant"): 1,
    ("instances", "archived"): 0,
    ("volumes", "per_tenant"): 2,
    ("volumes", "deleted_per_tenant"): 0,
    ("images", "per_tenant"): 1,
}
# What one process writes one by one within minutes; hosts are as many as 172.16.0.0/24 has room for as tunnels' ends.
_MOST: dict[Key, int] = {
    ("tenants", "users"): 100,
    ("tenants", "tokens"): 100_000,
    ("hosts", "compute"): 200,
    ("hosts", "network"): 40,
    ("instances", "archived"): 1_000_000,
    ("volumes", "per_tenant"): 1000,
    ("volumes", "deleted_per_tenant"): 1000,
    ("images", "per_tenant"): 1000,
}


@dataclass(frozen=True)
class Tenants:
    """Who owns the cloud's contents."""

    names: tuple[str, ...]
    users: int
    tokens: int


@dataclass(frozen=True)
class Hosts:
    """The machines, and how quantum's agents name them."""

    compute: int
    network: int
    naming: str
    domain: str


@dataclass(frozen=True)
class Networks:
    """Plugin, tenant networks and the way out."""

    plugin: str
    tunnel_type: str
    per_tenant: int
    tenant_range: str
    tenant_prefix: int
    external_range: str
    floating_ips: int
    handmade_ports: int


@dataclass(frozen=True)
class Instances:
    """How many instances, how many of them deleted, and how much of that was archived."""

    per_tenant: int
    deleted: float
    archived: int

    @property
    def deleted_per_tenant(self) -> int:
        """The instances of a tenant that were deleted again."""
        return round(self.per_tenant * self.deleted)


@dataclass(frozen=True)
class Volumes:
    """Volumes of a tenant."""

    per_tenant: int
    deleted_per_tenant: int


@dataclass(frozen=True)
class Images:
    """Images of a tenant."""

    per_tenant: int


@dataclass(frozen=True)
class CloudDescription:
    """Everything that the seeding scripts are given. Equal descriptions give equal clouds."""

    seed: int
    newest: datetime.datetime
    tenants: Tenants
    hosts: Hosts
    networks: Networks
    instances: Instances
    volumes: Volumes
    images: Images

    @property
    def tenant_cidrs(self) -> tuple[tuple[str, ...], ...]:
        """The subnets of each tenant's networks, cut from the tenant range one after the other."""
        subnets = ipaddress.IPv4Network(self.networks.tenant_range).subnets(new_prefix=self.networks.tenant_prefix)
        return tuple(
            tuple(str(next(subnets)) for _ in range(self.networks.per_tenant)) for _tenant in self.tenants.names
        )

    def as_json(self) -> dict[str, Any]:
        """The description as the scripts read it, with what follows from it already worked out."""
        described = dataclasses.asdict(self)
        described["newest"] = self.newest.isoformat(timespec="seconds")
        described["networks"]["tenant_cidrs"] = self.tenant_cidrs
        described["instances"]["deleted_per_tenant"] = self.instances.deleted_per_tenant
        return described

    def digest(self) -> str:
        """A hash of the description that does not depend on the form of the file."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()


def load_description(path: Path | None = None) -> CloudDescription:
    """The description in ``path``, completed from the default cloud; without a path, the default cloud.

    Raises UsageFault, naming the file's line and the reason, for a file that cannot be read, broken TOML, unknown keys,
    wrong types and impossible numbers.
    """
    default = tomllib.loads(DEFAULT.read_text(encoding="utf-8"))
    if path is None:
        return _Reader(str(DEFAULT), DEFAULT.read_text(encoding="utf-8")).read(default, {})
    try:
        text = read_bounded(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageFault(f"{path}: cannot be read: it is not in UTF-8 ({error})") from error
    return parse(text, str(path))


def parse(text: str, source: str) -> CloudDescription:
    """The description in ``text``, completed from the default cloud; raises UsageFault as ``load_description`` does."""
    default = tomllib.loads(DEFAULT.read_text(encoding="utf-8"))
    reader = _Reader(source, text)
    try:
        given = toml_tables(text, source)
    except tomllib.TOMLDecodeError as error:
        where = _LINE_IN_MESSAGE.search(str(error))
        line = int(where[1]) if where and where[1] else max(1, len(text.splitlines()))
        reader.refuse_line(line, f"this is not valid TOML: {_LINE_IN_MESSAGE.sub('', str(error)).strip()}")
    return reader.read(default, given)


class _Reader:
    """One file being read; every refusal names one of its lines."""

    def __init__(self, source: str, text: str) -> None:
        self._source = source
        self._lines = _lines_of(text)

    def read(self, default: Mapping[str, Any], given: Mapping[str, Any]) -> CloudDescription:
        """Complete ``given`` from ``default`` and check the whole."""
        values: dict[str, Any] = {}
        tables = get_type_hints(CloudDescription)
        for key in given:
            if key not in tables:
                self._refuse(f"unknown key {key!r}; known here: {', '.join(tables)}", (key,))
        for key, kind in tables.items():
            value = given.get(key, default[key])
            if not dataclasses.is_dataclass(kind):
                values[key] = self._typed((key,), value, kind)
                continue
            if not isinstance(value, dict):
                self._refuse(f"{key} must be a table, [{key}], not {_kind_of(value)}", (key,))
            fields = get_type_hints(kind)
            for name in value:
                if name not in fields:
                    self._refuse(f"unknown key {name!r} in [{key}]; known here: {', '.join(fields)}", (key, name))
            complete = {**default[key], **value}
            table: Any = kind
            values[key] = table(**{name: self._typed((key, name), complete[name], t) for name, t in fields.items()})
        cloud = CloudDescription(**values)
        self._check_words(cloud)
        self._check_numbers(cloud)
        self._check_addresses(cloud)
        return cloud

    def _typed(self, key: Key, value: Any, kind: Any) -> Any:
        """``value`` as the description holds it, or a refusal that says what was expected."""
        if kind is float and type(value) is int:
            return float(value)
        if kind == tuple[str, ...]:
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                return tuple(value)
            self._refuse(f"{key[-1]} must be a list of strings, not {_kind_of(value)}", key)
        if type(value) is not kind:
            self._refuse(f"{key[-1]} must be {_WORDS[kind]}, not {_kind_of(value)}", key)
        if isinstance(value, datetime.datetime) and value.utcoffset() is not None:
            # By hand: astimezone() overflows at the ends of the calendar, where the next check refuses anyway.
            offset = value.utcoffset() or datetime.timedelta()
            bare = value.replace(tzinfo=None)
            return bare - offset if _EARLIEST.year <= bare.year <= _LATEST.year else bare
        return value

    def _check_words(self, cloud: CloudDescription) -> None:
        names = cloud.tenants.names
        for name in names:
            if not _NAME.match(name):
                reason = f"tenant {name!r}: names are lower-case ASCII letters, digits and hyphens, at most 40"
                self._refuse(f"{reason}; a seeded cloud takes no other characters than ASCII", ("tenants", "names"))
            if name in _TAKEN:
                self._refuse(f"tenant {name!r}: every cloud has a tenant of that name", ("tenants", "names"))
        if len(set(names)) != len(names):
            self._refuse("a tenant's name is given twice", ("tenants", "names"))
        if cloud.hosts.naming not in ("short", "fqdn"):
            self._refuse(f'naming is {cloud.hosts.naming!r}; it is "short" or "fqdn"', ("hosts", "naming"))
        if not _DOMAIN.match(cloud.hosts.domain):
            self._refuse(f"{cloud.hosts.domain!r} is not a domain such as example.net", ("hosts", "domain"))
        for key in ("plugin", "tunnel_type"):
            chosen, seeded = getattr(cloud.networks, key), options()[key].seeded
            if chosen not in seeded:
                self._refuse(f"{key} {chosen!r}: clouds are seeded with {' or '.join(seeded)} only", ("networks", key))

    def _check_numbers(self, cloud: CloudDescription) -> None:
        for key, least in _LEAST.items():
            value = getattr(getattr(cloud, key[0]), key[1])
            if value < least:
                self._refuse(f"{key[1]} is {value}; the least is {least}", key)
            most = _MOST.get(key, value)
            if value > most:
                self._refuse(f"{key[1]} is {value}; the most is {most} (--scale multiplies the whole cloud)", key)
        if not _EARLIEST <= cloud.newest <= _LATEST:
            self._refuse(f"newest is {cloud.newest}; it must be between {_EARLIEST:%Y} and {_LATEST:%Y}", ("newest",))
        if not cloud.tenants.names:
            self._refuse("a cloud needs a tenant", ("tenants", "names"))
        if not 0 <= cloud.instances.deleted <= 1:
            reason = f"deleted is a share between 0 and 1, not {cloud.instances.deleted:g}"
            self._refuse(reason, ("instances", "deleted"))
        if cloud.instances.deleted_per_tenant >= cloud.instances.per_tenant:
            reason = f"of {cloud.instances.per_tenant} instances {cloud.instances.deleted_per_tenant} are deleted"
            self._refuse(f"{reason}: none is left alive", ("instances", "deleted"), ("instances", "per_tenant"))
        alive = cloud.instances.per_tenant - cloud.instances.deleted_per_tenant
        if cloud.networks.floating_ips > alive:
            reason = (
                f"floating_ips is {cloud.networks.floating_ips}, but a tenant has {alive} living instances for them"
            )
            self._refuse(reason, ("networks", "floating_ips"), ("instances", "per_tenant"), ("instances", "deleted"))
        total = cloud.instances.per_tenant * len(cloud.tenants.names)
        if total > _MOST_INSTANCES:
            seeded = counted(total, "{n} instance[s] would be booted one by one")
            reason = f"{seeded}; seed at most {_MOST_INSTANCES} and use --scale"
            self._refuse(reason, ("instances", "per_tenant"), ("tenants", "names"))
        networks = cloud.networks.per_tenant * len(cloud.tenants.names)
        most, of_what = (_TUNNELS, "tunnel ids") if cloud.networks.tunnel_type == "gre" else (_VLANS, "VLANs")
        if networks > most:
            reason = f"{networks} tenant networks, but {most} {of_what}"
            self._refuse(reason, ("networks", "per_tenant"), ("tenants", "names"), ("networks", "tunnel_type"))

    def _check_addresses(self, cloud: CloudDescription) -> None:
        networks, tenants = cloud.networks, len(cloud.tenants.names)
        tenant_range = self._range(("networks", "tenant_range"), networks.tenant_range)
        external = self._range(("networks", "external_range"), networks.external_range)
        if tenant_range.overlaps(external):
            reason = f"tenant_range {tenant_range} and external_range {external} overlap: a router cannot join them"
            self._refuse(reason, ("networks", "external_range"), ("networks", "tenant_range"))
        if not tenant_range.prefixlen <= networks.tenant_prefix <= 30:
            reason = f"tenant_prefix {networks.tenant_prefix} is not between {tenant_range.prefixlen} and 30"
            self._refuse(reason, ("networks", "tenant_prefix"), ("networks", "tenant_range"))
        subnets = 1 << (networks.tenant_prefix - tenant_range.prefixlen)
        if networks.per_tenant * tenants > subnets:
            reason = f"{networks.per_tenant * tenants} tenant networks, but {tenant_range} holds {subnets} of a /"
            self._refuse(
                f"{reason}{networks.tenant_prefix}",
                ("networks", "per_tenant"),
                ("tenants", "names"),
                ("networks", "tenant_prefix"),
                ("networks", "tenant_range"),
            )
        # Without network address, broadcast address and the router's.
        usable = (1 << (32 - networks.tenant_prefix)) - 3
        agents = min(2, cloud.hosts.network)
        ports = -(-cloud.instances.per_tenant // networks.per_tenant) + 1 + networks.handmade_ports + agents
        if ports > usable:
            reason = f"a tenant network needs {ports} ports, but a /{networks.tenant_prefix} has {usable} addresses"
            self._refuse(
                f"{reason} for them",
                ("instances", "per_tenant"),
                ("networks", "handmade_ports"),
                ("networks", "tenant_prefix"),
                ("networks", "per_tenant"),
            )
        outside = (1 << (32 - external.prefixlen)) - 3
        wanted = tenants * (networks.floating_ips + 2)
        if wanted > outside:
            reason = f"routers and floating IPs need {wanted} external addresses, but {external} has {max(0, outside)}"
            self._refuse(reason, ("networks", "external_range"), ("networks", "floating_ips"), ("tenants", "names"))

    def _range(self, key: Key, text: str) -> ipaddress.IPv4Network:
        try:
            return ipaddress.IPv4Network(text)
        except ValueError as error:
            self._refuse(f"{text!r} is not an IPv4 network: {error}", key)

    def _refuse(self, reason: str, *keys: Key) -> NoReturn:
        """Refuse at the first of ``keys`` that is in the file; the others were taken from the default cloud.

        What is in an inline table has no line of its own but the table's.
        """
        for key in (*keys, *(key[:1] for key in keys)):
            if key in self._lines:
                self.refuse_line(self._lines[key], reason)
        self.refuse_line(1, reason)

    def refuse_line(self, line: int, reason: str) -> NoReturn:
        """Refuse the file at one of its lines."""
        raise UsageFault(f"{self._source}, line {line}: {reason}", hint=f"a complete example is {DEFAULT}")


def _lines_of(text: str) -> dict[Key, int]:
    """The line of each table and each key of a TOML file."""
    lines: dict[Key, int] = {}
    table: Key = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _TABLE.match(line):
            table = tuple(part.strip(" \"'") for part in match[1].split("."))
            lines.setdefault(table, number)
        elif match := _KEY.match(line):
            key = (*table, *(part.strip("\"'") for part in match[1].split(".")))
            lines.setdefault(key, number)
            lines.setdefault(key[:1], number)
    return lines


def _kind_of(value: object) -> str:
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    return f"{_WORDS.get(type(value), type(value).__name__)} ({value!r})"

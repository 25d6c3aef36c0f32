"""Multiplying a seeded cloud by set-based SQL: N clouds in one, each with all its relations within itself.

The seeding scripts give every id of the cloud's own contents a marker (``grizzly/common.py``), so a copy is one REPLACE
a column and one INSERT ... SELECT a table. Whole numbers that are keys move on by a stride. What all copies share
(hosts, agents, flavors, roles, the catalog) has no marker and stays single.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

import sqlalchemy
from sqlalchemy import text

from osupgrade.errors import LabFault, UsageFault

MARKER = "c000"
SECOND_MARKER = "4c0d"
MOST = 16384  # copies that fit behind the marker's first hex digit

_GREATEST_KEY = 2**31 - 1
_HOLDS_IDS = 32  # the least length of a column that can hold an id
_TEXT_TYPES = frozenset({"char", "varchar", "text", "mediumtext", "longtext", "tinytext"})


@dataclass(frozen=True)
class Copied:
    """How one table's rows are copied. Columns that are not named are copied, with the ids in their text rewritten."""

    table: str
    keys: tuple[str, ...] = ()
    """Whole numbers that are keys or refer to them: moved on by the stride."""
    owner: str = ""
    """A column that has the marker in the cloud's own rows; empty where every row is the cloud's own."""
    becomes: Mapping[str, str] = field(default_factory=dict)
    """Column -> expression; ``copies.k`` is the copy's number."""


@dataclass(frozen=True)
class Column:
    """A column as information_schema knows it."""

    name: str
    kind: str
    length: int | None


@dataclass(frozen=True)
class Growth:
    """How many rows a table had and has."""

    service: str
    table: str
    before: int
    after: int
    seconds: float


def _nova(*tables: Copied) -> tuple[Copied, ...]:
    """Nova's tables, each followed by its shadow."""
    return tuple(t for c in tables for t in (c, Copied(f"shadow_{c.table}", c.keys, c.owner, c.becomes)))


def _with_shadows(tables: Set[str]) -> frozenset[str]:
    return frozenset(tables) | {f"shadow_{table}" for table in tables}


def _named(column: str) -> Mapping[str, str]:
    return {column: f"CONCAT({{t}}.`{column}`, '-', copies.k)"}


# Parents come before children: foreign keys stay on.
COPIED: Mapping[str, tuple[Copied, ...]] = {
    "keystone": (
        Copied("project", owner="id", becomes=_named("name")),
        Copied("user", owner="id", becomes=_named("name")),
        Copied("group", owner="id", becomes=_named("name")),
        Copied("user_group_membership", owner="user_id"),
        Copied("user_project_metadata", owner="user_id"),
        Copied("user_domain_metadata", owner="user_id"),
        Copied("group_project_metadata", owner="group_id"),
        Copied("group_domain_metadata", owner="group_id"),
        Copied("ec2_credential", owner="access"),
        Copied("credential", owner="id"),
        Copied("trust", owner="id"),
        Copied("trust_role", owner="trust_id"),
        Copied("token", owner="id"),
    ),
    "glance": (
        Copied("images"),
        Copied("image_locations", keys=("id",)),
        Copied("image_properties", keys=("id",)),
        Copied("image_members", keys=("id",)),
        Copied("image_tags", keys=("id",)),
    ),
    "cinder": (
        Copied("volumes"),
        Copied("volume_metadata", keys=("id",)),
        Copied("snapshots"),
        Copied("snapshot_metadata", keys=("id",)),
        Copied("volume_glance_metadata", keys=("id",)),
        Copied("backups"),
        Copied("iscsi_targets", keys=("id", "target_num")),
        Copied("quotas", keys=("id",), owner="project_id"),
        Copied("quota_usages", keys=("id",), owner="project_id"),
        Copied("reservations", keys=("id", "usage_id"), owner="project_id"),
    ),
    "nova": _nova(
        Copied("key_pairs", keys=("id",), owner="user_id"),
        Copied("security_groups", keys=("id",), owner="project_id"),
        Copied("security_group_rules", keys=("id", "parent_group_id", "group_id")),
        Copied("quotas", keys=("id",), owner="project_id"),
        Copied("quota_usages", keys=("id",), owner="project_id"),
        Copied("instance_type_projects", keys=("id",), owner="project_id"),
        Copied("certificates", keys=("id",), owner="project_id"),
        Copied("instances", keys=("id",)),
        Copied("instance_info_caches", keys=("id",)),
        Copied("instance_metadata", keys=("id",)),
        Copied("instance_system_metadata", keys=("id",)),
        Copied("block_device_mapping", keys=("id",)),
        Copied("instance_faults", keys=("id",)),
        Copied("instance_actions", keys=("id",)),
        Copied("instance_actions_events", keys=("id", "action_id")),
        Copied("instance_id_mappings", keys=("id",)),
        Copied("migrations", keys=("id",)),
        Copied("security_group_instance_association", keys=("id", "security_group_id")),
        Copied("reservations", keys=("id", "usage_id"), owner="project_id"),
        Copied("s3_images", keys=("id",)),
        Copied("volume_id_mappings", keys=("id",)),
        Copied("snapshot_id_mappings", keys=("id",)),
        Copied("bw_usage_cache", keys=("id",)),
        Copied("volume_usage_cache", keys=("id", "instance_id")),
    ),
    "neutron": (
        Copied("networks"),
        Copied("externalnetworks"),
        Copied("subnets"),
        Copied("subnetroutes"),
        Copied("dnsnameservers"),
        Copied("ipallocationpools"),
        Copied("ipavailabilityranges"),
        Copied(
            "ovs_network_bindings",
            becomes={
                "physical_network": "CONCAT({t}.`physical_network`, '-', copies.k)",
                "segmentation_id": "IF({t}.`network_type` = 'gre', {t}.`segmentation_id` + copies.k * 1000,"
                " {t}.`segmentation_id`)",
            },
        ),
        Copied("ovs_tunnel_allocations", becomes={"tunnel_id": "{t}.`tunnel_id` + copies.k * 1000"}),
        Copied("ovs_vlan_allocations", becomes={"physical_network": "CONCAT({t}.`physical_network`, '-', copies.k)"}),
        Copied("ports"),
        Copied("ipallocations"),
        Copied("routers"),
        Copied("routerroutes"),
        Copied("floatingips"),
        Copied("securitygroups"),
        Copied("securitygrouprules"),
        Copied("securitygroupportbindings"),
        Copied("networkdhcpagentbindings"),
        Copied("routerl3agentbindings"),
        Copied("quotas", owner="tenant_id"),
    ),
}

# What the copies share, so that a table which nobody thought of shows up (tests/real/test_seed.py).
SHARED: Mapping[str, frozenset[str]] = {
    "keystone": frozenset({"domain", "role", "service", "endpoint", "policy", "migrate_version"}),
    "glance": frozenset({"migrate_version"}),
    "cinder": frozenset({"services", "volume_types", "volume_type_extra_specs", "quota_classes", "migrate_version"}),
    "nova": _with_shadows(
        {"agent_builds", "aggregates", "aggregate_hosts", "aggregate_metadata", "cells", "compute_nodes"}
        | {"compute_node_stats", "consoles", "console_pools", "dns_domains", "fixed_ips", "floating_ips"}
        | {"instance_types", "instance_type_extra_specs", "networks", "provider_fw_rules", "quota_classes"}
        | {"security_group_default_rules", "services", "task_log", "virtual_interfaces", "migrate_version"}
    ),
    "neutron": frozenset({"agents", "ovs_tunnel_endpoints", "alembic_version"}),
}


def scale(
    engine: sqlalchemy.Engine,
    databases: Mapping[str, str],
    factor: int,
    progress: Callable[[str], None] = lambda _line: None,
) -> tuple[Growth, ...]:
    """Make ``factor`` clouds of the seeded one; returns the rows of every copied table before and after.

    ``databases`` maps service to the database's name on the server; services that are not there are left out. Raises
    UsageFault for a factor that cannot be and for another release's databases, LabFault for a cloud whose ids have no
    marker: such a one was not seeded.
    """
    check_factor(databases, factor)
    grown: list[Growth] = []
    with engine.connect() as connection:
        for service, copied in COPIED.items():
            if service not in databases:
                continue
            started = time.monotonic()
            grown += _scale_database(connection, service, databases[service], copied, factor)
            rows = sum(g.after for g in grown if g.service == service)
            progress(f"{service}: {rows:,} rows in {time.monotonic() - started:.1f} s")
    return tuple(grown)


def check_factor(databases: Collection[str], factor: int) -> None:
    """Raise UsageFault for a factor that cannot be, and for another release's databases, by their service names."""
    if not 1 <= factor <= MOST:
        raise UsageFault(f"--scale {factor}: it goes from 1 to {MOST}")
    unknown = sorted(set(databases) - set(COPIED))
    if factor > 1 and unknown:
        raise UsageFault(
            f"--scale can multiply a seeded {', '.join(sorted(COPIED))}; it knows nothing of {', '.join(unknown)}"
        )


def stride_for(greatest: int, factor: int) -> int:
    """By how much keys move from copy to copy: the power of ten above the greatest key in use.

    Raises UsageFault when so many copies do not fit into MySQL's signed INT.
    """
    stride = 1000
    while stride <= greatest:
        stride *= 10
    if stride * factor > _GREATEST_KEY:
        most = _GREATEST_KEY // stride
        raise UsageFault(
            f"--scale {factor}: a cloud with keys up to {greatest} can be multiplied {most} times at most",
            hint="seed a smaller cloud, or scale it less",
        )
    return stride


def statement(database: str, copied: Copied, columns: Sequence[Column], stride: int, *, nova: bool = False) -> str:
    """The one INSERT ... SELECT that makes all copies of a table's rows."""
    names = ", ".join(f"`{column.name}`" for column in columns)
    values = ", ".join(_value(copied, column, stride, nova) for column in columns)
    # In the order of the primary key, which fills InnoDB's pages one after the other: numbers grow with the copy, ids
    # begin with eight digits of the original's.
    tables = (f"`{database}`.osupgrade_original AS t", f"`{database}`.osupgrade_copies AS copies")
    outer, inner = reversed(tables) if copied.keys else tables
    return f"INSERT INTO `{database}`.`{copied.table}` ({names}) SELECT {values} FROM {outer} STRAIGHT_JOIN {inner}"


def original(database: str, copied: Copied, columns: Sequence[Column]) -> str:
    """The statement that sets the rows to be copied apart, so that reading them is not in the way of writing copies."""
    own = f" WHERE `{copied.owner}` LIKE '%{MARKER}%{SECOND_MARKER}%'" if copied.owner else ""
    return (
        f"CREATE TEMPORARY TABLE `{database}`.osupgrade_original AS SELECT * FROM `{database}`.`{copied.table}`{own} "
        f"ORDER BY `{columns[0].name}`"
    )


def _value(copied: Copied, column: Column, stride: int, nova: bool) -> str:
    """What a copy holds in one column."""
    name = f"t.`{column.name}`"
    if column.name in copied.becomes:
        return copied.becomes[column.name].format(t="t")
    if column.name in copied.keys:
        return f"{name} + copies.k * {stride}"
    if nova and column.name == "deleted" and column.kind == "int":
        # A soft-deleted row of nova carries its own id here.
        return f"IF({name} = 0, 0, {name} + copies.k * {stride})"
    if column.kind in _TEXT_TYPES and (column.length or 0) >= _HOLDS_IDS:
        # As bytes: MySQL 5.6 searches multi-byte text character by character, which takes twice as long.
        value = f"REPLACE(REPLACE(BINARY {name}, '-{MARKER}-', copies.dashed), '{MARKER}{SECOND_MARKER}', copies.plain)"
        # A tap device is named by the first eleven characters of its port's id: they end within the marker.
        return f"REPLACE({value}, '-{MARKER[:2]}\"', copies.tap)" if column.kind != "varchar" else value
    return name


def _scale_database(
    connection: sqlalchemy.Connection, service: str, database: str, copied: Sequence[Copied], factor: int
) -> Iterable[Growth]:
    """Copy every table of one database."""
    columns = _columns(connection, database)
    present = [c for c in copied if c.table in columns]
    greatest = max((_greatest(connection, database, c) for c in present), default=0)
    stride = stride_for(greatest, factor)
    _number_copies(connection, database, factor)
    grown = []
    for table in present:
        before = _count(connection, database, table)
        started = time.monotonic()
        if before and factor > 1:
            _refuse_unmarked(connection, database, table, columns[table.table])
            connection.execute(text(original(database, table, columns[table.table])))
            connection.execute(text(statement(database, table, columns[table.table], stride, nova=service == "nova")))
            connection.execute(text(f"DROP TEMPORARY TABLE `{database}`.osupgrade_original"))
            connection.commit()
        seconds = time.monotonic() - started
        after = _count(connection, database, table)
        grown.append(Growth(service, table.table, before, after, seconds))
    connection.execute(text(f"DROP TEMPORARY TABLE `{database}`.osupgrade_copies"))
    return grown


def _columns(connection: sqlalchemy.Connection, database: str) -> Mapping[str, Sequence[Column]]:
    """Every table's columns in their order."""
    query = text(
        "SELECT table_name, column_name, data_type, character_maximum_length FROM information_schema.columns "
        "WHERE table_schema = :database ORDER BY table_name, ordinal_position"
    )
    columns: dict[str, list[Column]] = {}
    for table, name, kind, length in connection.execute(query, {"database": database}):
        columns.setdefault(table, []).append(Column(name, kind, length))
    return columns


def _greatest(connection: sqlalchemy.Connection, database: str, copied: Copied) -> int:
    if not copied.keys:
        return 0
    found = connection.execute(text(f"SELECT MAX(`{copied.keys[0]}`) FROM `{database}`.`{copied.table}`")).scalar()
    return int(found or 0)


def _count(connection: sqlalchemy.Connection, database: str, copied: Copied) -> int:
    return int(connection.execute(text(f"SELECT COUNT(*) FROM `{database}`.`{copied.table}`")).scalar_one())


def _refuse_unmarked(
    connection: sqlalchemy.Connection, database: str, copied: Copied, columns: Sequence[Column]
) -> None:
    """Tables whose key is an id: a row without the marker would be its own copy."""
    if copied.owner or copied.keys or columns[0].name != "id":
        return
    unmarked = text(f"SELECT `id` FROM `{database}`.`{copied.table}` WHERE `id` NOT LIKE '%-{MARKER}-%' LIMIT 3")
    found = [str(row[0]) for row in connection.execute(unmarked)]
    if found:
        raise LabFault(
            f"{database}.{copied.table} has ids without the seed's marker, such as {', '.join(found)}: "
            "only clouds that osupgrade seeded can be multiplied"
        )


def _number_copies(connection: sqlalchemy.Connection, database: str, factor: int) -> None:
    """The numbers of the copies, with what takes each marker's place."""
    connection.execute(
        text(
            f"CREATE TEMPORARY TABLE `{database}`.osupgrade_copies (k INT PRIMARY KEY, dashed CHAR(6), plain CHAR(8), "
            "tap CHAR(4)) CHARACTER SET ascii"
        )
    )
    rows = []
    for k in range(1, factor):
        tag = f"{int(MARKER, 16) + k:x}"
        rows.append({"k": k, "dashed": f"-{tag}-", "plain": f"{tag}{SECOND_MARKER}", "tap": f'-{tag[:2]}"'})
    if rows:
        insert = f"INSERT INTO `{database}`.osupgrade_copies VALUES (:k, :dashed, :plain, :tap)"
        connection.execute(text(insert), rows)

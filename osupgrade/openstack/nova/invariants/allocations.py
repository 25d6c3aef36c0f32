"""The networks keep their segments, and exactly the segments in use are booked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from osupgrade.checks import Check
from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.stage import VERIFY
from osupgrade.model.text import counted

Segment = tuple[str, str, str]
"""Network type, physical network, id; an empty text for what a type does not have."""

_BOOKED_BEFORE = {
    "ovs_vlan_allocations": "SELECT 'vlan', physical_network, vlan_id FROM ovs_vlan_allocations "
    "WHERE allocated AND vlan_id > 0",
    "ovs_tunnel_allocations": "SELECT 'tunnel', '', tunnel_id FROM ovs_tunnel_allocations WHERE allocated",
}
_BOOKED_AFTER = (
    "SELECT 'vlan', physical_network, vlan_id FROM ml2_vlan_allocations WHERE allocated",
    "SELECT 'gre', '', gre_id FROM ml2_gre_allocations WHERE allocated",
    "SELECT 'vxlan', '', vxlan_vni FROM ml2_vxlan_allocations WHERE allocated",
    "SELECT 'flat', physical_network, '' FROM ml2_flat_allocations",
)


@dataclass(frozen=True)
class Before:
    """What the plugin before ML2 held: each network's segment, what was booked, the tunnels' ends."""

    segments: frozenset[tuple[str, Segment]]
    booked: frozenset[Segment]
    endpoints: frozenset[str]


def _census(cloud: Cloud) -> Before:
    tables = cloud.tables("neutron")
    segments: frozenset[tuple[str, Segment]] = frozenset()
    if "ovs_network_bindings" in tables:
        sql = "SELECT network_id, network_type, physical_network, segmentation_id FROM ovs_network_bindings"
        segments = frozenset((str(row[0]), _segment(*row[1:])) for row in cloud.rows("neutron", sql))
    booked = [
        _segment(*row) for table, sql in _BOOKED_BEFORE.items() if table in tables for row in cloud.rows("neutron", sql)
    ]
    return Before(segments, frozenset(booked), _endpoints(cloud))


def _endpoints(cloud: Cloud) -> frozenset[str]:
    """The addresses at which tunnels end; ML2 keeps one table a type of tunnel."""
    tables = cloud.tables("neutron")
    return frozenset(
        str(row[0])
        for table in ("ovs_tunnel_endpoints", "ml2_gre_endpoints", "ml2_vxlan_endpoints")
        if table in tables
        for row in cloud.rows("neutron", f"SELECT ip_address FROM {table}")
    )


def _compare(cloud: Cloud, before: Before) -> Iterator[Finding]:
    if "ml2_network_segments" not in cloud.tables("neutron"):
        return
    sql = "SELECT network_id, network_type, physical_network, segmentation_id FROM ml2_network_segments"
    segments = {(str(row[0]), _segment(*row[1:])) for row in cloud.rows("neutron", sql)}
    lost = before.segments - segments
    if lost:
        yield _finding(
            counted(len(lost), "{n} network[s] lost [its|their] segment or [has|have] a different one"),
            "ports on such a network are connected to another network, or to none",
            ("network", "type", "physical_network", "id"),
            [(network, *segment) for network, segment in sorted(lost)],
        )
    if before.endpoints - _endpoints(cloud):
        ends = sorted(before.endpoints - _endpoints(cloud))
        yield _finding(
            counted(len(ends), "{n} host[s] [is|are] no longer known as [a tunnel endpoint|tunnel endpoints]"),
            "other hosts build no tunnel to such a host until its agent restarts",
            ("address",),
            [(end,) for end in ends],
        )
    booked = {_segment(*row) for sql in _BOOKED_AFTER for row in cloud.rows("neutron", sql)}
    used = {segment for _, segment in segments if segment[0] != "local"}
    if used - booked:
        yield _finding(
            counted(len(used - booked), "{n} segment[s] in use [is|are] not allocated"),
            "ML2 will give the same segment to the next network: two tenants share one network",
            ("type", "physical_network", "id"),
            sorted(used - booked),
        )
    # What was booked for no network before is no damage of the upgrade.
    leaked = {(kind, *rest) for tunnel, *rest in before.booked for kind in _kinds(tunnel)}
    false = {segment for segment in booked - used if segment not in leaked}
    if false:
        yield _finding(
            counted(len(false), "{n} allocation[s] belong[s|] to no network"),
            "they are never released; an id below 1 is not a valid VLAN",
            ("type", "physical_network", "id"),
            sorted(false),
        )


def _kinds(kind: str) -> tuple[str, ...]:
    return ("gre", "vxlan") if kind == "tunnel" else (kind,)


def _segment(kind: object, physical: object, number: object) -> Segment:
    """One segment; a flat network's -1 in the old plugin's tables is no number."""
    return (str(kind), str(physical or ""), "" if kind in ("flat", "local") or number is None else str(number))


def _finding(message: str, consequence: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> Finding:
    return Finding(
        source=check.name,
        severity=Severity.ERROR,
        service="neutron",
        place="neutron.ml2_*",
        message=message,
        consequence=consequence,
        evidence=Evidence.of(columns, [tuple(row) for row in rows]),
    )


check = Check(
    name="allocations",
    title="The networks keep their segments, and exactly those in use are allocated",
    services=("neutron",),
    stages=(VERIFY,),
    census=_census,
    compare=_compare,
)

"""Clouds of other shapes, all of them sound: other descriptions of the seeded cloud, and changes of its tables."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass

from osupgrade.catalog.site import options
from osupgrade.seed.description import CloudDescription

Statement = tuple[str, str]
"""A database's logical name, and what is run in it."""

_AGENTS = {
    "an agent is dead": "UPDATE agents SET heartbeat_timestamp = heartbeat_timestamp - INTERVAL 90 DAY "
    "WHERE agent_type = 'DHCP agent' ORDER BY host LIMIT 1",
    "an agent is switched off": "UPDATE agents SET admin_state_up = 0 WHERE agent_type = 'L3 agent' "
    "ORDER BY host LIMIT 1",
    "a description is long and not ASCII": "UPDATE agents SET description = REPEAT('\u00fc', 200) LIMIT 1",
    "a security group has no ports": "INSERT INTO securitygroups (tenant_id, id, name, description) "
    "SELECT tenant_id, UUID(), 'unused', '' FROM securitygroups ORDER BY id LIMIT 1",
    "no floating IPs": "DELETE FROM floatingips WHERE fixed_port_id IS NULL",
    "no quotas": "DELETE FROM quotas",
}


@dataclass(frozen=True)
class Shape:
    """A sound cloud: its description, and statements by what they make of it."""

    description: CloudDescription
    changes: dict[str, tuple[Statement, ...]]

    def __str__(self) -> str:
        cloud = self.description
        made = (
            f"{len(cloud.tenants.names)} tenants, {cloud.hosts.compute}+{cloud.hosts.network} hosts "
            f"({cloud.hosts.naming}), {cloud.networks.plugin} {cloud.networks.tunnel_type}, "
            f"{cloud.instances.per_tenant} instances each"
        )
        return "; ".join((made, *self.changes))


def shape_of(usual: CloudDescription, seed: int) -> Shape:
    """The shape that belongs to a seed; equal seeds give equal shapes."""
    chance = random.Random(seed)
    tenants = dataclasses.replace(
        usual.tenants,
        names=tuple(f"tenant-{number}" for number in range(chance.randint(1, 4))),
        users=chance.randint(1, 3),
        tokens=chance.choice((0, 1, 50)),
    )
    hosts = dataclasses.replace(
        usual.hosts,
        compute=chance.randint(1, 5),
        network=chance.randint(1, 3),
        naming=chance.choice(("short", "fqdn")),
        domain=chance.choice(("example.net", "a.b.c.example.org", "cloud-1.local")),
    )
    instances = dataclasses.replace(
        usual.instances,
        per_tenant=chance.randint(1, 6),
        deleted=chance.choice((0.0, 0.0, 0.3)),
        archived=chance.choice((0, 0, 20)),
    )
    networks = dataclasses.replace(
        usual.networks,
        plugin=chance.choice(sorted(options()["plugin"].seeded)),
        tunnel_type=chance.choice(sorted(options()["tunnel_type"].seeded)),
        per_tenant=chance.randint(1, 3),
        floating_ips=chance.randint(0, instances.per_tenant - instances.deleted_per_tenant),
        handmade_ports=chance.randint(0, 2),
    )
    described = dataclasses.replace(
        usual,
        seed=seed,
        tenants=tenants,
        hosts=hosts,
        networks=networks,
        instances=instances,
        volumes=dataclasses.replace(usual.volumes, per_tenant=chance.randint(2, 4), deleted_per_tenant=0),
        images=dataclasses.replace(usual.images, per_tenant=chance.randint(1, 2)),
    )
    chosen = chance.sample(sorted(_AGENTS), chance.randint(0, 4))
    return Shape(described, {name: (("neutron", _AGENTS[name]),) for name in sorted(chosen)})

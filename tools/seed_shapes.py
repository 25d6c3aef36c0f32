"""Clouds of other shapes, all of them sound: other descriptions of the seeded cloud, and changes of its tables."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

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
_ROWS = {
    "an archive broke off": (
        ("nova", "SET foreign_key_checks = 0"),
        ("nova", "DELETE s FROM services s JOIN compute_nodes c ON c.service_id = s.id AND c.deleted <> 0"),
        ("nova", "INSERT INTO migrations (instance_uuid, status, deleted) VALUES ('archived', 'confirmed', 0)"),
        ("nova", "INSERT INTO instance_faults (instance_uuid, code, deleted) VALUES ('archived', 500, 0)"),
        ("nova", "INSERT INTO instance_actions (action, instance_uuid, deleted) VALUES ('create', 'archived', 0)"),
    ),
    "a second conductor": (
        (
            "nova",
            "INSERT INTO services (host, `binary`, topic, report_count, disabled, deleted) "
            "SELECT host, `binary`, topic, 0, 0, 0 FROM services "
            "WHERE `binary` = 'nova-conductor' AND deleted = 0 LIMIT 1",
        ),
    ),
    "users whose extra is no JSON": (
        ("keystone", "UPDATE user SET extra = NULL ORDER BY id LIMIT 1"),
        ("keystone", "UPDATE user SET extra = 'x' ORDER BY id DESC LIMIT 1"),
    ),
    "grants that grant nothing": (
        ("keystone", "UPDATE user_domain_metadata SET data = '{}'"),
        ("keystone", "UPDATE user_project_metadata SET data = '{\"roles\": []}' ORDER BY user_id LIMIT 1"),
    ),
    "images in MyISAM": (
        ("glance", "ALTER TABLE image_locations DROP FOREIGN KEY image_locations_ibfk_1"),
        ("glance", "ALTER TABLE image_locations ENGINE = MyISAM"),
    ),
    "no tokens, endpoints or policies": (
        ("keystone", "DELETE FROM token"),
        ("keystone", "DELETE FROM endpoint"),
        ("keystone", "DELETE FROM policy"),
    ),
    "empty services": (
        ("glance", "SET foreign_key_checks = 0"),
        ("glance", "DELETE FROM image_members"),
        ("glance", "DELETE FROM image_tags"),
        ("cinder", "DELETE FROM quota_usages WHERE in_use = 0"),
        ("cinder", "DELETE FROM backups"),
    ),
}
"""Rows as sound clouds may have them: odd, and in nobody's way."""
_SERVICES = ("cinder", "glance", "keystone", "neutron", "nova")
_CHARSETS = {"neutron": ("latin1", "utf8/utf8_unicode_ci"), "nova": ("latin1", "utf8/utf8_unicode_ci")}
"""Character sets with which a service's migrations get along, tables and default alike: ``CHARSET/COLLATION``."""


@dataclass(frozen=True)
class Shape:
    """A sound cloud: its description, and statements by what they make of it."""

    description: CloudDescription
    changes: dict[str, tuple[Statement, ...]]
    services: tuple[str, ...] = ()
    """The services whose databases are given; all of them where none is named."""
    ahead: Mapping[str, str] = field(default_factory=dict)
    """The release at which a service is already, where that is not the first one."""
    charsets: Mapping[str, str] = field(default_factory=dict)
    """What a service's tables, and its database's default, have in place of upstream's character set."""

    @property
    def traps(self) -> frozenset[str]:
        """The scenarios that find something in a cloud of this shape, and are right."""
        return frozenset({"agents-fqdn"} if self.description.hosts.naming == "fqdn" else ())

    def __str__(self) -> str:
        cloud = self.description
        made = (
            f"{len(cloud.tenants.names)} tenants, {cloud.hosts.compute}+{cloud.hosts.network} hosts "
            f"({cloud.hosts.naming}), {cloud.networks.plugin} {cloud.networks.tunnel_type}, "
            f"{cloud.instances.per_tenant} instances each"
        )
        given = f"only {', '.join(self.services)}" if self.services else ""
        ahead = ", ".join(f"{service} at {release}" for service, release in self.ahead.items())
        charsets = ", ".join(f"{service} in {charset}" for service, charset in self.charsets.items())
        return "; ".join(filter(None, (made, *self.changes, given, ahead, charsets)))


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
    changes = {name: (("neutron", _AGENTS[name]),) for name in sorted(chosen)}
    # Drawn apart, so that the seeds above give what they always gave.
    brought = random.Random(f"{seed}: how it is brought")
    odd = sorted(brought.sample(sorted(_ROWS), brought.choice((0, 0, 1, 2))))
    some = tuple(service for service in _SERVICES if brought.random() < 0.6) if brought.random() < 0.3 else ()
    given = some if len(some) < len(_SERVICES) else ()
    ahead = {s: brought.choice(("havana", "icehouse")) for s in given or _SERVICES if brought.random() < 0.2}
    charsets = {s: brought.choice(_CHARSETS[s]) for s in _CHARSETS if s not in ahead and brought.random() < 0.2}
    return Shape(
        described,
        changes | {name: _ROWS[name] for name in odd},
        given,
        ahead,
        {service: charset for service, charset in charsets.items() if service in (given or _SERVICES)},
    )

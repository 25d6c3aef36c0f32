"""Fill the placement database through placement's own objects.

Usage: seed_placement.py CLOUD.json
"""

from __future__ import annotations

import common

cloud = common.deterministic("placement")

from oslo_config import cfg
from placement import conf, db_api, deploy
from placement.context import RequestContext
from placement.objects import allocation, consumer, inventory, project, resource_provider, user

config = cfg.ConfigOpts()
conf.register_opts(config)
config(cloud.configured(placement_database={"connection": cloud.databases["placement"]}), project="placement")
db_api.configure(config)
deploy.update_database(config)
admin = RequestContext(config=config)

providers = {}
for host in cloud.computes:
    provider = resource_provider.ResourceProvider(admin, uuid=cloud.shared("compute node", host), name=host)
    provider.create()
    totals = {"VCPU": (64, 4.0), "MEMORY_MB": (131072, 1.0), "DISK_GB": (2000, 1.0)}
    provider.set_inventory(
        [
            inventory.Inventory(
                resource_provider=provider, resource_class=name, total=total, allocation_ratio=ratio, max_unit=total
            )
            for name, (total, ratio) in totals.items()
        ]
    )
    providers[host] = provider

owners = {}
for name in cloud.projects:
    owner = project.Project(admin, external_id=cloud.project_id(name))
    owner.create()
    person = user.User(admin, external_id=cloud.user_id(name))
    person.create()
    owners[name] = (owner, person)

for name, _number, server, host in cloud.servers():
    owner, person = owners[name]
    holder = consumer.Consumer(admin, uuid=server, project=owner, user=person)
    holder.create()
    wanted = {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}
    allocation.replace_all(
        admin,
        [
            allocation.Allocation(
                resource_provider=providers[host], consumer=holder, resource_class=resource, used=amount
            )
            for resource, amount in wanted.items()
        ],
    )

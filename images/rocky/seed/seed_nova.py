"""Fill nova's API and cell databases through nova's own objects, and the placement tables in its API database.

Usage: seed_nova.py CLOUD.json
"""

import common

cloud = common.deterministic("nova")

from nova import config, context, objects
from nova.db.sqlalchemy import api_models
from nova.db.sqlalchemy import api as nova_db
from nova.network import model
from nova.objects import host_mapping
from nova.rc_fields import ResourceClass

settings = {
    "DEFAULT": {"transport_url": "fake:///", "state_path": "/tmp"},
    "database": {"connection": cloud.databases["nova"]},
    "api_database": {"connection": cloud.databases["nova_api"]},
}
config.parse_args(["seed"] + cloud.configured(**settings))
objects.register_all()
admin = context.get_admin_context()

cell = next(c for c in objects.CellMappingList.get_all(admin) if c.name == "cell1")

flavors = []
for number, (name, vcpus, memory, disk) in enumerate((("small", 1, 512, 1), ("large", 4, 8192, 40)), 1):
    flavor = objects.Flavor(
        context=admin,
        name=name,
        flavorid=str(number),
        vcpus=vcpus,
        memory_mb=memory,
        root_gb=disk,
        ephemeral_gb=0,
        swap=0,
        rxtx_factor=1.0,
        disabled=False,
        is_public=True,
        extra_specs={"hw:cpu_policy": "shared"},
    )
    flavor.create()
    flavors.append(flavor)

with context.target_cell(admin, cell) as within:
    for binary, hosts in (
        ("nova-conductor", ["controller"]),
        ("nova-scheduler", ["controller"]),
        ("nova-consoleauth", ["controller"]),
        ("nova-compute", cloud.computes),
    ):
        for host in hosts:
            service = objects.Service(
                context=within,
                uuid=cloud.shared("service", binary, host),
                host=host,
                binary=binary,
                topic=binary.replace("nova-", ""),
                report_count=1,
                disabled=False,
                forced_down=False,
                last_seen_up=common.datetime.datetime.utcnow(),
            )
            service.create()
            if binary != "nova-compute":
                continue
            node = objects.ComputeNode(
                context=within,
                uuid=cloud.shared("compute node", host),
                service_id=service.id,
                host=host,
                hypervisor_hostname=host,
                hypervisor_type="QEMU",
                hypervisor_version=2011000,
                vcpus=64,
                vcpus_used=0,
                memory_mb=131072,
                memory_mb_used=0,
                local_gb=2000,
                local_gb_used=0,
                free_ram_mb=131072,
                free_disk_gb=2000,
                current_workload=0,
                running_vms=0,
                cpu_info="{}",
                host_ip="192.0.2.%d" % (10 + cloud.computes.index(host)),
                # Stein sets the ratios of those that have none.
                cpu_allocation_ratio=0.0,
                ram_allocation_ratio=0.0,
                disk_allocation_ratio=0.0,
                mapped=0,
                supported_hv_specs=[objects.HVSpec(arch="x86_64", hv_type="kvm", vm_mode="hvm")],
            )
            node.create()
host_mapping.discover_hosts(admin)

zone = objects.Aggregate(context=admin, uuid=cloud.shared("aggregate", "az1"), name="az1")
zone.metadata = {"availability_zone": "az1"}
zone.create()
zone.add_host(cloud.computes[0])

for project in cloud.projects:
    owner = context.RequestContext(cloud.user_id(project), cloud.project_id(project))
    key = objects.KeyPair(
        context=owner,
        user_id=owner.user_id,
        name="%s-key" % project,
        type="ssh",
        fingerprint=":".join(["00"] * 16),
        public_key="ssh-rsa AAAAB3NzaC1yc2E %s" % project,
    )
    key.create()
    group = objects.InstanceGroup(
        context=owner,
        uuid=cloud.id("group", project),
        name="%s-group" % project,
        user_id=owner.user_id,
        project_id=owner.project_id,
        policy="anti-affinity",
        rules={},
        members=[],
    )
    group.create()
    objects.Quotas.create_limit(owner, owner.project_id, "instances", 100)


def network_info(project, number):
    """The port that neutron's script makes for this instance."""
    vif = model.VIF(
        id=cloud.id("port", project, number),
        address=cloud.mac(project, number),
        type="ovs",
        active=True,
        network=model.Network(id=cloud.id("network", project), label="%s-net" % project, subnets=[]),
    )
    return model.NetworkInfo([vif])


def make_instance(within, project, number, server, host):
    """An instance of the cell, as a compute left it running."""
    image = cloud.id("image", project, 1)
    instance = objects.Instance(
        context=within,
        uuid=server,
        project_id=within.project_id,
        user_id=within.user_id,
        display_name="%s-server%d" % (project, number),
        hostname="%s-server%d" % (project, number),
        display_description="seeded",
        image_ref=image,
        key_name="%s-key" % project,
        reservation_id="r-%s" % server[:8],
        vm_state="active",
        power_state=1,
        host=host,
        node=host,
        launched_on=host,
        launched_at=common.datetime.datetime.utcnow(),
        # The first of each project has none, as of before Pike: an online migration fills it in.
        availability_zone=None if number == 1 else "nova",
        root_device_name="/dev/vda",
        vcpus=flavors[0].vcpus,
        memory_mb=flavors[0].memory_mb,
        root_gb=flavors[0].root_gb,
        ephemeral_gb=0,
        config_drive="",
        launch_index=0,
        auto_disk_config=False,
        locked=False,
        instance_type_id=flavors[0].id,
        flavor=flavors[0],
        old_flavor=None,
        new_flavor=None,
        info_cache=objects.InstanceInfoCache(network_info=network_info(project, number)),
        metadata={"seeded": "yes"},
        system_metadata={"image_base_image_ref": image},
        security_groups=objects.SecurityGroupList(objects=[]),
    )
    instance.create()
    give_disks(within, project, number, server, image)
    # The second of each project has no interface row, as of before Newton: Stein makes one out of the cache.
    if number != 2:
        objects.VirtualInterface(
            context=within,
            uuid=cloud.id("port", project, number),
            address="%s/%s" % (cloud.mac(project, number), cloud.id("port", project, number)),
            instance_uuid=server,
            tag="",
        ).create()
    return instance


def give_disks(within, project, number, server, image):
    """The disks of an instance: the image's, and a volume for every other one."""
    disks = [("image", "local", "/dev/vda", {"image_id": image, "boot_index": 0})]
    if number % 2 and number <= cloud.volumes:
        volume = {"volume_id": cloud.id("volume", project, number), "volume_size": number}
        disks.append(("volume", "volume", "/dev/vdb", dict(volume, attachment_id=cloud.id("attachment", project, number))))
    for source, destination, device, more in disks:
        objects.BlockDeviceMapping(
            context=within,
            uuid=cloud.id("block device", server, device),
            instance_uuid=server,
            source_type=source,
            destination_type=destination,
            device_type="disk",
            disk_bus="virtio",
            device_name=device,
            delete_on_termination=source == "image",
            connection_info="{}",
            **more
        ).create()


for project, number, server, host in cloud.servers():
    owner = context.RequestContext(cloud.user_id(project), cloud.project_id(project))
    objects.InstanceMapping(
        context=owner, instance_uuid=server, cell_mapping=cell, project_id=owner.project_id, queued_for_delete=False
    ).create()
    objects.RequestSpec(
        context=owner,
        instance_uuid=server,
        image=objects.ImageMeta(id=cloud.id("image", project, 1), properties=objects.ImageMetaProps()),
        flavor=flavors[0],
        numa_topology=None,
        pci_requests=objects.InstancePCIRequests(requests=[]),
        project_id=owner.project_id,
        user_id=owner.user_id,
        availability_zone="nova",
        num_instances=1,
        is_bfv=False,
    ).create()
    with context.target_cell(owner, cell) as within:
        instance = make_instance(within, project, number, server, host)
        objects.InstanceAction.action_start(within, server, "create", want_result=False)
        objects.InstanceAction.action_finish(within, server, want_result=False)
        if number == cloud.instances:
            instance.destroy()


def place(session):
    """What the computes and the scheduler told placement, whose tables are nova's until Stein."""
    providers = {}
    for host in cloud.computes:
        provider = api_models.ResourceProvider(uuid=cloud.shared("compute node", host), name=host, generation=1)
        session.add(provider)
        session.flush()
        # The first has been there since before Queens, and so without a root; an online migration gives it one.
        if host != cloud.computes[0]:
            provider.root_provider_id = provider.id
        totals = (("VCPU", 64, 16.0), ("MEMORY_MB", 131072, 1.5), ("DISK_GB", 2000, 1.0))
        for kind, total, ratio in totals:
            session.add(
                api_models.Inventory(
                    resource_provider_id=provider.id,
                    resource_class_id=ResourceClass.STANDARD.index(kind),
                    total=total,
                    reserved=0,
                    min_unit=1,
                    max_unit=total,
                    step_size=1,
                    allocation_ratio=ratio,
                )
            )
        providers[host] = provider.id
    owners = {}
    for project in cloud.projects:
        rows = api_models.Project(external_id=cloud.project_id(project)), api_models.User(external_id=cloud.user_id(project))
        session.add_all(rows)
        session.flush()
        owners[project] = [row.id for row in rows]
    for project, number, server, host in cloud.servers():
        if number == cloud.instances:
            continue
        session.add(
            api_models.Consumer(uuid=server, project_id=owners[project][0], user_id=owners[project][1], generation=1)
        )
        for kind, used in (("VCPU", 1), ("MEMORY_MB", 512), ("DISK_GB", 1)):
            session.add(
                api_models.Allocation(
                    resource_provider_id=providers[host],
                    consumer_id=server,
                    resource_class_id=ResourceClass.STANDARD.index(kind),
                    used=used,
                )
            )


with nova_db.api_context_manager.writer.using(admin):
    place(admin.session)

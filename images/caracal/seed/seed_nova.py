"""Fill nova's API and cell databases through nova's own objects.

Usage: seed_nova.py CLOUD.json
"""

from __future__ import annotations

import common

cloud = common.deterministic("nova")

from nova import config, context, objects
from nova.network import model
from nova.objects import host_mapping

settings = {
    "DEFAULT": {"transport_url": "fake:///"},
    "database": {"connection": cloud.databases["nova"]},
    "api_database": {"connection": cloud.databases["nova_api"]},
}
config.parse_args(["seed", *cloud.configured(**settings)])
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

nodes = {}
with context.target_cell(admin, cell) as within:
    for binary, hosts in (
        ("nova-conductor", ["controller"]),
        ("nova-scheduler", ["controller"]),
        ("nova-compute", cloud.computes),
    ):
        for host in hosts:
            service = objects.Service(
                context=within,
                uuid=cloud.shared("service", binary, host),
                host=host,
                binary=binary,
                topic=binary.removeprefix("nova-"),
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
                hypervisor_version=8002002,
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
                host_ip=f"192.0.2.{10 + cloud.computes.index(host)}",
                cpu_allocation_ratio=4.0,
                ram_allocation_ratio=1.0,
                disk_allocation_ratio=1.0,
                mapped=0,
                supported_hv_specs=[objects.HVSpec(arch="x86_64", hv_type="kvm", vm_mode="hvm")],
            )
            node.create()
            nodes[host] = node
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
        name=f"{project}-key",
        type="ssh",
        fingerprint=":".join(["00"] * 16),
        public_key=f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 {project}",
    )
    key.create()
    group = objects.InstanceGroup(
        context=owner,
        uuid=cloud.id("group", project),
        name=f"{project}-group",
        user_id=owner.user_id,
        project_id=owner.project_id,
        policy="soft-anti-affinity",
        rules={},
        members=[],
    )
    group.create()
    quota = objects.Quotas(context=owner)
    quota.create_limit(owner, owner.project_id, "instances", 100)


def network_info(project: str, number: int) -> model.NetworkInfo:
    """The port that neutron's script makes for this instance."""
    vif = model.VIF(
        id=cloud.id("port", project, number),
        address=cloud.mac(project, number),
        type="ovs",
        active=True,
        network=model.Network(id=cloud.id("network", project), label=f"{project}-net", subnets=[]),
    )
    return model.NetworkInfo([vif])


for project, number, server, host in cloud.servers():
    owner = context.RequestContext(cloud.user_id(project), cloud.project_id(project))
    flavor = flavors[0]
    image = cloud.id("image", project, 1)
    mapping = objects.InstanceMapping(
        context=owner,
        instance_uuid=server,
        cell_mapping=cell,
        project_id=owner.project_id,
        user_id=owner.user_id,
        queued_for_delete=False,
    )
    mapping.create()
    objects.RequestSpec(
        context=owner,
        instance_uuid=server,
        image=objects.ImageMeta(id=image, properties=objects.ImageMetaProps(hw_machine_type="q35")),
        flavor=flavor,
        numa_topology=None,
        pci_requests=objects.InstancePCIRequests(requests=[]),
        project_id=owner.project_id,
        user_id=owner.user_id,
        availability_zone="nova",
        num_instances=1,
        is_bfv=False,
    ).create()
    with context.target_cell(owner, cell) as within:
        instance = objects.Instance(
            context=within,
            uuid=server,
            project_id=owner.project_id,
            user_id=owner.user_id,
            display_name=f"{project}-server{number}",
            hostname=f"{project}-server{number}",
            display_description="seeded",
            image_ref=image,
            key_name=f"{project}-key",
            reservation_id=f"r-{server[:8]}",
            vm_state="active",
            power_state=1,
            host=host,
            node=host,
            compute_id=nodes[host].id,
            launched_on=host,
            launched_at=common.datetime.datetime.now(common.datetime.timezone.utc),
            availability_zone="nova",
            root_device_name="/dev/vda",
            vcpus=flavor.vcpus,
            memory_mb=flavor.memory_mb,
            root_gb=flavor.root_gb,
            ephemeral_gb=0,
            config_drive="",
            launch_index=0,
            auto_disk_config=False,
            locked=False,
            instance_type_id=flavor.id,
            flavor=flavor,
            info_cache=objects.InstanceInfoCache(network_info=network_info(project, number)),
            metadata={"seeded": "yes"},
            system_metadata={"image_hw_machine_type": "q35", "image_base_image_ref": image},
        )
        instance.create()
        disks = [("image", "local", "/dev/vda", {"image_id": image, "boot_index": 0})]
        if number % 2 and number <= cloud.volumes:
            volume = {"volume_id": cloud.id("volume", project, number), "volume_size": number}
            attachment = cloud.id("attachment", project, number)
            disks.append(("volume", "volume", "/dev/vdb", {**volume, "attachment_id": attachment}))
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
                **more,
            ).create()
        objects.VirtualInterface(
            context=within,
            uuid=cloud.id("port", project, number),
            address=f"{cloud.mac(project, number)}/{cloud.id('port', project, number)}",
            instance_uuid=server,
            tag="",
        ).create()
        objects.InstanceAction.action_start(within, server, "create", want_result=False)
        objects.InstanceAction.action_finish(within, server, want_result=False)

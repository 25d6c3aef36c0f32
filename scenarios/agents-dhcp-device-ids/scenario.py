"""Grizzly and Havana name a DHCP port after gethostname(), Icehouse after its first label: the agent makes a second."""

import json
import uuid
from collections.abc import Iterator

from osupgrade.scenarios import (
    Cloud,
    Cure,
    Damage,
    Evidence,
    Finding,
    LabFault,
    Scenario,
    Silent,
    Sql,
    Stage,
    counted,
    finding,
    service,
)

neutron_agents = service("neutron", "agents")
neutron = service("neutron")

scenario = Scenario(
    title="Icehouse's DHCP agents do not recognise their ports and create new ones",
    services=("neutron",),
    hops=("icehouse/neutron",),
    symptom=Silent(
        "verify", breaks=("ports", "rows"), damage=Damage(10, ("703183f0-c000-4c0d-b418-6523d4b97fc1", "2", "1"))
    ),
    site={"hosts": "fqdn"},
)

DOMAIN = ".cloud.example.org"
SET_UP = """
import json, socket
from neutron import context
from neutron.agent.linux import dhcp
from neutron.common import utils
from neutron.db import dhcp_rpc_base

class Host(object):
    pass

class Server(object):
    rpc = dhcp_rpc_base.DhcpRpcCallbackMixin()

    def __init__(self, host):
        self.call = dict(context=context.get_admin_context(), host=host)

    def network(self, network):
        return dhcp.NetModel(True, self.rpc.get_network_info(network_id=network, **self.call))

    def create_dhcp_port(self, port):
        return dhcp.DictModel(self.rpc.create_dhcp_port(port=port, **self.call))

    def update_dhcp_port(self, port_id, port):
        return dhcp.DictModel(self.rpc.update_dhcp_port(port_id=port_id, port=port, **self.call))

for name, network in json.loads(bindings):
    socket.gethostname = lambda: str(name)
    manager = dhcp.DeviceManager.__new__(dhcp.DeviceManager)  # without the interface driver, which wants a real bridge
    manager.conf = Host()
    manager.conf.host = utils.get_hostname()
    manager.plugin = Server(manager.conf.host)
    manager.setup_dhcp_port(manager.plugin.network(network))
"""
"""Icehouse's DHCP agent sets up its port on each network that it has, against Icehouse's own neutron.server code."""


@scenario.inject()
def name_fully(cloud: Cloud) -> None:
    """Hosts whose gethostname() is their full name; their DHCP ports are named after it."""
    full = f"CONCAT(a.host, '{DOMAIN}')"
    cloud.execute(
        "neutron",
        "UPDATE ports p JOIN agents a ON a.agent_type = 'DHCP agent' "
        f"AND p.device_id = CONCAT('dhcp', {neutron.uuid5_of('a.host')}, '-', p.network_id) "
        f"SET p.device_id = CONCAT('dhcp', {neutron.uuid5_of(full)}, '-', p.network_id) WHERE p.device_owner = 'network:dhcp'",
        f"UPDATE agents SET host = CONCAT(host, '{DOMAIN}') WHERE host NOT LIKE '%.%'",
    )


@scenario.inject("after:icehouse/neutron")
def start_agents(cloud: Cloud) -> None:
    """Icehouse's agents set up DHCP."""
    bindings = cloud.rows(
        "neutron",
        "SELECT DISTINCT a.host, b.network_id FROM networkdhcpagentbindings b JOIN agents a ON a.id = b.dhcp_agent_id "
        "JOIN subnets s ON s.network_id = b.network_id AND s.enable_dhcp "
        "ORDER BY 1, 2",
    )
    code = f"{neutron.server(cloud)}\nbindings = {json.dumps([list(row) for row in bindings])!r}\n{SET_UP}"
    run = cloud.python("icehouse", "neutron", code)
    if not run.ok:
        raise LabFault("Icehouse's DHCP agents could not set up their ports", evidence=run.output[-3000:])


@scenario.preflight("seeded", "before:icehouse/neutron")
def find(cloud: Cloud) -> Iterator[Finding]:
    """DHCP ports named after a form of an agent's host that Icehouse does not use."""
    hosts = sorted({agent.host for agent in neutron_agents.agents(cloud) if agent.kind == "DHCP agent"})
    if not hosts:
        return
    ports = cloud.rows("neutron", "SELECT id, network_id, device_id FROM ports WHERE device_owner = 'network:dhcp'")
    old = {host: _uuid(host) for host in hosts if neutron_agents.short(host) != host}
    named = {f"dhcp{number}-": host for host, number in old.items()}
    found = [(one, network, named[device[:41]]) for one, network, device in ports if device[:41] in named]
    if not found:
        return
    yield finding(
        scenario,
        place="neutron.ports.device_id",
        message=counted(len(found), "{n} DHCP port[s] [is|are] named after the full name of [its|their] host"),
        effect="Icehouse's agents look for the short name, find no port and make a second one on every network; the "
        "old ones keep their addresses forever",
        evidence=Evidence.of(("port", "network", "host"), list(found)),
        cure=Cure(
            "rename them as Icehouse's agents will look for them",
            tuple(
                Sql.of(
                    "neutron",
                    "UPDATE ports SET device_id = CONCAT(:new, network_id) "
                    "WHERE device_owner = 'network:dhcp' AND device_id = CONCAT(:old, network_id)",
                    new=f"dhcp{_uuid(neutron_agents.short(host))}-",
                    old=f"dhcp{number}-",
                )
                for host, number in old.items()
            ),
            Stage.before("icehouse/neutron"),
        ),
    )


def _uuid(host: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_DNS, host)


@scenario.probe()
def second_ports(cloud: Cloud) -> Evidence:
    """Networks with more DHCP ports than DHCP agents."""
    return cloud.evidence(
        "neutron",
        "SELECT p.network_id AS network, COUNT(*) AS ports, (SELECT COUNT(*) FROM networkdhcpagentbindings b "
        "WHERE b.network_id = p.network_id) AS agents FROM ports p WHERE p.device_owner = 'network:dhcp' "
        "GROUP BY p.network_id HAVING COUNT(*) > agents",
    )

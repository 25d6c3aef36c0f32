"""Grizzly's load balancer tables come from the server alone, and its pools know no provider."""

from collections.abc import Iterator, Sequence

from osupgrade.scenarios import (
    NO_EVIDENCE,
    Blocks,
    Cloud,
    Cure,
    Finding,
    LabFault,
    Scenario,
    Shell,
    Sql,
    Stage,
    UsageFault,
    counted,
    finding,
    service,
    upstream,
)

neutron = service("neutron")

scenario = Scenario(
    title="Load balancers: their tables stop Havana, and pools without a provider stop neutron-server",
    services=("neutron",),
    symptom=Blocks("havana/neutron", error=r"1050, \"Table 'vips' already exists\"", version="grizzly"),
    site={"service_plugins": ["router", "lbaas"]},
)

MIGRATION = "f489cf14a79c"

GRIZZLY = """
from oslo.config import cfg
from quantum.common import config
cfg.CONF(["--config-file", etc + "/quantum.conf", "--config-file", etc + "/plugin.ini"], project="quantum")
cfg.CONF.set_override("rpc_backend", "quantum.openstack.common.rpc.impl_fake")
from quantum import context, manager
core = manager.QuantumManager.get_plugin()
admin = context.get_admin_context()
balancer = manager.QuantumManager.get_service_plugins()["LOADBALANCER"]
subnet = core.get_subnets(admin)[0]
balancer.create_pool(admin, {"pool": dict(tenant_id=subnet["tenant_id"], name="web", description="", protocol="HTTP",
    subnet_id=subnet["id"], lb_method="ROUND_ROBIN", admin_state_up=True)})
"""
"""Grizzly's server starts with the load balancer's plugin, and a pool is made."""

PROVIDER = """
from neutron.services import provider_configuration
cfg.CONF.set_override("service_provider", ["LOADBALANCER:Haproxy:"
    "neutron.services.loadbalancer.drivers.haproxy.plugin_driver.HaproxyOnHostPluginDriver:default"], "service_providers")
"""


@scenario.inject()
def balance(cloud: Cloud) -> None:
    """A Grizzly cloud with a load balancer's pool."""
    run = cloud.python("grizzly", "neutron", GRIZZLY)
    if not run.ok:
        raise LabFault("Grizzly's load balancer plugin did not start", evidence=run.output[-3000:])


@scenario.inject("after:icehouse/neutron")
def refuse_to_start(cloud: Cloud) -> None:
    """Icehouse's server ends itself at its start because of the pools."""
    run = cloud.python("icehouse", "neutron", neutron.server(cloud, PROVIDER))
    if run.ok or "before removing providers" not in run.output:
        raise LabFault("Icehouse's load balancer plugin should refuse to start", evidence=run.output[-3000:])


@scenario.preflight("seeded", "before:havana/neutron")
def find_tables(cloud: Cloud) -> Iterator[Finding]:
    """The load balancer's tables at Grizzly, with the load balancer's plugin in the configuration."""
    tables = cloud.tables("neutron")
    if "lbaas" not in cloud.site.service_plugins or cloud.versions("neutron", "alembic_version") != ("grizzly",):
        return
    known = upstream(cloud, "neutron")
    made = {table for table, by in known.made().items() if by == MIGRATION} if known else set()
    if not made & tables:
        return
    whole = tables >= made
    yield finding(
        scenario,
        place="neutron.vips",
        message=counted(
            len(made & tables),
            "{n} of the {all} load balancer tables that Havana's migration creates already exist[s|]",
            all=len(made),
        ),
        effect=f"Havana's first migration, {MIGRATION}, stops with 1050"
        + (
            ""
            if whole
            else "; some of its tables are missing, so it cannot be skipped: create them with Grizzly's server"
        ),
        evidence=cloud.evidence("neutron", "SELECT id AS pool, name FROM pools") if "pools" in tables else NO_EVIDENCE,
        cure=Cure(
            "mark this revision as done in db-manage: it creates exactly the tables that Grizzly's server created",
            (
                Shell(
                    f"neutron-db-manage --config-file neutron.conf --config-file PLUGIN.ini stamp {MIGRATION}   # Havana's"
                ),
            ),
            Stage.before("havana/neutron"),
        )
        if whole
        else None,
    )


@scenario.cure("before:havana/neutron")
def pass_over(cloud: Cloud, _findings: Sequence[Finding]) -> None:
    """Havana's own tool writes the version."""
    run = cloud.tool("havana", "neutron", f"stamp {MIGRATION}")
    if not run.ok:
        raise UsageFault(f"`neutron-db-manage stamp {MIGRATION}` failed", evidence=run.output[-2000:])


@scenario.preflight("after:icehouse/neutron")
def find_pools(cloud: Cloud) -> Iterator[Finding]:
    """Pools without a provider."""
    if not {"pools", "providerresourceassociations"} <= cloud.tables("neutron"):
        return
    evidence = cloud.evidence(
        "neutron",
        "SELECT p.id AS pool, p.name FROM pools p LEFT JOIN providerresourceassociations a ON a.resource_id = p.id "
        "WHERE a.resource_id IS NULL",
    )
    if evidence.total:
        yield finding(
            scenario,
            place="neutron.providerresourceassociations",
            message=counted(evidence.total, "{n} load balancer pool[s] [has|have] no provider"),
            effect="neutron-server exits when it starts: 'Delete associated loadbalancer pools before removing providers'",
            evidence=evidence,
            cure=Cure(
                "assign them to haproxy, the only provider in Grizzly; then schedule each to an agent, which Grizzly did not do",
                (
                    Sql(
                        "neutron",
                        "INSERT INTO providerresourceassociations (provider_name, resource_id) SELECT 'haproxy', p.id "
                        "FROM pools p LEFT JOIN providerresourceassociations a ON a.resource_id = p.id "
                        "WHERE a.resource_id IS NULL",
                    ),
                ),
            ),
        )


@scenario.check("after:icehouse/neutron")
def starts(cloud: Cloud) -> Iterator[Finding]:
    """Icehouse's neutron.server starts with the pools."""
    run = cloud.python("icehouse", "neutron", neutron.server(cloud, PROVIDER))
    if not run.ok:
        yield finding(
            scenario,
            place="neutron-server",
            message="Icehouse's load balancer plugin does not start",
            effect=run.output.strip().splitlines()[-1] if run.output.strip() else "",
        )

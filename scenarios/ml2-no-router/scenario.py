"""ML2 has no routers of its own: without the router service plugin the API knows none of those that are there."""

from collections.abc import Iterator, Sequence

from osupgrade.scenarios import (
    NO_EVIDENCE,
    Cloud,
    Cure,
    Damage,
    Evidence,
    Finding,
    LabFault,
    Scenario,
    Shell,
    Silent,
    counted,
    finding,
    service,
)

neutron = service("neutron")

scenario = Scenario(
    title="Without the router service plugin ML2 answers 404 for every router",
    services=("neutron",),
    symptom=Silent("after:ml2", damage=Damage(3, ("07b7fb73-c000-4c0d-ac08-2854c51b4796", "commerce-router"))),
    site={"service_plugins": ()},
)

PLUGIN = "neutron.services.l3_router.l3_router_plugin.L3RouterPlugin"
ML2_PLUGIN = "neutron.plugins.ml2.plugin.Ml2Plugin"
ROUTERS = "SELECT id AS router, name, tenant_id AS tenant FROM routers ORDER BY id"
ALIASES = """
from neutron.api import extensions
manager = extensions.PluginAwareExtensionManager.get_instance()
print("ROUTERS " + str("router" in manager.extensions))
"""


def knows_routers(cloud: Cloud) -> bool:
    """Whether Icehouse's server with ML2 and the site's service plugins offers routers at all."""
    plugins = [PLUGIN] if "router" in cloud.site.service_plugins else []
    prepare = f'{neutron.ML2}\ncfg.CONF.set_override("service_plugins", {plugins!r})\n'
    run = cloud.with_site(core_plugin=ML2_PLUGIN).python(
        "icehouse", "neutron", neutron.server(cloud, prepare) + ALIASES
    )
    if "ROUTERS " not in run.output:
        raise LabFault("Icehouse's server with ML2 does not start", evidence=run.output[-3000:])
    return "ROUTERS True" in run.output


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Routers, and a site without the plugin that serves them from the move to ML2 on."""
    if "router" in cloud.site.service_plugins or "routers" not in cloud.tables("neutron"):
        return
    evidence = cloud.evidence("neutron", ROUTERS)
    if evidence.total:
        yield finding(
            scenario,
            place="neutron.conf service_plugins",
            message=counted(
                evidence.total, "{n} router[s], but no router service plugin in service_plugins of site.toml"
            ),
            effect="the Open vSwitch plugin serves routers itself, ML2 does not: after the move every request for a "
            "router or a floating IP is answered with 404, and the L3 agents get none",
            evidence=evidence,
            cure=Cure(
                "name the router service plugin in Icehouse's neutron.conf, with core_plugin = ml2",
                (Shell(f"service_plugins = {PLUGIN}   # [DEFAULT] of neutron.conf"),),
            ),
        )


@scenario.cure("seeded")
def name_the_plugin(cloud: Cloud, _findings: Sequence[Finding]) -> Cloud:
    """The same cloud with the plugin in its site."""
    return cloud.with_site(service_plugins=("router", *cloud.site.service_plugins))


@scenario.probe()
def unknown(cloud: Cloud) -> Evidence:
    """The routers that Icehouse's real server does not know; the database still has them."""
    return NO_EVIDENCE if knows_routers(cloud) else cloud.evidence("neutron", ROUTERS)

"""The commands by which the API services were launched are no longer installed."""

import json
from collections.abc import Iterator, Sequence

from osupgrade.scenarios import Cloud, Cure, Evidence, Finding, Scenario, Shell, Silent, counted, finding

scenario = Scenario(
    title="placement-api, nova-api-wsgi, neutron-server and the like are gone from 2026.1",
    services=("placement",),
    hops=("gazpacho/placement",),
    symptom=Silent("verify"),
    site={"launch_commands": ("placement-api", "nova-api-wsgi", "neutron-server")},
)

MODULES = {
    "keystone-wsgi-public": "keystone.wsgi.api:application",
    "keystone-wsgi-admin": "keystone.wsgi.api:application",
    "placement-api": "placement.wsgi.api:application",
    "glance-wsgi-api": "glance.wsgi.api:application",
    "cinder-wsgi": "cinder.wsgi.api:application",
    "neutron-server": "neutron.wsgi.api:application",
    "neutron-api": "neutron.wsgi.api:application",
    "nova-api": "nova.wsgi.osapi_compute:application",
    "nova-api-wsgi": "nova.wsgi.osapi_compute:application",
    "nova-api-os-compute": "nova.wsgi.osapi_compute:application",
    "nova-api-metadata": "nova.wsgi.metadata:application",
    "nova-metadata-wsgi": "nova.wsgi.metadata:application",
}
"""What took their place; 2025.1 has both."""


@scenario.preflight("seeded", "before:gazpacho/placement")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Commands of the site that 2026.1 does not have."""
    gone = missing(cloud)
    if not gone:
        return
    steps = tuple(Shell(f"uwsgi --module {MODULES[name]}   # in place of {name}") for name in gone if name in MODULES)
    yield finding(
        scenario,
        place="launch_commands",
        message=counted(
            len(gone), "{n} command[s] that launch[es|] this site's services [is|are] not installed by 2026.1"
        ),
        effect="after the upgrade of the packages the services do not start: command not found",
        evidence=Evidence.of(("command", "module"), [(name, MODULES.get(name)) for name in gone]),
        cure=Cure("launch the WSGI modules instead, while on 2025.1, which has both", steps),
    )


@scenario.cure("seeded")
def take_modules(cloud: Cloud, _findings: Sequence[Finding]) -> Cloud:
    """The site with modules for commands."""
    return cloud.with_site(launch_commands=tuple(MODULES.get(name, name) for name in cloud.site.launch_commands))


@scenario.probe()
def not_installed(cloud: Cloud) -> Evidence:
    """What would be launched now and is not there."""
    return Evidence.of(("command",), [(name,) for name in missing(cloud)])


def missing(cloud: Cloud) -> list[str]:
    """The site's launch commands, scripts or modules, that are not in 2026.1's installation."""
    wanted = cloud.site.launch_commands
    if not wanted:
        return []
    code = (
        "import importlib.util, json, os\n"
        f"wanted = {list(wanted)!r}\n"
        "def there(name):\n"
        "    if ':' in name:\n        return importlib.util.find_spec(name.partition(':')[0]) is not None\n"
        "    return os.path.exists('/opt/venv/bin/' + name)\n"
        "print(json.dumps([name for name in wanted if not there(name)]))"
    )
    run = cloud.python("gazpacho", "placement", code)
    gone: list[str] = json.loads(run.output.splitlines()[-1])
    return gone

"""A newcomer finds the test of a module: it has the module's name, or this list says where the module is tried, and why.

New modules get a test of their own name. The list only becomes shorter.
"""

import pytest

from osupgrade.catalog.content import root

ELSEWHERE = {
    ("Databases whose statements never end", "tests/lab/test_endless.py"): ["cloud/endless"],
    ("Values without logic of their own, or a table of words", ""): [
        "dump/magic",
        "dump/mask/words",
        "dump/problems/problem",
        "model/errors",
        "model/estimate",
        "model/events",
        "model/host",
        "model/release",
        "model/report",
        "rehearsal/inspect/model",
        "rehearsal/phases",
        "schema/tables",
    ],
    ("It runs the tools against a database; a mock of either would prove nothing", "tests/real/test_path.py"): [
        "cloud/arrival",
        "cloud/derived",
        "cloud/steps",
        "rehearsal/apis",
        "rehearsal/cures",
        "rehearsal/judge",
        "rehearsal/manifest",
        "rehearsal/prepare",
        "rehearsal/rehearse",
        "rehearsal/treated",
    ],
    ("Clouds on a server", "tests/lab/test_strategy.py"): [
        "cloud/fingerprint",
        "cloud/laboratory",
        "rehearsal/held",
        "rehearsal/servers",
        "rehearsal/strategy",
        "rehearsal/transfer",
    ],
    ("An upgrade run twice", "tests/real/test_repeat.py"): ["rehearsal/repeat"],
    ("Steps of a plan by their names", "tests/unit/reproduce/test_opening.py"): ["cloud/route"],
    ("Kept clouds", "tests/lab/test_snapshots.py"): ["cli/snapshots", "cloud/restored", "lab/snapshots/clouds"],
    ("Reading of dumps, by what a dump is refused or found to be", "tests/unit/dump/test_read.py"): [
        "dump/problems/charset",
        "dump/problems/mixed",
        "dump/problems/nothing",
        "dump/problems/rows",
        "dump/problems/stripped",
        "dump/problems/truncated",
        "dump/seen",
        "dump/sql",
        "dump/stream",
        "dump/zipped",
    ],
    ("Dumps restored into a server", "tests/lab/test_dump_restore.py"): [
        "dump/feed",
        "dump/restore",
        "dump/tabular",
        "dump/write",
        "lab/conversation",
    ],
    ("Dumps that go in over several sessions", "tests/lab/test_dump_sessions.py"): ["dump/sessions"],
    ("Masks made in a server, and looked through afterwards", "tests/lab/test_dump_sanitize.py"): [
        "dump/audit",
        "dump/columns",
        "dump/leaked",
        "dump/mask/columns",
        "dump/mask/sql",
        "dump/masking",
        "dump/sanitize",
        "dump/shape",
        "dump/spool",
    ],
    ("Past runs, by what is remembered of them", "tests/unit/history/test_store.py"): [
        "history/record",
        "history/remember",
    ],
    ("The engine and its containers", "tests/lab/test_faults.py"): ["lab/leftovers", "lab/reaper", "lab/reaping"],
    ("A controller with its packages", "tests/real/test_packages.py"): [
        "lab/controller",
        "rehearsal/inspect/packages",
        "scenarios/controller",
    ],
    ("It installs an engine on the machine", ".ci/run"): ["lab/install_engine"],
    ("A live server", "tests/lab/test_inspect.py"): ["lab/live_server"],
    ("How a server is set up", "tests/lab/test_survey.py"): ["lab/server_settings"],
    ("What runs inside of a tool's own Python", "tests/lab/test_observe_telling.py"): [
        "lab/observer/inside/osupgrade_hooks",
        "lab/observer/inside/osupgrade_observer",
        "lab/observer/inside/osupgrade_several",
        "lab/observer/inside/osupgrade_spans",
        "lab/observer/inside/sitecustomize",
        "lab/observer/recorder",
    ],
    ("Invariants: each is seen to find its damage on a real cloud", "tests/real/test_invariants.py"): [
        "openstack/cinder/invariants/stored_volumes",
        "openstack/cinder/invariants/volumes",
        "openstack/common/invariants/orphans",
        "openstack/glance/invariants/images",
        "openstack/glance/invariants/stored_images",
        "openstack/keystone/invariants/grants",
        "openstack/keystone/invariants/identities",
        "openstack/neutron/invariants/addresses",
        "openstack/neutron/invariants/ports",
        "openstack/neutron/invariants/ports_bound",
        "openstack/neutron/invariants/trusted",
        "openstack/neutron/sql",
        "openstack/nova/invariants/allocations",
        "openstack/nova/invariants/hypervisors",
        "openstack/nova/invariants/instances",
        "openstack/nova/invariants/servers",
        "openstack/nova/invariants/usages",
        "openstack/placement/invariants/placements",
    ],
    ("Measured against a server", "tests/real/test_estimate.py"): [
        "rehearsal/estimate/measure",
        "rehearsal/estimate/measure_host",
    ],
    ("Pages, by what they show", "tests/unit/report/html/test_page.py"): ["report/html/tables", "report/html/tiles"],
    ("The runbook, by what it shows", "tests/unit/report/runbook/test_steps.py"): [
        "catalog/operators",
        "catalog/render",
        "report/runbook/commands",
        "report/runbook/facts",
    ],
    ("Invariants that hold at every release", "tests/lab/test_kept.py"): ["checks/kept", "checks/rows"],
    ("The trend", "tests/unit/history/test_trend.py"): ["report/trend"],
    ("Reproducing a failure of a real tool", "tests/real/test_reproduce.py"): [
        "reproduce/packing",
        "reproduce/replaying",
        "reproduce/rerun",
        "reproduce/shrinking",
        "reproduce/subject",
    ],
    ("What scenarios use, by the scenarios", "tests/real/test_scenarios.py"): [
        "scenarios/charset",
        "scenarios/dumps",
        "scenarios/schemas",
    ],
    ("Declared scenarios, statement by statement", "tests/unit/scenarios/test_sql.py"): ["scenarios/declared"],
    ("A schema's identity", "tests/unit/schema/test_identify.py"): ["schema/claims", "schema/facts"],
    ("The record of trials, as conditions use it", "tests/unit/schema/test_conditions.py"): ["schema/outcomes"],
    ("The hash of a cloud's data", "tests/lab/test_seed_datahash.py"): ["seed/datahash"],
    ("Services that answer", "tests/real/test_verify.py"): ["openstack/common/apis/census", "verify/services"],
    ("Files of the content", "tests/unit/catalog/test_content_files.py"): ["catalog/content", "catalog/services"],
    ("Commands, by what they print, refuse and exit with", "tests/unit/cli/test_faults.py"): [
        "cli/doctor",
        "cli/dumps",
        "cli/images",
        "cli/nightly",
        "cli/options",
        "cli/rehearse",
        "cli/sources",
    ],
}


def modules():
    package = root() / "osupgrade"
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package)
        if not {"__init__.py", "__main__.py"} & {name.name} and "_content" not in name.parts:
            yield name


def mirrored(module):
    return (root() / "tests" / "unit" / module.parent / f"test_{module.name}").is_file()


def test_every_module_has_a_test_of_its_name_or_is_listed_once():
    listed = [name for names in ELSEWHERE.values() for name in names]
    without = {str(module.with_suffix("")) for module in modules() if not mirrored(module)}
    assert without - set(listed) == set(), "write tests/unit/<package>/test_<module>.py, or say here where it is tried"
    assert set(listed) - without == set(), "these have a test of their name now, or are gone: take them off the list"
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("where", sorted({where for _, where in ELSEWHERE if where}))
def test_what_is_named_instead_is_there(where):
    assert (root() / where).is_file()

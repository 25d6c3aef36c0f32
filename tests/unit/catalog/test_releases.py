"""The path of today's releases as data, and the verdict on what their own upgrade checks say."""

import json
import shutil

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.cloud.judge import check_results, judge_check
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.plan import find_path, make_plan
from osupgrade.model.release import UpgradePath
from osupgrade.seed.seeder import load_seeder

RELEASES = load_releases()
PATHS = load_paths()
TABLE = """\
+--------------------------------------------------------------------+
| Upgrade Check Results                                              |
+--------------------------------------------------------------------+
| Check: Cells v2                                                    |
| Result: Success                                                    |
| Details: None                                                      |
+--------------------------------------------------------------------+
| Check: Placement API                                               |
| Result: Failure                                                    |
| Details: No credentials specified for placement API in nova.conf.  |
+--------------------------------------------------------------------+
| Check: Older than N-1 computes                                     |
| Result: {result}                                                    |
| Details: Current Nova version does not support computes older than |
|   Epoxy.                                                           |
+--------------------------------------------------------------------+
"""


def test_versions_select_the_path_and_its_parts():
    assert find_path(PATHS, RELEASES, "2024.1-2025.1").releases == ("caracal", "epoxy")
    assert find_path(PATHS, RELEASES, "2024.1-2026.1").releases == ("caracal", "epoxy", "gazpacho")


def test_a_release_that_a_tool_needs_may_not_be_skipped():
    with pytest.raises(
        UsageFault, match=r"keystone: caracal's tool does not accept a database older than zed"
    ) as caught:
        make_plan(UpgradePath("skip", ("yoga", "caracal"), None, ("mariadb1011",)), RELEASES)
    assert caught.value.status is Exit.USAGE
    assert caught.value.hint == "stop at antelope or zed first"


def test_every_service_of_the_path_is_installed_from_its_package_and_checked():
    for name in PATHS["caracal-gazpacho"].releases:
        for part in RELEASES[name].services.values():
            assert part.package
            assert part.code.startswith(f"{part.package} ")
            assert part.pin is None
            assert part.check


def test_the_manifest_names_the_packages_that_run():
    assert [RELEASES[name].services["nova"].code for name in PATHS["caracal-gazpacho"].releases] == [
        "nova 29.4.0",
        "nova 31.3.1",
        "nova 33.0.2",
    ]


def test_nova_has_three_databases_and_makes_its_cells():
    nova = RELEASES["caracal"].services["nova"]
    assert [d.name for d in nova.databases] == ["nova", "nova_api", "nova_cell0"]
    assert [c.name for c in nova.create][1:3] == ["cell_v2 map_cell0", "cell_v2 create_cell --name cell1"]


def test_the_results_of_a_check_are_read_over_wrapped_lines():
    assert check_results(TABLE.format(result="Failure"))[2] == (
        "Older than N-1 computes",
        "Failure",
        "Current Nova version does not support computes older than Epoxy.",
    )


def test_the_results_of_a_check_are_read_as_json_where_it_prints_that():
    results = [
        {"check": "Cells v2", "result": 0, "details": None},
        {"check": "Older than N-1 computes", "result": 2, "details": "Current Nova version does not\nsupport this."},
    ]
    output = "WARNING a library speaks\n{}\n" + json.dumps({"name": "Upgrade Check Results", "checks": results}) + "\n"
    assert check_results(output) == (
        ("Cells v2", "Success", "None"),
        ("Older than N-1 computes", "Failure", "Current Nova version does not support this."),
    )
    assert judge_check("upgrade check", 2, (0, 1), output, ()) == (
        "upgrade check: Older than N-1 computes: Current Nova version does not support this.",
    )


# As printed by the glance of Epoxy and of Train in their containers: `glance-status upgrade check --json`.
EPOXY_GLANCE = (
    '{"name": "Upgrade Check Results", "checks": [{"check": "Sheepdog Driver Removal", "result": 0, "details": null}, '
    '{"check": "Policy File JSON to YAML Migration", "result": 0, "details": null}, '
    '{"check": "Config option owner_is_tenant removal", "result": 0, "details": null}]}\n'
)
TRAIN_GLANCE = '{"name": "Upgrade Check Results", "checks": []}\n'


def test_what_the_real_tools_print_as_json_is_read():
    assert [name for name, result, _ in check_results(EPOXY_GLANCE) if result == "Success"] == [
        "Sheepdog Driver Removal",
        "Policy File JSON to YAML Migration",
        "Config option owner_is_tenant removal",
    ]
    assert check_results(TRAIN_GLANCE) == ()


@pytest.mark.parametrize(
    "one", [{"check": "A", "result": 7, "details": None}, {"check": "A"}, {"check": "A", "result": [0]}, 5]
)
def test_a_document_of_another_form_is_no_result_and_no_fault(one):
    output = json.dumps({"name": "Upgrade Check Results", "checks": [one]})
    assert check_results(output) == ()
    assert judge_check("upgrade check", 2, (0, 1), output, ()) == ("`upgrade check` exited 2",)


def test_a_check_is_asked_for_json_by_every_release_whose_check_knows_it():
    asked = {
        (release.name, service): "--json" in command.args
        for release in RELEASES.values()
        for service, part in release.services.items()
        for command in part.check
    }
    without = {(release, service) for (release, service), known in asked.items() if not known}
    assert {release for release, service in without if service != "nova"} == {"stein"}
    assert not {release for (release, service), known in asked.items() if known and service == "nova"}
    assert {release for release, _ in asked} >= {"train", "yoga", "epoxy", "hibiscus"}


def test_a_failure_that_a_later_stage_judges_is_no_problem_and_another_is():
    ignores = ("Placement API",)
    assert judge_check("upgrade check", 2, (0, 1), TABLE.format(result="Warning"), ignores) == ()
    assert judge_check("upgrade check", 2, (0, 1), TABLE.format(result="Failure"), ignores) == (
        "upgrade check: Older than N-1 computes: Current Nova version does not support computes older than Epoxy.",
    )


def test_a_check_that_crashes_or_says_nothing_is_a_problem():
    assert judge_check("upgrade check", 255, (0, 1), "Error:\nTraceback", ("Placement API",)) == (
        "`upgrade check` exited 255",
    )
    assert judge_check("upgrade check", 2, (0, 1), "", ()) == ("`upgrade check` exited 2",)
    assert judge_check("upgrade check", 1, (0, 1), "", ()) == ()


def test_a_first_release_names_its_seeder_and_another_release_has_none():
    assert set(load_seeder(RELEASES["caracal"].seed).databases) >= {"nova_api", "placement"}
    with pytest.raises(UsageFault, match="no cloud can be seeded") as caught:
        load_seeder(RELEASES["epoxy"].seed)
    assert "caracal, grizzly" in caught.value.message


def test_a_release_is_added_as_data_alone(tmp_path):
    images = tmp_path / "images"
    shutil.copytree(root() / "images", images)
    shutil.copytree(images / "gazpacho", images / "iris")
    file = images / "iris" / "release.toml"
    text = file.read_text("utf-8").replace('name = "gazpacho"', 'name = "iris"')
    text = text.replace('version = "2026.1"', 'version = "2027.1"').replace('["flamingo", "epoxy"]', '["gazpacho"]')
    file.write_text(text, "utf-8")
    paths = images / "paths.toml"
    added = '[gazpacho-iris]\nreleases = ["gazpacho", "iris"]\ndatabases = ["mariadb1011"]\nchecks = ["kept"]\n'
    paths.write_text(f"{paths.read_text('utf-8')}\n{added}", "utf-8")
    releases = load_releases(images)
    plan = make_plan(find_path(load_paths(images), releases, "2026.1-2027.1"), releases, ("nova",))
    assert plan.steps == ("iris/nova",)
    with pytest.raises(UsageFault, match="iris cannot be reached from yoga"):
        make_plan(UpgradePath("skip", ("yoga", "iris"), None, ("mariadb1011",)), releases)


def test_a_release_takes_over_what_it_leaves_to_the_one_it_is_like(tmp_path):
    images = tmp_path / "images"
    for name, text in {
        "old": 'name = "old"\nversion = "2001.1"\nruntime = "r"\ndriver = "d"\nseed = "old"\nupgrades_from = []\nrule = "."\n'
        '[services.one]\ntag = "1"\ncommit = "a"\nupgrade = [{ name = "sync", entry = "one:main" }]\n'
        'databases = [{ name = "one", version_table = "alembic_version", head = ["a"] }]\n'
        '[services.two]\ntag = "1"\ncommit = "a"\nupgrade = []\ndatabases = []\n',
        "new": 'name = "new"\nversion = "2001.2"\nruntime = "r"\nlike = "old"\nupgrades_from = ["old"]\nrule = "."\n'
        'absent = ["two"]\n[services.one]\ncommit = "b"\nreports = { level = 7 }\n'
        'databases = [{ name = "one", version_table = "migrate_version", head = ["3"], repositories = ["kept"] }]\n'
        'started = [{ database = "one", statement = "SET {level}", title = "is {level}", unfinished = "< {level} {one}" }]\n',
    }.items():
        (images / name / "config").mkdir(parents=True)
        (images / name / "release.toml").write_text(text)
    (images / "old" / "config" / "one.conf").write_text("of old")
    (images / "old" / "config" / "two.conf").write_text("")
    new = load_releases(images)["new"]
    assert (list(new.services), new.driver, new.seed, new.upgrades_from) == (["one"], "d", "", ("old",))
    one = new.services["one"]
    assert (one.pin.tag, one.pin.commit, one.upgrade[0].name) == ("1", "b", "sync")
    assert one.config == {"one.conf": "of old"}
    assert one.databases[0].repositories == ("kept",)
    assert (one.started[0].written.statement, one.started[0].title) == ("SET 7", "is 7")
    assert one.started[0].unfinished == "< 7 {one}"
    (images / "new" / "config" / "one.conf").write_text("of new")
    load_releases.cache_clear()
    assert load_releases(images)["new"].services["one"].config == {"one.conf": "of new"}


def test_a_release_that_is_like_itself_is_refused(tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "release.toml").write_text(f'like = "{other}"\n')
    with pytest.raises(UsageFault, match="refers to itself with `like`: a -> b -> a"):
        load_releases(tmp_path)

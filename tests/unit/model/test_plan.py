import dataclasses

import pytest

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.plan import find_path, make_plan, server_moves
from osupgrade.model.stage import Stage

RELEASES = load_releases()
PATHS = load_paths()


def test_the_first_path_has_five_chains_of_two_hops_and_ends_with_ml2():
    plan = make_plan(find_path(PATHS, RELEASES, "grizzly-icehouse"), RELEASES)
    assert plan.services == ("keystone", "glance", "cinder", "nova", "neutron")
    assert plan.steps[:2] == ("havana/keystone", "icehouse/keystone")
    assert plan.steps[-1] == "ml2"
    assert len(plan.steps) == 11


def test_a_plan_narrowed_to_nova_has_no_finish_because_ml2_is_neutrons():
    plan = make_plan(find_path(PATHS, RELEASES, "grizzly-icehouse"), RELEASES, ["nova"])
    assert plan.steps == ("havana/nova", "icehouse/nova")
    assert plan.finish is None


def test_part_of_a_path_is_a_path_without_the_finish():
    plan = make_plan(find_path(PATHS, RELEASES, "grizzly-havana"), RELEASES, ["neutron"])
    assert plan.steps == ("havana/neutron",)


def test_a_route_beyond_icehouse_moves_to_ml2_on_the_way():
    plan = make_plan(find_path(PATHS, RELEASES, "havana-kilo"), RELEASES, ["neutron"])
    assert plan.finish is None and plan.end == "kilo"
    assert plan.steps == ("icehouse/neutron", "ml2", "juno/neutron", "kilo/neutron")
    assert [str(stage) for stage in plan.stages if stage.step == "ml2"] == ["before:ml2", "after:ml2"]


def test_a_route_from_icehouse_begins_with_the_move_and_one_from_juno_has_none():
    assert make_plan(find_path(PATHS, RELEASES, "icehouse-kilo"), RELEASES, ["neutron"]).steps[0] == "ml2"
    assert "ml2" not in make_plan(find_path(PATHS, RELEASES, "juno-kilo"), RELEASES, ["neutron"]).steps


def test_databases_that_services_get_on_the_way_are_named():
    plan = make_plan(find_path(PATHS, RELEASES, "icehouse-train"), RELEASES)
    assert plan.coming == ("nova_api", "nova_cell0", "placement")
    assert make_plan(find_path(PATHS, RELEASES, "rocky-train"), RELEASES).coming == ("placement",)


def test_versions_select_a_path():
    assert find_path(PATHS, RELEASES, "2013.1-2013.2").releases == ("grizzly", "havana")


def test_stages_stand_around_every_step():
    plan = make_plan(find_path(PATHS, RELEASES, "grizzly-icehouse"), RELEASES, ["neutron"])
    assert [str(stage) for stage in plan.stages] == [
        "seeded",
        "before:havana/neutron",
        "after:havana/neutron",
        "before:icehouse/neutron",
        "after:icehouse/neutron",
        "before:ml2",
        "after:ml2",
        "verify",
    ]


@pytest.mark.parametrize("text", ["essex-folsom", "grizzly", "icehouse-grizzly", ""])
def test_an_unknown_path_is_a_usage_fault_that_names_what_there_is(text):
    with pytest.raises(UsageFault) as caught:
        make_plan(find_path(PATHS, RELEASES, text), RELEASES)
    assert caught.value.status is Exit.USAGE
    assert "grizzly" in caught.value.message


def test_an_unknown_service_is_named_with_those_there_are():
    with pytest.raises(
        UsageFault, match="unknown service 'swift'; this path has keystone, glance, cinder, nova, neutron"
    ):
        make_plan(find_path(PATHS, RELEASES, "grizzly-icehouse"), RELEASES, ["swift"])


def test_every_release_of_a_path_can_be_reached_from_the_one_before():
    for path in PATHS.values():
        make_plan(path, RELEASES)


@pytest.mark.parametrize("text", ["seeded", "before:havana/nova", "after:ml2", "verify"])
def test_a_stage_is_written_as_it_is_read(text):
    assert str(Stage.parse(text)) == text


@pytest.mark.parametrize("text", ["havana/nova", "during:ml2", "before:", "", "after:havana/"])
def test_what_is_no_stage_is_refused(text):
    with pytest.raises(ValueError, match="is not a stage"):
        Stage.parse(text)


def test_a_part_of_a_path_holds_the_invariants_of_the_release_at_which_it_ends():
    assert find_path(PATHS, RELEASES, "2024.1-2025.1").checks == RELEASES["epoxy"].checks != ()
    assert find_path(PATHS, RELEASES, "2024.1-2025.1-2026.1").checks == PATHS["caracal-gazpacho"].checks


def moved(path, database, wanted=None, services=()):
    found = find_path(PATHS, RELEASES, path)
    return dataclasses.replace(
        make_plan(found, RELEASES, services), servers=server_moves(found, RELEASES, database, wanted)
    )


def test_a_cloud_leaves_a_server_before_the_first_release_that_is_not_known_to_run_on_it():
    assert [(move.database, move.release) for move in moved("grizzly-train", "mysql56").servers] == [
        ("mariadb105", "ocata")
    ]


@pytest.mark.parametrize(
    ("path", "database"),
    [
        ("grizzly-train", "mariadb105"),
        ("grizzly-icehouse", "mysql56"),
        *(("caracal-gazpacho", name) for name in PATHS["caracal-gazpacho"].databases),
        ("2024.1-2025.1", "mysql97"),
    ],
)
def test_a_server_on_which_the_last_release_runs_is_kept(path, database):
    assert moved(path, database).servers == ()


def test_a_server_that_no_release_of_a_route_names_is_left():
    assert [(move.database, move.release) for move in moved("yoga-epoxy", "mysql97").servers] == [
        ("mariadb1011", "yoga")
    ]


def test_chains_are_cut_where_the_cloud_goes_to_another_server():
    plan = moved("grizzly-kilo", "mysql56", [("mariadb105", "2014.1")], ["nova", "neutron"])
    before, after = plan.segments
    assert before.move and before.move.name == "mariadb105" and after.move is None
    assert [chain.steps for chain in before.chains] == [
        ("havana/nova", "icehouse/nova"),
        ("havana/neutron", "icehouse/neutron", "ml2"),
    ]
    assert [chain.steps for chain in after.chains] == [
        ("juno/nova", "kilo/nova"),
        ("juno/neutron", "kilo/neutron"),
    ]
    assert "mariadb105" in plan.steps and Stage.before("mariadb105") in plan.stages


def test_a_service_that_skips_the_release_goes_to_the_new_server_where_it_is():
    plan = moved("grizzly-2026.2-fewest", "mysql56", [("mariadb1011", "rocky")])
    before, after = plan.segments
    order = [release.name for release in plan.releases]
    at = order.index("rocky")
    assert all(order.index(hop.target) <= at for chain in before.chains for hop in chain.hops)
    assert all(order.index(hop.target) > at for chain in after.chains for hop in chain.hops)
    assert [hop for one, two in zip(before.chains, after.chains, strict=True) for hop in (*one.hops, *two.hops)] == [
        hop for chain in plan.chains for hop in chain.hops
    ]


def test_a_plan_that_stays_on_its_server_has_one_segment():
    plan = moved("grizzly-icehouse", "mysql56")
    assert [segment.chains for segment in plan.segments] == [plan.chains]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ([("mariadb105", "kilo")], "stops at grizzly, havana, icehouse, juno, and kilo is none"),
        ([("mariadb105", "nowhere")], "nowhere is none of them"),
        ([("mysql56", "havana")], "already on mysql56"),
        ([("mariadb105", "havana"), ("mariadb105", "juno")], "already on mariadb105"),
    ],
)
def test_a_move_that_cannot_be_is_refused(wanted, says):
    with pytest.raises(UsageFault, match=says):
        moved("grizzly-kilo", "mysql56", wanted)

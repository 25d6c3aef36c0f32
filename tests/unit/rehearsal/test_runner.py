"""The runner, on a cloud without a server: what runs when, and what every chain makes of its cloud."""

import dataclasses
import os
import threading

import pymysql
import pytest
from sqlalchemy.exc import OperationalError

from osupgrade.catalog.site import Site
from osupgrade.checks import Check
from osupgrade.cloud.passed import Passed
from osupgrade.model import interrupt
from osupgrade.model.errors import MissingFault, UsageFault
from osupgrade.model.finding import Cure, Evidence, Finding, Severity
from osupgrade.model.plan import SERVER, ServerMove
from osupgrade.model.report import State
from osupgrade.model.stage import SEEDED, VERIFY, Stage
from osupgrade.model.step import Outcome, StepResult
from osupgrade.rehearsal.cures import cure_none
from osupgrade.rehearsal.runner import Refused
from osupgrade.rehearsal.servers import Moved
from osupgrade.report.digest import where
from osupgrade.scenarios.contract import RestoreFails, Scenario

from . import _fakes as fakes
from ._fakes import Tools, fake_cloud, plan_of, runner, scenario


@pytest.fixture
def tools(monkeypatch):
    return Tools().use(monkeypatch)


def states(result):
    return [(str(s.stage), s.state.value, s.finding.message) for s in result.findings]


def check(name="rows-kept", stages=(VERIFY,), services=("nova",), census=None, compare=None):
    return Check(name, name, services, stages, census or (lambda _cloud: 1), compare or (lambda _cloud, _before: ()))


def checked_plan(*services, name="rows-kept"):
    import dataclasses

    plan = plan_of(*services)
    return dataclasses.replace(plan, path=dataclasses.replace(plan.path, checks=(name,)))


def test_every_chain_runs_in_order_and_the_finish_comes_last(tools):
    ran = runner(plan_of()).go(fake_cloud())
    noted = [step.step for step in ran.result.steps]
    assert ran.result.came_through
    assert sorted(noted) == sorted(tools.ran) and len(noted) == 11
    # Chains run side by side, so only the order within each is the same in what ran and in what was noted.
    for steps in (tools.ran, noted):
        assert steps[-1] == "ml2"
        for service in ("nova", "glance", "neutron"):
            assert steps.index(f"havana/{service}") < steps.index(f"icehouse/{service}")


def test_chains_run_side_by_side(tools, monkeypatch):
    both = threading.Barrier(2, timeout=30)
    real = tools.step

    def waiting(step):
        made = real(step)
        if not step.name.startswith("havana"):
            return made

        def run(*given, **more):
            both.wait()  # breaks unless another chain is at its first step at the same time
            return made.run(*given, **more)

        import dataclasses

        return dataclasses.replace(made, run=run)

    monkeypatch.setattr(tools, "step", waiting)
    assert runner(plan_of("nova", "glance"), jobs=2).go(fake_cloud()).result.came_through


def test_a_failed_step_ends_its_own_chain_and_its_service_s_finish(tools):
    tools.failing = ("havana/neutron",)
    result = runner(plan_of()).go(fake_cloud()).result
    assert "icehouse/neutron" not in tools.ran and "ml2" not in tools.ran and "icehouse/nova" in tools.ran
    assert [s.step for s in result.failed] == ["havana/neutron"] and not result.came_through


def test_a_finish_runs_although_another_service_failed(tools):
    tools.failing = ("havana/nova",)
    runner(plan_of()).go(fake_cloud())
    assert tools.ran[-1] == "ml2"


@pytest.mark.parametrize(
    ("until", "ran"),
    [
        ("havana/nova", []),
        ("icehouse/nova", ["havana/nova"]),
    ],
)
def test_until_a_step_only_what_leads_there_is_done(tools, until, ran):
    seen = []
    trap = scenario()
    trap.preflight(f"before:{until}")(lambda _cloud: seen.append(until) or ())
    result = runner(plan_of("nova", "neutron"), until=until, known=[trap]).go(fake_cloud()).result
    assert tools.ran == ran and seen == [until], "what is attached to the stage before it is done too"
    assert [s.step for s in result.steps] == ran


def test_until_the_finish_everything_before_it_is_done(tools):
    runner(plan_of("nova", "neutron"), until="ml2").go(fake_cloud())
    assert len(tools.ran) == 4 and "ml2" not in tools.ran


def test_a_scenario_replaces_a_step_in_its_own_lane(tools):
    trap, replaced = scenario(), []
    trap.instead("icehouse/nova", "naive")(lambda cloud: replaced.append(cloud) or ())
    runner(plan_of("nova"), injected=[trap], lane="cured").go(fake_cloud())
    assert replaced == []
    runner(plan_of("nova"), injected=[trap], lane="naive", may_cure=cure_none).go(fake_cloud())
    assert len(replaced) == 1


def test_at_a_stage_traps_come_before_preflights_and_cures_before_checks(tools):
    order = []
    trap = scenario(at="before:icehouse/nova")
    trap.there = False

    @trap.inject("before:icehouse/nova")
    def put_in(_cloud):
        order.append("inject")
        trap.there = True

    @trap.probe("before:icehouse/nova")
    def probe(_cloud):
        order.append(f"probe, there: {trap.there}")
        return Evidence.of(("a",), [])

    compare = check(stages=(Stage.before("icehouse/nova"),), compare=lambda *_: order.append("check") or ())
    result = runner(checked_plan("nova"), known=[trap], injected=[trap], checks=[compare]).go(fake_cloud()).result
    assert order == ["inject", "probe, there: False", "check"]
    assert [s.state for s in result.findings] == [State.CURED]


def test_what_two_chains_change_in_their_clouds_both_reaches_the_finish(tools):
    """The cure of each gives back a changed cloud, at the same time."""
    together = threading.Barrier(2, timeout=30)
    traps = []
    for service, change in (("nova", {"hosts": "fqdn"}), ("neutron", {"tunnel_type": "vxlan"})):
        trap = scenario(f"change-{service}", service, at=f"before:icehouse/{service}")

        def cure(cloud, _findings, change=change, trap=trap):
            together.wait()
            trap.there = False
            return cloud.with_site(**change)

        trap.cure(f"before:icehouse/{service}")(cure)
        traps.append(trap)
    ran = runner(plan_of("nova", "neutron"), known=traps, jobs=2).go(fake_cloud())
    for cloud in (ran.cloud, tools.clouds["ml2"]):
        assert (cloud.site.hosts, cloud.site.tunnel_type) == ("fqdn", "vxlan")
    assert tools.clouds["icehouse/nova"].site.tunnel_type == Site().tunnel_type, "each chain has its own cloud"


def test_a_cloud_that_a_cure_changed_at_the_start_is_what_all_chains_get(tools):
    trap = scenario()

    @trap.cure("seeded")
    def cure(cloud, _findings):
        trap.there = False
        return cloud.with_site(hosts="fqdn")

    runner(plan_of("nova"), known=[trap]).go(fake_cloud())
    assert {cloud.site.hosts for cloud in tools.clouds.values()} == {"fqdn"}


def moving_plan(*services):
    return dataclasses.replace(plan_of(*services), servers=(ServerMove("mariadb105", "havana"),))


def moves(tools, outcome=Outcome.PASSED):
    def move(cloud, to):
        tools.ran.append(to.name)
        result = StepResult(to.name, SERVER, to.release, outcome, 1.0)
        return Moved(fakes.replace(cloud, lane="elsewhere"), result)

    return move


def test_every_chain_waits_for_the_move_to_another_server_and_goes_on_there(tools):
    ran = runner(moving_plan(), moving=moves(tools)).go(fake_cloud())
    at = tools.ran.index("mariadb105")
    assert {step.partition("/")[0] for step in tools.ran[:at]} == {"havana"} and at == 5
    assert {tools.clouds[step].lane for step in tools.ran[at + 1 :]} == {"elsewhere"} and ran.cloud.lane == "elsewhere"
    assert ran.result.came_through and "mariadb105" in [step.step for step in ran.result.steps]


def test_nothing_follows_a_server_that_does_not_take_the_cloud(tools):
    result = runner(moving_plan(), moving=moves(tools, Outcome.FAILED)).go(fake_cloud()).result
    assert tools.ran[-1] == "mariadb105" and len(tools.ran) == 6
    assert [step.step for step in result.failed] == ["mariadb105"]


def test_a_chain_that_stopped_stays_stopped_on_the_new_server(tools):
    tools.failing = ("havana/nova",)
    runner(moving_plan(), moving=moves(tools)).go(fake_cloud())
    assert "icehouse/nova" not in tools.ran and "icehouse/glance" in tools.ran


@pytest.mark.parametrize(("until", "ran"), [("mariadb105", 5), ("icehouse/nova", 6), ("havana/nova", 0)])
def test_until_a_step_the_cloud_is_moved_only_where_that_leads_there(tools, until, ran):
    runner(moving_plan(), moving=moves(tools), until=until).go(fake_cloud())
    assert len(tools.ran) == ran and ("mariadb105" in tools.ran) is (ran == 6)


def test_a_cure_that_works_is_applied_once_and_looked_at_again(tools):
    trap = scenario()
    result = runner(plan_of("nova"), known=[trap]).go(fake_cloud()).result
    assert states(result) == [("seeded", "cured", "mine is there")] and result.came_through


def test_a_cure_that_refuses_leaves_the_finding_unresolved_and_says_why(tools):
    trap = scenario()

    @trap.cure("seeded")
    def refuse(_cloud, _findings):
        raise UsageFault("there is no dump from before", hint="bring one")

    result = runner(plan_of("nova"), known=[trap]).go(fake_cloud()).result
    assert [(f.state, f.finding.message, f.finding.consequence) for f in result.findings] == [
        (State.UNRESOLVED, "mine is there", ""),
        (State.UNRESOLVED, "its cure is refused: there is no dump from before", "bring one"),
    ]


def test_a_cure_that_leaves_its_finding_there_has_not_cured_it(tools):
    trap = scenario()
    trap.cure("seeded")(lambda _cloud, _findings: None)
    result = runner(plan_of("nova"), known=[trap]).go(fake_cloud()).result
    assert [f.state for f in result.findings] == [State.UNRESOLVED]


def mended(how, **given):
    """Two traps: the first one, which has no cure of its own, is not there any more once the second is cured."""
    other = scenario("other", **given)
    first = Scenario(title="t", services=("nova",), symptom=other.symptom, name="first", hops=other.hops)
    first.preflight("seeded")(lambda _cloud: how(other) or ())
    return first, other


def seen(other, place="nova.rows"):
    return [Finding("first", Severity.ERROR, "nova", place, "first is there")] if other.there else []


def test_what_another_trap_s_cure_mends_is_resolved(tools):
    result = runner(plan_of("nova"), known=mended(seen)).go(fake_cloud()).result
    assert states(result) == [("seeded", "cured", "first is there"), ("seeded", "cured", "other is there")]
    assert result.came_through


def test_what_a_cure_of_a_later_stage_mends_is_resolved_before_the_first_step_only(tools):
    for hop, state in (("havana/nova", "cured"), ("icehouse/nova", "standing")):
        known = mended(seen, at=f"before:{hop}")
        known[0].hops = known[1].hops = (hop,)
        result = runner(plan_of("nova"), known=known).go(fake_cloud()).result
        assert states(result) == [("seeded", state, "first is there"), (f"before:{hop}", "cured", "other is there")]


def test_what_no_cure_mends_or_can_be_asked_again_stays_unresolved(tools):
    def stays(_other):
        return [Finding("first", Severity.ERROR, "nova", "x", "first is there")]

    def breaks(other):
        if not other.there:
            raise UsageFault("not here")
        return stays(other)

    for how in (stays, breaks):
        result = runner(plan_of("nova"), known=mended(how)).go(fake_cloud()).result
        assert [f.finding.source for f in result.unresolved] == ["first"]
    nothing = runner(plan_of("nova"), known=mended(seen), may_cure=cure_none).go(fake_cloud()).result
    assert [f.finding.source for f in nothing.unresolved] == ["first", "other"]


def test_nothing_is_cured_that_may_not_be(tools):
    result = runner(plan_of("nova"), known=[scenario()], may_cure=cure_none).go(fake_cloud()).result
    assert [f.state for f in result.findings] == [State.UNRESOLVED] and not result.came_through


def test_a_cure_of_a_later_stage_is_scheduled_and_applied_there(tools):
    trap = Scenario(title="t", services=("nova",), symptom=scenario().symptom, name="mine", hops=("icehouse/nova",))
    at = Stage.before("icehouse/nova")
    there = [True]

    @trap.preflight("seeded", str(at))
    def find(_cloud):
        if there[0]:
            yield Finding("mine", Severity.ERROR, "nova", "x", "there", cure=Cure("mend", at=at))

    trap.cure(str(at))(lambda _cloud, _findings: there.clear() or there.append(False))
    result = runner(plan_of("nova"), known=[trap]).go(fake_cloud()).result
    assert [(str(f.stage), f.state) for f in result.findings] == [
        ("seeded", State.SCHEDULED),
        ("before:icehouse/nova", State.CURED),
    ]


def test_what_came_between_two_steps_is_found_by_the_preflight_of_the_start(tools):
    trap = scenario()
    trap.hops = ("icehouse/nova",)
    trap.there = False
    trap.inject("after:havana/nova")(lambda _cloud: setattr(trap, "there", True))
    trap.cure("after:havana/nova")(lambda _cloud, _findings: setattr(trap, "there", False))
    result = runner(plan_of("nova"), known=[trap], injected=[trap]).go(fake_cloud()).result
    assert [(str(f.stage), f.state) for f in result.findings] == [("after:havana/nova", State.CURED)]


def test_a_trap_that_lies_behind_is_not_looked_for_again(tools):
    trap = scenario()
    trap.there = False
    trap.inject("after:havana/nova")(lambda _cloud: setattr(trap, "there", True))
    result = runner(plan_of("nova"), known=[trap], injected=[trap]).go(fake_cloud()).result
    assert trap.hops == ("havana/nova",) and not result.findings


@pytest.mark.parametrize(
    "fault",
    [
        ValueError("no such column"),
        UsageFault("not here"),
        OperationalError("q", {}, pymysql.Error(1267, "x")),
        SystemExit(0),
        GeneratorExit(),
        BaseException("mine"),
    ],
    ids=repr,
)
def test_a_preflight_that_cannot_look_warns_and_spares_the_others(tools, fault):
    bad, good = scenario("bad"), scenario("good")

    def broken(_cloud):
        raise fault

    bad.preflights[:] = [((SEEDED,), broken)]
    result = runner(plan_of("nova"), known=[bad, good]).go(fake_cloud()).result
    warning, cured = result.findings
    assert (warning.finding.severity, cured.state) == (Severity.WARNING, State.CURED)
    assert "the preflight bad could not run" in warning.finding.message and result.came_through


def test_a_preflight_that_would_end_the_process_warns_with_its_own_line(tools):
    bad = scenario("bad")
    bad.preflights[:] = [((SEEDED,), lambda _cloud: os._exit(0))]
    (warning,) = runner(plan_of("nova"), known=[bad]).go(fake_cloud()).result.findings
    assert warning.finding.place.startswith(f"{__file__}:") and "os._exit(0)" in warning.finding.message


@pytest.mark.parametrize("given", [5, "text", [None], [{"message": "x"}]], ids=repr)
def test_a_preflight_that_gives_something_else_than_findings_warns(tools, given):
    bad = scenario("bad")
    bad.preflights[:] = [((SEEDED,), lambda _cloud: given)]
    result = runner(plan_of("nova"), known=[bad]).go(fake_cloud()).result
    (warning,) = result.findings
    assert "the preflight bad could not run: TypeError: it gives " in warning.finding.message and result.came_through


@pytest.mark.parametrize("broken", ["census", "compare"])
@pytest.mark.parametrize("services", [("nova",), ()])
def test_an_invariant_that_cannot_look_warns_and_ends_nothing(tools, broken, services):
    def fail(*_):
        raise OperationalError("SELECT", {}, pymysql.OperationalError(1267, "Illegal mix of collations"))

    result = runner(checked_plan("nova"), checks=[check(services=services, **{broken: fail})]).go(fake_cloud()).result
    (warning,) = result.findings
    assert "the invariant rows-kept could not run: Illegal mix of collations (1267)" in warning.finding.message
    assert warning.finding.severity is Severity.WARNING and result.checked == {} and result.came_through
    assert where(warning.finding) == (services[0] if services else "the whole cloud")


@pytest.mark.parametrize("where", ["preflight", "step"])
def test_a_server_that_is_gone_says_nothing_about_the_cloud(tools, where):
    cloud, trap = fake_cloud(), scenario()
    cloud.server.up = False

    def fail(_cloud):
        raise OperationalError("SELECT", {}, pymysql.OperationalError(2013, "Lost connection"))

    if where == "preflight":
        trap.preflights[:] = [((SEEDED,), fail)]
    else:
        trap.there, tools.failing = False, ("havana/nova",)
    with pytest.raises(MissingFault, match="stopped in the middle"):
        runner(plan_of("nova"), known=[trap]).go(cloud)


def test_an_invariant_of_the_end_says_nothing_of_a_service_that_stopped(tools):
    tools.failing = ("havana/nova",)
    compare = check(compare=lambda *_: pytest.fail("it was checked"))
    assert runner(checked_plan("nova"), checks=[compare]).go(fake_cloud()).result.checked == {}


def test_the_census_is_taken_after_the_cures_of_the_start(tools):
    trap = scenario()
    seen = []
    noted = check(census=lambda _cloud: seen.append(trap.there) or 1)
    runner(checked_plan("nova"), known=[trap], checks=[noted]).go(fake_cloud())
    assert seen == [False]


def test_what_arrives_elsewhere_is_what_the_steps_run_on(tools):
    class Moving:
        def before(self, cloud):
            return fakes.replace(cloud, lane="moved")

    runner(plan_of("nova"), arriving=[Moving()]).go(fake_cloud())
    assert {cloud.lane for cloud in tools.clouds.values()} == {"moved"}


def test_a_cloud_that_is_refused_on_the_way_runs_no_step(tools):
    class Refusing:
        def before(self, cloud):
            raise Refused("the new server does not take the dump")

    result = runner(plan_of("nova"), arriving=[Refusing()]).go(fake_cloud()).result
    assert result.refused == "the new server does not take the dump" and tools.ran == [] and not result.came_through


def test_a_dump_that_does_not_restore_is_looked_at_by_its_scenario_alone(tools):
    trap = scenario()
    trap.symptom = RestoreFails(error="1215")

    @trap.inject("seeded")
    def restore(_cloud):
        raise UsageFault("cannot restore", evidence="1215")

    trap.there = False
    result = runner(plan_of("nova"), injected=[trap], known=[trap]).go(fake_cloud()).result
    assert result.refused == "cannot restore\n1215" and tools.ran == []


def test_an_interruption_ends_the_run_at_once(tools, monkeypatch):
    trap = scenario(at="before:havana/nova")

    @trap.cure("before:havana/nova")
    def press(_cloud, _findings):
        raise KeyboardInterrupt

    monkeypatch.setattr(interrupt, "interrupting", lambda: True)
    with pytest.raises(KeyboardInterrupt):
        runner(plan_of("nova"), known=[trap]).go(fake_cloud())
    assert tools.ran == []


def test_events_tell_the_run_as_it_goes(tools):
    told = []
    tools.failing = ("havana/nova",)
    runner(plan_of("nova"), told, known=[scenario()]).go(fake_cloud())
    assert [(e.kind.value, e.step, e.outcome) for e in told] == [
        ("cured", "seeded", ""),
        ("finding", "seeded", "cured"),
        ("step-started", "havana/nova", ""),
        ("step-ended", "havana/nova", "failed"),
    ]


def test_the_same_runner_runs_twice(tools):
    again = runner(plan_of("nova"))
    first, second = again.go(fake_cloud()).result, again.go(fake_cloud()).result
    assert len(first.steps) == len(second.steps) == 2


def test_what_a_cloud_has_behind_it_is_not_run_nor_anything_attached_to_it(tools):
    tools.done = (Passed("havana/nova", "nova", "havana", "nova is at 216, the end of havana", {"nova": ("216",)}),)
    behind = [scenario(f"{moment}-behind", at=f"{moment}:havana/nova") for moment in ("before", "after")]
    for trap in behind:
        stage = Stage.parse(trap.name.replace("-behind", ":havana/nova"))
        trap.preflights[:] = [((stage,), lambda _cloud: pytest.fail("it was looked for"))]
    start, ahead = scenario("start"), scenario("ahead", at="before:icehouse/nova", hops=("icehouse/nova",))
    start.preflights[:] = [((SEEDED,), lambda _cloud: pytest.fail("its only hop is done"))]
    result = runner(plan_of("nova"), known=[start, *behind, ahead]).go(fake_cloud()).result
    assert tools.ran == ["icehouse/nova"]
    assert [(s.step, s.outcome.value) for s in result.steps] == [
        ("havana/nova", "skipped"),
        ("icehouse/nova", "passed"),
    ]
    assert states(result) == [
        ("seeded", "standing", "havana/nova is not run: nova is at 216, the end of havana"),
        ("before:icehouse/nova", "cured", "ahead is there"),
    ]
    assert result.came_through


def test_a_move_that_is_done_is_what_the_tools_are_configured_by(tools):
    tools.done = (Passed("ml2", "neutron", "icehouse", "it is done", {}),)
    runner(plan_of("neutron")).go(fake_cloud())
    assert tools.ran == ["havana/neutron", "icehouse/neutron"]
    assert {cloud.site.plugin for cloud in tools.clouds.values()} == {"ml2"}


def test_an_invariant_of_every_hop_is_compared_after_each_hop_of_its_service(tools):
    import dataclasses

    compared = []
    every = dataclasses.replace(
        check(compare=lambda cloud, _before: compared.append(len(tools.ran)) or ()), every_hop=True
    )
    runner(checked_plan("nova", "glance"), checks=[every], jobs=1).go(fake_cloud())
    assert len(compared) == 3, "after nova's two hops and at the end, and not after glance's"

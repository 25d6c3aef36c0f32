"""A cloud without a server, and steps without tools, for tests of the runner."""

import threading
from dataclasses import dataclass, field, replace

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.route import Step
from osupgrade.model.events import EventLog
from osupgrade.model.finding import Cure, Finding, Severity
from osupgrade.model.plan import make_plan
from osupgrade.model.step import Diagnosis, Outcome, StepResult
from osupgrade.rehearsal import runner as runner_module
from osupgrade.rehearsal.runner import Runner
from osupgrade.scenarios.contract import Blocks, Scenario


class Server:
    """A server that is up until a test says otherwise."""

    up = True

    def end(self, thread):
        """Nobody waits for it."""

    def alive(self):
        return self.up


def fake_cloud():
    return Cloud(Server(), {"nova": "nova", "neutron": "neutron", "glance": "glance"}, Site(), "main")


def plan_of(*services):
    return make_plan(load_paths()["grizzly-icehouse"], load_releases(), services)


@dataclass
class Tools:
    """Stands for every release's tools: what each step was run on, and which of them fail or are replaced."""

    failing: tuple[str, ...] = ()
    done: tuple = ()
    """What the cloud has behind it."""
    ran: list = field(default_factory=list)
    clouds: dict = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, real: Step) -> Step:
        def run(cloud, _log, _config, *, instead=None, record=None):
            with self._lock:
                self.ran.append(real.name)
                self.clouds[real.name] = cloud
            if instead is not None:
                instead(cloud)
            outcome = Outcome.FAILED if real.name in self.failing else Outcome.PASSED
            diagnosis = Diagnosis("it broke") if outcome is Outcome.FAILED else None
            return StepResult(real.name, real.service, real.release.name, outcome, 0.1, diagnosis=diagnosis)

        return replace(real, run=run)

    def use(self, monkeypatch):
        """Let the runner run these in place of the real steps."""
        chain, finish = runner_module.service_steps, runner_module.finish_steps
        monkeypatch.setattr(runner_module, "service_steps", lambda p, c: tuple(map(self.step, chain(p, c))))
        monkeypatch.setattr(runner_module, "finish_steps", lambda p: tuple(map(self.step, finish(p))))
        monkeypatch.setattr(runner_module, "relocate", lambda *_: None)
        monkeypatch.setattr(runner_module, "passed_over", lambda *_: tuple(self.done))
        return self


class Directory:
    """A run directory of names alone."""

    def log(self, step):
        return f"log {step}"

    config = record = log


def runner(plan, events=None, **given):
    told = [] if events is None else events
    return Runner(plan=plan, run=Directory(), events=EventLog(None, told.append), **given)


def scenario(name="mine", service="nova", at="seeded", **given):
    """A trap that its preflight finds until its cure was applied."""
    given = {"hops": (f"havana/{service}",), **given}
    made = Scenario(title=name, services=(service,), symptom=Blocks(f"havana/{service}", error="x"), name=name, **given)
    made.there = True

    @made.preflight(at)
    def find(_cloud):
        if made.there:
            yield Finding(name, Severity.ERROR, service, f"{service}.rows", f"{name} is there", cure=Cure("mend it"))

    @made.cure(at)
    def cure(_cloud, _findings):
        made.there = False

    return made

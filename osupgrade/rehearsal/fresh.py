"""The schema at a route's end against the one that the last release's own tools make on empty databases."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import Say
from osupgrade.cloud.steps import run_hop
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab.parallel import threads
from osupgrade.model.errors import LabFault
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.plan import Plan
from osupgrade.model.report import StagedFinding, State
from osupgrade.model.stage import VERIFY
from osupgrade.model.text import counted
from osupgrade.rehearsal.phases import Ended, PhaseResult
from osupgrade.schema.catalogue import covers
from osupgrade.schema.diff import diff
from osupgrade.schema.explained import is_explained
from osupgrade.schema.reading import read_schema

LANE = "fresh"


@dataclass
class Fresh:
    """Creates the last release's schemas from scratch where the catalogue does not have them, and compares."""

    plan: Plan
    run: RunDirectory
    say: Say

    def before(self, cloud: Cloud) -> Cloud:
        """Nothing is to be noted of the cloud."""
        return cloud

    def after(self, ended: Ended) -> PhaseResult:
        """Every difference that no known reason explains, as findings."""
        wanted = self._wanted(ended.cloud)
        if ended.result.failed or ended.result.refused or not wanted:
            return PhaseResult()
        self.say(f"making {self.plan.last.name}'s schemas from scratch, to compare with")
        made = self._make(wanted, ended.cloud)
        try:
            found = [finding for name in wanted for finding in self._compare(ended.cloud, made, name)]
        finally:
            for name in made.databases.values():
                made.lab_server.drop(name)
        return PhaseResult(tuple(StagedFinding(VERIFY, finding, State.UNRESOLVED) for finding in found))

    def _wanted(self, cloud: Cloud) -> Mapping[str, str]:
        """The databases to compare, and the services that they are of."""
        last = self.plan.last
        return {
            database.name: service
            for service in self.plan.services
            for database in last.services[service].databases
            if cloud.has(database.name) and not covers(database.name, self.plan.first.name, last.name)
        }

    def _make(self, wanted: Mapping[str, str], upgraded: Cloud) -> Cloud:
        parts = [self.plan.last.services[service] for service in dict.fromkeys(wanted.values())]
        databases = {d.name: f"{LANE}_{d.name}" for part in parts for d in part.databases}
        # On the server of the upgraded cloud: servers describe the same schema differently.
        for name in databases.values():
            upgraded.lab_server.create(name)
        cloud = dataclasses.replace(upgraded, databases=databases, lane=LANE, logs=None)

        def make(service: str) -> None:
            log = self.run.path / "logs" / f"{LANE}-{service}.log"
            result = run_hop(cloud, self.plan.last, service, log, log.with_suffix(""), create=True)
            if result.problems:
                raise LabFault(
                    f"{self.plan.last.name}'s {service} cannot make its own schema: {'; '.join(result.problems)}",
                    evidence=log.read_text("utf-8", "replace")[-2000:],
                )

        with threads(len(parts)) as pool:
            list(pool.map(make, [part.service for part in parts]))
        return cloud

    def _compare(self, cloud: Cloud, made: Cloud, name: str) -> Iterator[Finding]:
        new = read_schema(made.server, made.databases[name])
        changes = diff(
            new, dataclasses.replace(read_schema(cloud.server, cloud.databases[name]), collation=new.collation)
        )
        odd = [change for change in changes if not is_explained(name, change, self.plan.last.version)]
        if odd:
            reference = f"a new database of {self.plan.last.name}"
            yield Finding(
                source="schema",
                severity=Severity.WARNING,
                service=name.split("_", maxsplit=1)[0],
                place=f"{name}: {odd[0].place}",
                message=f"the upgraded schema of {name} differs from {reference} in "
                + counted(len(odd), "{n} place[s]"),
                consequence="a later migration may fail on the difference",
                evidence=Evidence.of(("difference",), [(change.against(reference),) for change in odd]),
            )

"""Curing what every cloud has by nature, where a seeded cloud is taken to the release at which a rehearsal begins."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from osupgrade.catalog import content
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.derived import Treated, seeded_cloud
from osupgrade.cloud.laboratory import Laboratory, Say
from osupgrade.model.events import EventLog
from osupgrade.model.plan import Plan
from osupgrade.model.stage import Stage
from osupgrade.rehearsal.cures import Cures, cure_all
from osupgrade.rehearsal.ledger import Ledger
from osupgrade.scenarios.contract import Scenario
from osupgrade.scenarios.loading import load_scenarios
from osupgrade.seed.description import CloudDescription


def shelved_cloud(
    laboratory: Laboratory, description: CloudDescription, scratch: Path, say: Say
) -> tuple[str, Mapping[str, str]]:
    """Put the seeded cloud of the plan's first release on the server's shelf; see :func:`seeded_cloud`.

    On the way to a release that no code seeds, what every cloud has by nature is cured.
    """
    mended = treated(load_scenarios([content.scenarios()]).scenarios.values())
    return seeded_cloud(laboratory, description, scratch, say, mended)


def treated(known: Iterable[Scenario]) -> Treated:
    """The cures of all universal scenarios among ``known``, distinguished by the contents of their directories."""
    events = EventLog(None)
    cures = Cures(cure_all, Ledger(events), events)
    universal = [scenario for scenario in known if scenario.universal]

    def treat(cloud: Cloud, plan: Plan, stage: Stage) -> Cloud:
        for scenario in universal:
            if scenario.applies(plan):
                cloud = cures.look(cloud, stage, scenario)
        return cloud

    digest = hashlib.sha256()
    for scenario in sorted(universal, key=lambda scenario: scenario.name):
        for file in sorted(scenario.directory.glob("scenario.*")):
            digest.update(file.read_bytes())
    return Treated(treat, digest.hexdigest())

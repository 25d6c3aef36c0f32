"""Packing a failing step into an archive, and replaying one."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Mapping
from pathlib import Path

from osupgrade import __version__
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import Laboratory, Say
from osupgrade.cloud.route import Step
from osupgrade.dump.write import write_dump
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab.images.recipe import load_recipes, tag_of
from osupgrade.model.failure import Failure, failure_of
from osupgrade.model.plan import Plan
from osupgrade.model.step import Outcome, StepResult
from osupgrade.reproduce.archive import Facts, Packed, pack
from osupgrade.reproduce.rerun import NotAgain, restored, run_step
from osupgrade.reproduce.subject import Masking, Subject
from osupgrade.scenarios.contract import Instead


def pack_subject(laboratory: Laboratory, subject: Subject, out: Path, masking: Masking | None, say: Say) -> Failure:
    """Write an archive of the step's databases, masked, once they were seen to fail again in the same way.

    Raises NotAgain when they do not, Leak when a mask has a hole; then there is no archive.
    """
    server, step = laboratory.server, subject.step
    with tempfile.TemporaryDirectory(prefix="osupgrade-reproduce-") as scratch:
        place = Path(scratch)
        dump = place / "cloud.sql"
        names = [subject.cloud.databases[d.name] for d in step.databases if subject.cloud.has(d.name)]
        say(f"dumping {', '.join(names)}")
        write_dump(server, names, dump)
        site = subject.cloud.site
        if masking:
            say("masking")
            raw, dump = dump, place / "masked.sql"
            report = masking.sanitized(server, raw, dump)
            raw.unlink()
            site = masking.site(site)
            for what in report.left:
                say(f"left out: {what}")
        again = restored(laboratory, dump, site, step, "again_")
        say(f"checking whether {step.name} fails again on {'the masked databases' if masking else 'them'}")
        log = place / "step.log"
        log.touch()
        result = run_step(again, subject.plan, step, log, place / "config", subject.instead)
        failure = _same(result, again, subject.failure, masked=masking is not None)
        facts = Facts(
            osupgrade=__version__,
            made=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            path=subject.plan.path.name,
            service=step.service,
            databases=tuple(again.databases),
            server=f"{laboratory.database}: {server.version}",
            images=_images(step, laboratory.database),
            commits=_commits(step),
            lane=subject.lane,
            instead=subject.instead_of,
            masked=masking is not None,
            origin=subject.origin,
            failure=failure,
            files={},
        )
        pack(out, facts, site, dump, log)
    return failure


def _same(result: StepResult, cloud: Cloud, wanted: Failure, *, masked: bool) -> Failure:
    if result.outcome is not Outcome.FAILED:
        raise NotAgain(
            f"{result.step} succeeds on the packed databases",
            hint="masking removed the cause of the failure; --unmasked keeps all values as they are" if masked else "",
            evidence=f"expected {wanted}",
        )
    found = failure_of(result, cloud.databases.values())
    if not (found.alike(wanted) if masked else found == wanted):
        raise NotAgain(
            f"{result.step} fails differently on the packed databases",
            hint="--unmasked keeps all values as they are" if masked else "",
            evidence=f"expected {wanted}\ngot      {found}",
        )
    return found


def replay(
    laboratory: Laboratory, packed: Packed, plan: Plan, step: Step, instead: Instead | None, run: RunDirectory
) -> StepResult:
    """Run the packed step on the packed databases; the evidence is written to the run directory."""
    cloud = restored(laboratory, packed.dump, packed.site, step, "")
    return run_step(cloud, plan, step, run.log(step.name), run.config(step.name), instead)


def unlike(packed: Packed, step: Step, database: str) -> tuple[str, ...]:
    """What differs here from where the archive was packed: images, commits, osupgrade itself."""
    facts = packed.facts
    found = []
    if facts.osupgrade != __version__:
        found.append(f"osupgrade is {__version__} here, was {facts.osupgrade}")
    packed_database = facts.server.partition(":")[0]
    if database != packed_database:
        found.append(f"the database is {database} here, was {facts.server}")
    here = _images(step, packed_database)
    for name, tag in facts.images.items():
        if here.get(name) != tag:
            found.append(f"the image {name} has another recipe: {here.get(name, 'none')} here, was {tag}")
    commits = _commits(step)
    for name, commit in facts.commits.items():
        if commits.get(name) != commit:
            found.append(f"the code of {name} is {commits.get(name, 'none')} here, was {commit}")
    return tuple(found)


def _images(step: Step, database: str) -> Mapping[str, str]:
    recipes = load_recipes()
    return {name: tag_of(recipes, name) for name in (step.release.name, database) if name in recipes}


def _commits(step: Step) -> Mapping[str, str]:
    part = step.release.services[step.service]
    return {part.step: part.code}

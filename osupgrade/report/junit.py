"""``junit.xml``: the report as GitLab, GitHub's actions and Jenkins read test results.

One suite for each service's chain, and one each for findings, invariants, the real APIs and scenarios; the suite
``verdict`` fails exactly when the command did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree as Xml

from osupgrade.model.errors import Exit
from osupgrade.model.finding import Severity
from osupgrade.model.findings import settled
from osupgrade.model.quoting import visible
from osupgrade.model.report import LaneResult, Part, RunReport, ScenarioReport, StagedFinding, State
from osupgrade.model.step import Outcome, StepResult
from osupgrade.report.digest import by_service, cure_text, error_of, not_reached, versions_text


@dataclass(frozen=True)
class _Case:
    name: str
    seconds: float = 0.0
    failure: str | None = None
    """One line; None when it passed."""
    details: str = ""
    skipped: str | None = None


def write_junit(report: RunReport, path: Path) -> None:
    """Write ``report`` to ``path``."""
    tree = Xml.ElementTree(_document(report))
    Xml.indent(tree)
    tree.write(path, encoding="utf-8", xml_declaration=True)


def _document(report: RunReport) -> Xml.Element:
    suites = [(name, cases) for name, cases in _suites(report) if cases]
    root = Xml.Element("testsuites", {"name": "osupgrade", **_counts([c for _, cases in suites for c in cases])})
    del root.attrib["skipped"]  # Jenkins' schema knows it for a suite only
    # The form that Jenkins' schema asks for: no offset; it is UTC.
    timestamp = report.manifest.started.partition("+")[0].removesuffix("Z")
    for name, cases in suites:
        suite = Xml.SubElement(root, "testsuite", {"name": visible(name), "timestamp": timestamp, **_counts(cases)})
        for case in _told_apart(cases):
            suite.append(_element(name, case))
    return root


def _told_apart(cases: Sequence[_Case]) -> Iterator[_Case]:
    """Cases of one name get a number: servers would take them for repetitions of one test."""
    seen: Counter[str] = Counter()
    for case in cases:
        seen[case.name] += 1
        yield replace(case, name=f"{case.name} ({seen[case.name]})") if seen[case.name] > 1 else case


def _counts(cases: Sequence[_Case]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.failure is not None for case in cases)),
        "errors": "0",
        "skipped": str(sum(case.skipped is not None for case in cases)),
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }


def _element(suite: str, case: _Case) -> Xml.Element:
    element = Xml.Element(
        "testcase",
        {"classname": visible(f"osupgrade.{suite}"), "name": visible(case.name), "time": f"{case.seconds:.3f}"},
    )
    if case.failure is not None:
        failure = Xml.SubElement(element, "failure", {"message": visible(case.failure), "type": "failure"})
        failure.text = visible(case.details or case.failure)
    elif case.skipped is not None:
        Xml.SubElement(element, "skipped", {"message": visible(case.skipped)})
    elif case.details:
        Xml.SubElement(element, "system-out").text = visible(case.details)
    return element


def _suites(report: RunReport) -> Iterator[tuple[str, list[_Case]]]:
    bad = report.exit_status != 0
    notes = "\n".join(report.notes)
    verdict = _Case(
        "came through", report.seconds, report.verdict if bad else None, f"{report.next_command}\n{notes}".strip()
    )
    yield "verdict", [verdict]
    for part in report.parts:
        yield from _part(part)
    if report.result:
        yield from _lane(report.result, report)
    if report.strategy and report.strategy.phases:
        yield "databases", [_Case(phase.name, phase.seconds) for phase in report.strategy.phases]
    yield (
        "apis",
        [
            _Case(f"{c.release} {c.service}: {c.name}", c.seconds, None if c.ok else c.detail or "failed", c.detail)
            for c in report.api
        ],
    )
    yield "scenarios", [case for scenario in report.scenarios for case in _scenario(scenario)]


def _part(part: Part) -> Iterator[tuple[str, list[_Case]]]:
    """The suites of a part of a nightly, named after it; a part that was not run is skipped, and says why."""
    name = part.name.replace(" ", ".")
    if part.report is None:
        absent = part.exit_status == Exit.MISSING
        yield name, [_Case("run", failure=None if absent else part.problem, skipped=part.problem if absent else None)]
        return
    for suite, cases in _suites(part.report):
        yield f"{name}.{suite}", cases


def _lane(result: LaneResult, report: RunReport) -> Iterator[tuple[str, list[_Case]]]:
    missing = not_reached(result)
    for service, steps in by_service(result).items():
        cases = [_step(step) for step in steps]
        cases += [_Case(hop, skipped="not reached") for hop in missing if hop.endswith(f"/{service}")]
        yield service, cases
    if result.refused:
        yield (
            "cloud",
            [
                _Case(
                    "the cloud can be set up",
                    failure=(result.refused.splitlines() or [result.refused])[0],
                    details=result.refused,
                )
            ],
        )
    findings = [found for found in settled(result.findings) if found.finding.source not in result.checked]
    yield "findings", [_finding(found) for found in findings]
    yield "invariants", [_invariant(name, result, report) for name in sorted(result.checked)]


def _step(step: StepResult) -> _Case:
    if step.outcome is Outcome.SKIPPED:
        return _Case(step.step, step.seconds, skipped="replaced by nothing in this lane")
    if step.outcome is Outcome.PASSED:
        return _Case(step.step, step.seconds, details=f"at {versions_text(step.versions_after, step.service)}")
    diagnosis = step.diagnosis
    lines = [*step.problems]
    if diagnosis:
        lines += [f"error: {diagnosis.error}"]
        lines += [f"revision: {diagnosis.revision}"] if diagnosis.revision else []
        lines += [f"statement: {diagnosis.statement}"] if diagnosis.statement else []
    return _Case(step.step, step.seconds, error_of(step), "\n".join([*lines, f"log: logs/{step.log}"]))


def _finding(found: StagedFinding) -> _Case:
    finding = found.finding
    unresolved = found.state is State.UNRESOLVED and finding.severity is Severity.ERROR
    lines = [f"{finding.severity.value}, {found.state.word} at {found.stage}: {finding.message}", finding.consequence]
    if finding.cure:
        lines += [f"cure: {finding.cure.summary}", cure_text(finding.cure)]
    name = f"{finding.source}: {' '.join(filter(None, (finding.service, finding.place)))}"
    return _Case(
        name, failure=finding.message if unresolved else None, details="\n".join(line for line in lines if line)
    )


def _invariant(name: str, result: LaneResult, report: RunReport) -> _Case:
    broken = [found for found in result.unresolved if found.finding.source == name]
    lines = [f"{found.stage}: {found.finding.place}: {found.finding.message}" for found in broken]
    title = report.invariants.get(name, name)
    return _Case(title, failure=broken[0].finding.message if broken else None, details="\n".join(lines))


def _scenario(report: ScenarioReport) -> Iterator[_Case]:
    if report.skipped:
        yield _Case(report.name, skipped=report.skipped)
    for lane in report.lanes:
        yield _Case(
            f"{report.name} ({lane.lane})",
            lane.result.seconds,
            lane.problems[0] if lane.problems else None,
            "\n".join((report.title, f"symptom: {report.symptom}", *lane.problems, f"see {lane.log}")),
        )

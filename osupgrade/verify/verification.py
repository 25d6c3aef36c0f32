"""Driving the upgraded cloud through its real APIs, and what that shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from osupgrade.catalog.running import CENSUS, LEVELS, Level, Listing, Running, Script, load_running
from osupgrade.cloud.cloud import Cloud
from osupgrade.lab.engine import Lab
from osupgrade.lab.parallel import threads
from osupgrade.lab.release_container import Workshop
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.plan import Plan
from osupgrade.model.report import ApiCall
from osupgrade.model.text import counted
from osupgrade.verify.census import Census, Login, differences
from osupgrade.verify.services import ServiceSet, Started
from osupgrade.verify.tracebacks import tracebacks

SOURCE = "verify"


@dataclass(frozen=True)
class Verification:
    """What the running cloud said. ``ready_seconds`` is the time until every process was ready."""

    release: str
    level: Level
    calls: tuple[ApiCall, ...] = ()
    findings: tuple[Finding, ...] = ()
    started: tuple[Started, ...] = ()
    ready_seconds: float = 0.0
    seconds: float = 0.0


def verify(
    cloud: Cloud,
    lab: Lab,
    workshop: Workshop,
    plan: Plan,
    level: Level,
    out: Path,
    say: Callable[[str], None],
    *,
    password_of: Callable[[str], str | None] = lambda _user: None,
    before: Census | None = None,
    fast: bool = False,
) -> Verification:
    """Start the services of the plan's last release on copies of the cloud's databases and use them as clients do.

    Logs and configuration go below ``out``. Whatever happens, nothing stays behind. A release that is not described
    (``images/RELEASE/serve.toml``) gives an empty verification. ``password_of`` gives a user's password of before the
    upgrade where it is known: a seeded cloud's description knows it, a dump does not. ``before`` is the census at the
    path's first release, to compare with. ``fast`` does without a message broker: what a service does through others
    is then not asked. Raises LabFault when the lab itself fails.
    """
    running = load_running(plan.last.name)
    if running is None:
        say(f"there is no description of how {plan.last.name} runs (serve.toml), so its APIs are not checked")
        return Verification(plan.last.name, level)
    began = time.monotonic()
    given = {g.name: cloud.rows(g.service, g.sql) for g in running.given if g.service in plan.services}
    logins = before.logins if before else ()
    known = {
        **given,
        "passwords": {user: password_of(user) for user, _, _ in given.get("users", ())},
        "logins": [asdict(login) for login in logins],
    }
    calls: list[ApiCall] = []
    findings: list[Finding] = []
    if fast and running.broker:
        say("without a message broker: calls from one service to another are not checked")
    with ServiceSet(cloud, lab, workshop, running, plan.services, level, out, say, fast=fast) as services:
        findings += services.findings
        for entries in running.asked(services.ready, level, compared=before is not None):
            for entry, answer in _answers(services, entries, {**known, "hosts": services.hosts}, say):
                calls += [ApiCall(running.release, **call) for call in answer["calls"]]
                findings += [_found(entry.name, finding) for finding in answer["findings"]]
                if before is not None and entry.name == CENSUS:
                    calls = [*before.calls, *calls]
                    findings += differences(before.facts, answer["facts"], running.explained)
                findings += _unlisted(running, answer["lists"], cloud, services.cloud, plan.services)
        findings += _damage(running, cloud, services.cloud, plan.services, level)
        findings += _errors(services, running)
        started, ready = services.started, services.seconds
    findings += _failed(calls)
    return Verification(running.release, level, tuple(calls), tuple(findings), started, ready, time.monotonic() - began)


def _answers(
    services: ServiceSet, entries: Sequence[Script], given: Mapping[str, Any], say: Callable[[str], None]
) -> list[tuple[Script, dict[str, Any]]]:
    """What the rounds of one group find out, in their order; they run side by side."""
    say(f"{', '.join(entry.name for entry in entries)}: querying the APIs")
    hand = jsonable(given)
    with threads(len(entries)) as pool:
        asked = [pool.submit(services.script, e.file, e.service, e.config, hand) for e in entries]
        return [(entry, each.result()) for entry, each in zip(entries, asked, strict=True)]


def take_census(
    cloud: Cloud,
    lab: Lab,
    workshop: Workshop,
    plan: Plan,
    out: Path,
    say: Callable[[str], None],
    *,
    password_of: Callable[[str], str | None] = lambda _user: None,
) -> Census | None:
    """Ask the real services of the plan's first release for everything they show of the cloud, on copies of it.

    None when there is no description of how that release runs, or when a service does not start: a cloud may be old.
    """
    running = load_running(plan.first.name)
    entry = next((r for r in running.rounds if r.name == CENSUS), None) if running else None
    if running is None or entry is None:
        return None
    given = {g.name: cloud.rows(g.service, g.sql) for g in running.given if g.service in plan.services}
    logins = tuple(
        Login(user, password, tenant) for user, tenant in given.get("users", ()) if (password := password_of(user))
    )
    with ServiceSet(cloud, lab, workshop, running, plan.services, "smoke", out, say, label="census") as services:
        if services.findings:
            say(f"no census at {running.release}: {services.findings[0].message}")
            return None
        say(f"{running.release}: querying the APIs")
        known = {**given, "logins": [asdict(login) for login in logins], "hosts": services.hosts}
        answer = services.script(entry.file, entry.service, entry.config, jsonable(known))
    calls = tuple(ApiCall(running.release, **call) for call in answer["calls"])
    return Census(running.release, answer["facts"], calls, logins)


def jsonable(value: Any) -> Any:
    """A database's rows as JSON can carry them."""
    if isinstance(value, Mapping):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def compare_listing(listing: Listing, listed: set[str], before: set[str], now: set[str]) -> Finding | None:
    """A finding when an API does not list what the database held ``before``, or lists what it does not hold ``now``."""
    missing, surplus = sorted(before - listed), sorted(listed - now)
    if not missing and not surplus:
        return None
    rows: list[tuple[object, ...]] = [("not listed", one) for one in missing]
    rows += [("not in the database", one) for one in surplus]
    said = [counted(len(missing), "{n} in the database [is|are] not listed")] if missing else []
    said += [counted(len(surplus), "{n} listed [is|are] not in the database")] if surplus else []
    return Finding(
        source=SOURCE,
        severity=Severity.ERROR,
        service=listing.service,
        place=f"API {listing.name}",
        message=f"{listing.name}: {' and '.join(said)}",
        consequence="their owners no longer see them" if missing else "",
        evidence=Evidence.of(("what", "id"), rows),
    )


def _unlisted(
    running: Running, lists: Mapping[str, Sequence[object]], cloud: Cloud, copy: Cloud, services: Sequence[str]
) -> Iterator[Finding]:
    for listing in running.listings:
        if listing.name not in lists or listing.service not in services:
            continue
        listed = {str(one) for one in lists[listing.name]}
        before = {str(row[0]) for row in cloud.rows(listing.service, listing.sql)}
        now = {str(row[0]) for row in copy.rows(listing.service, listing.sql)}
        if finding := compare_listing(listing, listed, before, now):
            yield finding


def _damage(running: Running, cloud: Cloud, copy: Cloud, services: Sequence[str], level: Level) -> Iterator[Finding]:
    for check in running.checks:
        if check.service not in services or LEVELS.index(check.level) > LEVELS.index(level):
            continue
        before = set(cloud.rows(check.service, check.sql))
        rows = [row for row in copy.rows(check.service, check.sql) if row not in before]
        if rows:
            yield Finding(
                source=SOURCE,
                severity=Severity.ERROR,
                service=check.service,
                place=check.name,
                message=counted(len(rows), f"{{n}} {check.message}"),
                consequence=check.consequence,
                evidence=Evidence.of(check.columns, rows),
            )


def _found(round_name: str, data: Mapping[str, Any]) -> Finding:
    return Finding(
        source=f"{SOURCE}/{round_name}",
        severity=Severity(data["severity"]),
        service=data["service"],
        place=data["place"],
        # The scripts run in a release's own Python, without this package: the sentence is put together here.
        message=counted(len(data["rows"]), text) if (text := data["message"]).startswith("{n} ") else text,
        consequence=data["consequence"],
        evidence=Evidence.of(tuple(data["columns"]), [tuple(row) for row in data["rows"]]),
    )


def _failed(calls: Sequence[ApiCall]) -> Iterator[Finding]:
    for service in dict.fromkeys(call.service for call in calls):
        failed: list[tuple[object, ...]] = [(c.name, c.detail) for c in calls if c.service == service and not c.ok]
        if failed:
            asked = sum(call.service == service for call in calls)
            yield Finding(
                source=SOURCE,
                severity=Severity.ERROR,
                service=service,
                place=f"{service} API",
                message=counted(len(failed), "{n} of {all} calls fail[s|] on the upgraded cloud", all=asked),
                consequence="the cloud does not do what it did before",
                evidence=Evidence.of(("call", "answer"), failed),
                command=f"less logs/verify-{service}*.log",
            )


def _errors(services: ServiceSet, running: Running) -> Iterator[Finding]:
    silent = {finding.place for finding in services.findings}
    for name, log in services.logs().items():
        if name in silent:
            continue
        found = tracebacks(log, [one.error for one in running.expected])
        if found:
            yield Finding(
                source=SOURCE,
                severity=Severity.ERROR,
                service=services.service_of(name),
                place=f"logs/verify-{name}.log",
                message=counted(sum(one.count for one in found), "{name} raised {n} unexpected error[s]", name=name),
                consequence="something in the upgraded cloud does not work, even if the client got no error",
                evidence=Evidence.of(("error", "raised at", "times"), [(t.error, t.place, t.count) for t in found]),
                command=f"less logs/verify-{name}.log",
            )

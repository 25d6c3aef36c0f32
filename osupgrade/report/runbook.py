"""The operator's page for the night: every step in order, its command, its time, how it is seen to have worked, and
the way back. Made from the plan and from what the rehearsal of his own cloud showed.
"""

from __future__ import annotations

import dataclasses
import itertools
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

import jinja2

from osupgrade.catalog.site import Site
from osupgrade.model.finding import Cure, Finding, Severity
from osupgrade.model.findings import settled
from osupgrade.model.plan import Plan
from osupgrade.model.release import Command, Database, Finish, Release, ServiceRelease, Started
from osupgrade.model.report import RunReport, StagedFinding, State
from osupgrade.model.stage import SEEDED, Stage
from osupgrade.model.step import Outcome, StepResult
from osupgrade.model.text import duration, size
from osupgrade.report.digest import between, cure_blocks, downtime, moved, phases

_SQL = "$SQL"
_OLD = "$OLD"
_TEMPLATES = jinja2.Environment(undefined=jinja2.StrictUndefined)

# Where distributions keep what the lab keeps under its own short names.
_PLUGIN_FILES = {
    "openvswitch": "/etc/neutron/plugins/openvswitch/ovs_neutron_plugin.ini",
    "linuxbridge": "/etc/neutron/plugins/linuxbridge/linuxbridge_conf.ini",
    "ml2": "/etc/neutron/plugins/ml2/ml2_conf.ini",
}
_WRITERS = {
    "keystone": ("keystone",),
    "glance": ("glance-api", "glance-registry"),
    "cinder": ("cinder-api", "cinder-scheduler", "cinder-volume"),
    "placement": ("placement-api",),
    "nova": ("nova-api", "nova-scheduler", "nova-conductor", "nova-cert", "nova-consoleauth"),
}
_GONE_FROM_PYTHON_3 = {"glance-registry", "nova-cert", "nova-consoleauth"}


def runbook(report: RunReport, plan: Plan) -> str:
    """The page as Markdown; ``report`` is that of a rehearsal of ``plan``."""
    return _Page(report, plan).text()


@dataclasses.dataclass(frozen=True)
class _Treatment:
    """One cure, and the findings that ask for it; what it took (seconds) where the rehearsal applied it."""

    cure: Cure
    findings: tuple[Finding, ...]
    seconds: float | None

    @property
    def early(self) -> bool:
        """Whether it can be done in quiet days before, since nothing breaks without it."""
        return self.at == SEEDED and all(finding.severity is not Severity.ERROR for finding in self.findings)

    @property
    def at(self) -> Stage:
        return self.cure.at or SEEDED


class _Page:
    def __init__(self, report: RunReport, plan: Plan) -> None:
        self.report = report
        self.plan = plan
        self.lines: list[str] = []
        self.number = 0
        self.steps: Mapping[str, StepResult] = {s.step: s for s in report.result.steps} if report.result else {}
        self.treatments = _treatments(report)
        self.phases = phases(report)
        self.moved = moved(report)
        self.site = {**dataclasses.asdict(Site()), **report.manifest.site}

    def text(self) -> str:
        self._head()
        self._names()
        self._before()
        self.lines += ["", "## The night", ""]
        self._stop(self.plan.first)
        self._back_up()
        self._cures(SEEDED)
        for release, following in itertools.pairwise((*self.plan.releases[1:], None)):
            assert release is not None
            self._release(release)
            if following and self._started(release):
                self._in_between(release, following)
        if self.plan.finish:
            self._finish(self.plan.finish)
        self._look()
        self._start()
        self._way_back()
        return "\n".join(self.lines).rstrip() + "\n"

    # The parts of the page, in its order.

    def _head(self) -> None:
        report = self.report
        manifest = report.manifest
        self._say(
            f"# Upgrade runbook: {self.plan.first.name} to {self.plan.end}",
            f"Services: {', '.join(self.plan.services)}. Rehearsed {manifest.started} on {manifest.database}; "
            f"cloud: {manifest.cloud}. Verdict: {report.verdict}.",
        )
        if report.exit_status != 0:
            self._say(
                "> **Do not use this page yet.** The rehearsal did not come through. Settle what it found, rehearse "
                f"again, and print this page anew: `{report.next_command}`"
            )
        chains = [sum(self.steps[h.step].seconds for h in c.hops if h.step in self.steps) for c in self.plan.chains]
        finish = self.steps.get(self.plan.finish.name) if self.plan.finish else None
        last = finish.seconds if finish else 0.0
        if self.steps and not report.estimate:
            self._say(
                f"The migrations took {duration(sum(chains) + last)} in the rehearsal one after the other, and "
                f"{duration(max(chains) + last)} with the services side by side. These are the lab's times, on a "
                "database that need not survive a crash. Yours will be longer: take them to see which step is the "
                "long one, not when you will be in bed."
            )
        if seen := report.estimate:
            self._say(
                f"Expect {between(seen.total)} for the steps one after the other, {between(seen.side_by_side)} with "
                f"the services side by side, and the APIs down for {between(seen.down)}; {size(seen.disk_bytes)} must "
                f"be free on the database's disk. Taken from {seen.basis}."
            )
            if seen.host is None:
                self._say(
                    "Measure your controller (`python measure_host.py`) and give what it says with `--factor-file`: "
                    "these are still the lab's seconds."
                )
            for gain in seen.gains:
                self._say(
                    f"To {gain.title} in the days before saves about {duration(gain.saved)} of {gain.migration} "
                    f"({gain.step})."
                )
        if self.phases:
            self._say(
                f"With the {'move to the new server' if self.moved else 'backup'} nothing may write for "
                f"{duration(downtime(report))} at the least, in the same times."
            )

    def _names(self) -> None:
        names = [d.name for d in self._databases(self.plan.last)]
        self._say(
            "## Names used on this page",
            "Set these once in the shell that you work in. Databases are called "
            f"{', '.join(f'`{n}`' for n in names)} here; put your own names where they differ.",
        )
        setting = [
            _backup_at(self.plan.first),
            f"{_SQL[1:]}='mysql --defaults-file=~/.my.cnf'",
        ]
        if self.moved:
            setting.append(
                "OLD='mysql --defaults-file=~/.old.cnf'  # the old controller's server; $SQL is the new one's"
            )
        if self.plan.finish:
            setting.append("NEUTRON_URL='mysql://neutron:PASSWORD@DATABASE-HOST/neutron?charset=utf8'")
        self._block(setting)

    def _before(self) -> None:
        self._say("## Before the night")
        without = [
            found.finding
            for found in settled(self.report.result.findings if self.report.result else ())
            if found.state is State.STANDING and found.finding.cure is None
        ]
        items = [
            "The cloud has changed since the rehearsal. Take a dump of today and run "
            f"`osupgrade rehearse --path {self.plan.path.name} --dump DUMP` on it; the cures below are for what stood "
            "in the cloud then.",
            "Keep packages from starting services when they are installed (`policy-rc.d`, or masked units): a new "
            "server that starts on the old schema makes tables of its own, and the migration stops on them.",
            "Have room for the dumps and for the largest table once more; a changed table is copied.",
        ]
        if self.moved and self.report.strategy:
            items.append(
                f"Have the new controller ready, with {self.report.strategy.new} (the old one has "
                f"{self.report.strategy.old}), empty databases' accounts, and no service running. The rehearsal went "
                "from the one server to the other."
            )
        items += [f"Stands, without a known cure: **{f.service} {f.place}**: {f.message}." for f in without]
        self.lines += [f"- [ ] {item}" for item in items]
        for treatment in self.treatments:
            if treatment.early:
                self.lines.append(f"- [ ] Worth doing in the days before: {treatment.cure.summary}.")
                self._treat(treatment)

    def _stop(self, running: Release) -> None:
        where = ", on the old controller" if self.moved and running is self.plan.first else ""
        self._step(f"Stop what writes to the databases{where}", "a few minutes; from here the APIs are down")
        self._block([self._all(running, "stop")])
        self._say(
            "Names as in Ubuntu's and Debian's packages; Red Hat's begin with `openstack-`, and a service under Apache "
            "stops with it. Instances keep running and keep their network."
        )
        wanted = ", ".join(f"'{d.name}'" for d in self._databases(running))
        self._worked(
            f"{_OLD if where else _SQL} -e "
            f'"SELECT user, host, db FROM information_schema.processlist WHERE db IN ({wanted})"',
            "no row",
        )
        self._back("start the services again; nothing has changed")

    def _back_up(self) -> None:
        names = " ".join(d.name for d in self._databases(self.plan.first))
        file = "~/.old.cnf" if self.moved else "~/.my.cnf"
        self._step(
            "Dump the databases" + (" on the old server" if self.moved else ""),
            self._phase("dump" if self.moved else "backup") or "as long as your nightly dump takes",
        )
        self._dump(names, file)
        if self.moved:
            self._take_over(names)

    def _dump(self, names: str, file: str, *before: str) -> None:
        self._block(
            [
                *before,
                f"for d in {names}; do",
                f"  mysqldump --defaults-file={file} --single-transaction --routines --triggers --databases $d"
                " | gzip > $BACKUP/$d.sql.gz",
                "done",
            ]
        )
        self._worked(
            'for f in $BACKUP/*.sql.gz; do echo "$f: $(zcat $f | tail -1)"; done',
            "each line ends with `Dump completed`",
        )
        self._back("nothing has changed")

    def _in_between(self, release: Release, following: Release) -> None:
        """The services run at a release before the next one, which asks for what they write."""
        self._no_return()
        self._step(f"Start {release.name}'s services, on every compute host too", "until all of them have reported")
        started = self._started(release)
        self._say(
            f"{following.name.capitalize()} asks that they ran: {'; '.join(each.title for each in started)}. Between "
            "this step and the next there may be days; each release is an upgrade of its own."
        )
        self._block([self._all(release, "start")])
        for each in started:
            self._worked(f'{_SQL} {each.written.service} -e "{each.unfinished}"', "no row")
        self._back(f"there is none to {self.plan.first.name} that keeps what is written from here on")
        self._stop(release)
        self._step("Dump the databases again", "as long as before")
        names = " ".join(d.name for d in self._databases(release))
        self._dump(names, "~/.my.cnf", _backup_at(release))

    def _take_over(self, names: str) -> None:
        self._step("Restore them on the new server", self._phase("restore") or "longer than making the dumps")
        self._block([f"for d in {names}; do zcat $BACKUP/$d.sql.gz | {_SQL}; done"])
        tables = (
            "SELECT table_name FROM information_schema.tables WHERE table_schema = '$d' AND table_type = 'BASE TABLE'"
        )
        count = "SELECT COUNT(*) FROM \\`$t\\`"
        self._worked(
            f'for d in {names}; do for t in $({_OLD} -N -e "{tables}"); do\n'
            f'  echo "$d.$t $({_OLD} -N $d -e "{count}") $({_SQL} -N $d -e "{count}")"\n'
            "done; done | awk '$2 != $3'",
            "nothing: each table has as many rows on both",
        )
        self._back("start the old controller's services again; nothing there has changed")

    def _release(self, release: Release) -> None:
        self._step(f"Install {release.name}'s packages ({release.version}), starting nothing", "depends on your mirror")
        self._say(
            f"Packages of {', '.join(self.plan.services)} at {release.name}, with the configuration that was rehearsed "
            "(`config/` in the run directory has the very files). A release may not be skipped: "
            f"{release.rule}."
        )
        if self.plan.finish and "core_plugin" in str(release.services[self.plan.finish.service].config):
            self._say(
                f"`core_plugin` stays that of {self.site['plugin']} until `{self.plan.finish.name}` is done: the "
                "migrations read it, and do other things under another plugin."
            )
        self._back("install the packages of before; the databases have not changed in this step")
        for chain in self.plan.chains:
            for hop in chain.hops:
                if hop.target == release.name:
                    self._hop(release, release.services[chain.service])

    def _hop(self, release: Release, part: ServiceRelease) -> None:
        self._cures(Stage.before(part.step))
        self._step(f"{part.service} to {release.name}", self._time(part.step))
        self._block([self._command(part, command) for command in (*part.upgrade, *part.check)])
        if online := [f"`{command.name}`" for command in part.upgrade if command.online]:
            self._say(
                f"{', '.join(online)} may run while the API is up, the one that is stopped tonight before it is or the "
                "next one after it was started: a shorter night, and more to look after."
            )
        for command in part.check:
            may = f"`{command.name}` may exit {' or '.join(map(str, command.accepts))}."
            if command.ignores:
                may += (
                    f" Of its results, {', '.join(f'*{name}*' for name in command.ignores)} fails while the APIs are "
                    "down, and it exits 2 then; ask again when they run."
                )
            self._say(may)
        for database in part.databases:
            self._worked(_version_query(database), " and ".join(f"`{head}`" for head in database.head))
        self._problem(part.step)
        before = self.plan.releases[self.plan.releases.index(release) - 1]
        dumped = before is self.plan.first or self._started(before)
        again = "" if dumped else f", then {part.service}'s steps from the start"
        self._back(self._restore(part.databases) + again)
        self._cures(Stage.after(part.step))

    def _finish(self, finish: Finish) -> None:
        part = self.plan.last.services[finish.service]
        self._cures(Stage.before(finish.name))
        self._step(f"Move {finish.service} to {finish.name}", self._time(finish.name))
        self._block([self._command(part, finish.command)])
        if finish.tables:
            names = ", ".join(f"'{table}'" for table in finish.tables)
            query = (
                f"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '{part.databases[0].name}' "
                f"AND table_name IN ({names})"
            )
            self._worked(f'{_SQL} -e "{query}"', f"`{len(finish.tables)}`")
        self._problem(finish.name)
        self._say("Never run it twice on the same database: it would insert its rows again. Restore first.")
        self._back(self._restore(part.databases) + f", then {finish.service}'s steps from the start")
        self._cures(Stage.after(finish.name))

    def _look(self) -> None:
        self._step("Look before anybody can write", "a minute")
        self._say("Take a dump of the upgraded databases as well: it is the way back to this very point.")
        checked = self.report.result.checked if self.report.result else {}
        titles = [self.report.invariants.get(name, name) for name in sorted(checked)]
        if titles:
            self._say("What the rehearsal asked of the upgraded databases, and what must hold here too:")
            self.lines += [f"- [ ] {title}" for title in titles]
            self.lines.append("")
        self._back("start the old controller again" if self.moved else "restore the dumps: see *The way back*")

    def _no_return(self) -> None:
        self.lines += [
            "> **Point of no return.** The next step lets users and agents write to the upgraded databases. Going back",
            "> after it loses what they write. Decide here, with the clock in hand.",
            "",
        ]

    def _start(self) -> None:
        self._no_return()
        self._step(f"Start {self.plan.last.name}'s services", "some minutes, and again to see agents report")
        if self.plan.last.starting:
            self._say(self.plan.last.starting)
        if self.moved:
            self._say(
                "First let the address of the old controller (its virtual IP, or its names) lead to the new one, so "
                "that the endpoints in keystone's catalogue and the agents' message broker stay true; or change both. "
                "The services of the old controller are never started again after this."
            )
        self._block([self._all(self.plan.last, "start")])
        if self.plan.finish and self.plan.finish.name == "ml2":
            self._say("Set `core_plugin` to ML2, and the L3 plugin in `service_plugins`, before neutron-server starts.")
        for service in dict.fromkeys(call.service for call in self.report.api):
            names = [call.name for call in self.report.api if call.service == service]
            more = f" and {len(names) - 12} more" if len(names) > 12 else ""
            self.lines.append(f"- [ ] {service} answers: {', '.join(names[:12])}{more}")
        self._say("", "Then the agents and the compute hosts, one first, and an instance on it that you can lose.")

    def _way_back(self) -> None:
        names = [d.name for d in self._databases(self.plan.first)]
        seen = self.report.strategy.way_back if self.report.strategy else ""
        self._say("## The way back")
        for release in self.plan.releases[1:-1]:
            if self._started(release):
                self._say(
                    f"Once {release.name}'s services have run, the way back leads to {release.name}: its packages, and "
                    "the dumps that were made after that. Before it:"
                )
        if self.moved:
            self._say(
                "At any point before the point of no return: stop what runs on the new controller, and start the old "
                "controller's services. Its databases were not touched"
                + (f"; in the rehearsal {seen}." if seen else ", if nothing wrote to them meanwhile."),
                "To begin anew on the new controller, restore the dumps there:",
            )
        else:
            self._say(
                "At any point before the point of no return: stop everything, install the packages of "
                f"{self.plan.first.name}, and restore. "
                + (
                    f"The rehearsal did it: {seen}. Keep that time, and what your server is slower, in hand when you "
                    "decide."
                    if seen
                    else "This was not timed in the rehearsal (`osupgrade rehearse --rollback` does it); restoring "
                    "a dump takes longer than making it."
                )
            )
        self._block(
            [
                f"for d in {' '.join(names)}; do",
                f'  {_SQL} -e "DROP DATABASE IF EXISTS $d" && zcat $BACKUP/$d.sql.gz | {_SQL}',
                "done",
            ]
        )

    # What the parts are made of.

    def _say(self, *paragraphs: str) -> None:
        for paragraph in paragraphs:
            if self.lines and self.lines[-1]:
                self.lines.append("")
            if paragraph:
                self.lines += [paragraph, ""]

    def _block(self, commands: Iterable[str]) -> None:
        self.lines += ["```sh", *commands, "```", ""]

    def _step(self, title: str, time: str) -> None:
        self.number += 1
        self._say(f"### {self.number}. {title}", f"- [ ] done at ____  *(expected: {time})*")

    def _worked(self, command: str, expected: str) -> None:
        self._say(f"It worked when this says {expected}:")
        self._block([command])

    def _back(self, way: str) -> None:
        self._say(f"Way back: {way}.")

    def _time(self, step: str) -> str:
        result = self.steps.get(step)
        if result is None or result.outcome is Outcome.SKIPPED:
            return "not reached in the rehearsal"
        hops = self.report.estimate.hops if self.report.estimate else ()
        foretold = next((f", {between(hop.time)} estimated" for hop in hops if hop.step == step), "")
        return f"{duration(result.seconds)} in the rehearsal{foretold}"

    def _phase(self, name: str) -> str:
        phase = self.phases.get(name)
        if phase is None:
            return ""
        of = f" for {size(phase.bytes)}" if phase.bytes else ""
        return f"{duration(phase.seconds)} in the rehearsal{of}"

    def _problem(self, step: str) -> None:
        result = self.steps.get(step)
        if result and result.outcome is Outcome.FAILED:
            error = " ".join(result.diagnosis.error.split()) if result.diagnosis else "; ".join(result.problems)
            self._say(f"> **This step failed in the rehearsal:** {error}")

    def _cures(self, stage: Stage) -> None:
        for treatment in self.treatments:
            if treatment.at == stage and not treatment.early:
                took = f"{duration(treatment.seconds)} in the rehearsal" if treatment.seconds is not None else ""
                self._step(f"Cure: {treatment.cure.summary}", took or "not rehearsed: the rehearsal did not apply it")
                self._treat(treatment)
                if stage == SEEDED:
                    self._worked(
                        f"osupgrade inspect --path {self.plan.path.name} --url mysql://READER:PASSWORD@DATABASE-HOST/",
                        f"nothing of {', '.join(f'`{f.service}` {f.place}' for f in treatment.findings)} any more",
                    )
                else:
                    self._say("It worked when every statement ended without an error; the next step needs it.")
                services = {finding.service for finding in treatment.findings} & set(self.plan.services)
                self._back(self._restore([d for s in sorted(services) for d in self.plan.first.services[s].databases]))

    def _treat(self, treatment: _Treatment) -> None:
        self._say("")
        for finding in treatment.findings:
            follows = f" Otherwise: {finding.consequence}" if finding.consequence else ""
            self.lines.append(f"- `{finding.service}` {finding.place}: {finding.message}.{follows}")
        self.lines.append("")
        for database, text in cure_blocks(treatment.cure):
            lines = text.splitlines()
            self._block([f"{_SQL} {database} <<'SQL'", *lines, "SQL"] if database else lines)

    def _started(self, release: Release) -> list[Started]:
        return [each for service in self.plan.services for each in release.services[service].started]

    def _all(self, release: Release, verb: str) -> str:
        """A loop that starts or stops every service of a release that writes to the databases."""
        names = " ".join(name for service in self.plan.services for name in self._writers(service, release))
        call = f"service $s {verb}" if release.runtime == "python27" else f"systemctl {verb} $s"
        return f"for s in {names}; do {call}; done"

    def _databases(self, release: Release) -> list[Database]:
        return list(self.plan.databases(release))

    def _restore(self, databases: Sequence[Database]) -> str:
        names = ", ".join(f"`{d.name}`" for d in databases) or "the databases"
        return f"restore {names} from the dump (see *The way back*)"

    def _writers(self, service: str, release: Release) -> list[str]:
        if service == "neutron":  # which was called quantum once, its files too
            return [f"{next(iter(release.services[service].config)).removesuffix('.conf')}-server"]
        names = _WRITERS.get(service, (service,))
        if release.runtime == "python27":
            return list(names)
        return [name for name in names if name not in _GONE_FROM_PYTHON_3]

    def _command(self, part: ServiceRelease, command: Command) -> str:
        context = {"etc": f"/etc/{part.service}", "site": self.site, "db": _Urls()}
        arguments = [text for arg in command.args if (text := _TEMPLATES.from_string(arg).render(context))]
        words = [*_program(part.service, command), *(self._file(part, argument) for argument in arguments)]
        if command.entry.startswith("-m "):
            return " ".join(word if word.startswith('"$') else shlex.quote(word) for word in words)
        return f"su -s /bin/sh {part.service} -c {shlex.quote(shlex.join(words))}"

    def _file(self, part: ServiceRelease, argument: str) -> str:
        if argument == f"/etc/{part.service}/plugin.ini":
            return _PLUGIN_FILES.get(str(self.site["plugin"]), argument)
        if argument == "/etc/glance/glance.conf":
            return "/etc/glance/glance-api.conf"
        return argument


class _Urls(Mapping[str, str]):
    """A database's URL is not this page's to know: a shell variable stands for it."""

    def __getitem__(self, name: str) -> str:
        return f'"${name.upper()}_URL"'

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _program(service: str, command: Command) -> list[str]:
    """What the operator's packages call the program that the lab starts from its source tree."""
    if command.entry.startswith("-m "):
        module = command.entry.split()[1]
        if command.gettext:
            code = (
                f'import gettext, runpy; gettext.install("{command.gettext}", unicode=True); '
                f'runpy.run_module("{module}", run_name="__main__", alter_sys=True)'
            )
            return ["python", "-c", code]
        return ["python", "-m", module]
    if ":" not in command.entry:
        return [command.entry.rsplit("/", 1)[-1]]
    module = command.entry.split(":")[0]
    if module == "neutron.db.migration.cli":
        return ["neutron-db-manage"]
    return [f"{service}-{module.rsplit('.', 1)[-1]}"]


def titles(page: str) -> tuple[str, ...]:
    """The steps of a runbook in order, without their numbers."""
    return tuple(line.partition(". ")[2] for line in page.splitlines() if line.startswith("### "))


def _backup_at(release: Release) -> str:
    return f"BACKUP=/var/backups/{release.name}-$(date +%F); mkdir -p -m 700 $BACKUP"


def _version_query(database: Database) -> str:
    query = f"SELECT {database.version_column} FROM {database.version_table}"
    return f'{_SQL} -N {database.name} -e "{query}"'


def _treatments(report: RunReport) -> tuple[_Treatment, ...]:
    """Every cure once with the findings that ask for it, in the order in which they were made.

    A trap is foreseen early in one finding and found at its stage in another; both have the same steps. Then what was
    found and cured speaks.
    """
    asked: dict[tuple[object, Stage], list[StagedFinding]] = {}
    for staged in report.result.findings if report.result else ():
        cure = staged.finding.cure
        if cure is not None:
            asked.setdefault((cure.steps or cure.summary, cure.at or staged.stage), []).append(staged)
    treatments = []
    for (_, at), together in asked.items():
        cured = [staged for staged in together if staged.state is State.CURED]
        findings = tuple(dict.fromkeys(staged.finding for staged in cured or together))
        cure = findings[0].cure
        assert cure is not None
        seconds = sum(staged.cured_in for staged in cured) if cured else None
        treatments.append(_Treatment(dataclasses.replace(cure, at=at), findings, seconds))
    return tuple(treatments)

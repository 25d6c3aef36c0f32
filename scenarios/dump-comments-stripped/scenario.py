"""A dump without mysqldump's executable comments does not come back."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from osupgrade.scenarios import (
    Cloud,
    Cure,
    Finding,
    LabFault,
    RestoreFails,
    Scenario,
    Shell,
    UsageFault,
    dump_findings,
    restore_dump,
)

scenario = Scenario(
    title="A dump stripped of its executable comments does not restore",
    services=("neutron",),
    hops=("havana/neutron",),
    symptom=RestoreFails(r"error (1215: Cannot add foreign key|1005: .*errno: 150)"),
)


def dump_file(cloud: Cloud) -> Path | None:
    """The dump under trial, among the lane's evidence."""
    return cloud.logs / "neutron.sql" if cloud.logs else None


def whole_file(dump: Path) -> Path:
    """What the source server gives when one asks it again."""
    return dump.with_name("neutron-again.sql")


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """Dump neutron, take the lines of executable comments out, and restore that."""
    dump = dump_file(cloud)
    assert dump is not None
    run = cloud.lab_server.shell(f"$DUMP --comments -- {cloud.databases['neutron']}")
    if not run.ok:
        raise LabFault("mysqldump failed", evidence=run.output[-2000:])
    whole_file(dump).write_text(run.output, "utf-8")
    lines = run.output.splitlines(keepends=True)
    dump.write_text("".join(line for line in lines if not line.startswith("/*!")), "utf-8")
    restore_dump(cloud, "neutron", dump)


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """What the lab says of any dump before it restores it, said of this one."""
    dump = dump_file(cloud)
    if dump is None or not dump.is_file():
        return
    for finding in dump_findings(dump):
        if finding.cure is None:  # a remark, such as on a character set that is not said any more
            continue
        step = Shell("mysqldump --single-transaction --routines --triggers neutron > neutron.sql")
        yield replace(
            finding,
            source=scenario.name,
            command=scenario.command,
            cure=Cure(finding.cure.summary, (step,)),
        )


@scenario.cure("seeded")
def take_it_again(cloud: Cloud, _findings: Sequence[Finding]) -> None:
    """The same dump with its comments."""
    dump = dump_file(cloud)
    if dump is None or not whole_file(dump).is_file():
        raise UsageFault("there is no other dump to restore than the one that was brought back already")
    whole_file(dump).replace(dump)
    restore_dump(cloud, "neutron", dump)
    dump.unlink()

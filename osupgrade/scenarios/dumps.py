"""Dumps in scenarios: kept and brought back, put in a cloud's place, judged, and what a restore costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from osupgrade.cloud.cloud import Cloud
from osupgrade.dump.choose import read_dumps
from osupgrade.dump.read import read_dump
from osupgrade.dump.restore import restore
from osupgrade.lab.database import SHELF
from osupgrade.model.errors import LabFault, UsageFault
from osupgrade.model.finding import Finding
from osupgrade.model.text import counted, size


def put_dump(cloud: Cloud, file: Path) -> None:
    """Put the databases of a dump in the place of the cloud's own; the dump names them as they are called logically."""
    dump = read_dump(file, insist=True)
    names = {section.name: section.name for section in dump.sections}
    into = {name: cloud.databases[name] for name in names}
    restore(cloud.lab_server, [dump], into=into, choose=names, insist=True)


def dump_findings(file: Path) -> Sequence[Finding]:
    """What the lab reports about a dump before it restores it."""
    return read_dumps([file], insist=True)[0].findings


def restore_dump(cloud: Cloud, database: str, file: Path) -> None:
    """Restore a dump of one database whatever is known against it; the server says what it thinks."""
    restore(cloud.lab_server, read_dumps([file], insist=True), into={database: cloud.databases[database]}, insist=True)


def keep_dump(cloud: Cloud, service: str) -> None:
    """The dump that an operator takes of a service's database before a hop; :func:`bring_back` restores it."""
    cloud.lab_server.save([cloud.databases[service]], _shelf(cloud))


def fail_once(cloud: Cloud, release: str, service: str, command: str) -> None:
    """Keep a dump, then let a release's own tool fail on the database; raises LabFault when it does not fail."""
    keep_dump(cloud, service)
    run = cloud.tool(release, service, command)
    if run.ok:
        raise LabFault(f"{release}'s `{command}` on {service} should have failed", evidence=run.output[-2000:])


def bring_back(cloud: Cloud, service: str) -> None:
    """Restore the dump that was kept before a failed run; raises UsageFault where the lab has none."""
    name = cloud.databases[service]
    if not cloud.lab_server.shell(f"test -f {SHELF}/{_shelf(cloud)}/{name}.sql").ok:
        raise UsageFault(
            f"the lab has no dump of {service} from before the failed run",
            hint=f"rehearse with that dump instead: osupgrade rehearse {service}-before.sql",
        )
    cloud.lab_server.load(_shelf(cloud), {name: name})


def restore_cost(cloud: Cloud, service: str) -> str:
    """What each failed try costs: how much has to be restored before the next one."""
    count, total = cloud.rows(
        service,
        "SELECT COUNT(*), SUM(data_length + index_length) FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
    )[0]
    return f"each failed attempt costs a restore of {size(float(total or 0))} in {counted(int(count), '{n} table[s]')}"


def _shelf(cloud: Cloud) -> str:
    return f"{cloud.lane}-before"

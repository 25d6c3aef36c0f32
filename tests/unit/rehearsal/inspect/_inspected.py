"""Findings and surveys for the tests of an inspection."""

import io

from rich.console import Console

from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.rehearsal.inspect.model import Database, Inspection, Size
from osupgrade.report.inspection import show


def finding(source="schema", severity=Severity.ERROR, place="services.disabled_reason", rows=(), message="so it is"):
    return Finding(source, severity, "nova", place, message, evidence=Evidence(("a",), rows, len(rows)))


NOVA_FACTS = Database(
    "nova", "nova", "grizzly", "161", ("161",), "", ("165",), False, 111, {"utf8": 110, "latin1": 1}, {"InnoDB": 111},
    123456789, (Size("instance_system_metadata", 300_000, 9), Size("instances", 30_000, 5)),
)  # fmt: skip


def page(*findings, own=(), databases=(NOVA_FACTS,), width=100, **terminal):
    screen = Console(file=io.StringIO(), width=width, highlight=False, **terminal)
    show(Inspection(databases, own, findings), "icehouse", "osupgrade rehearse --dump nova.sql", screen)
    return screen.file.getvalue()

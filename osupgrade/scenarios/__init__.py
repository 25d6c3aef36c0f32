"""What a ``scenario.py`` may use: this module is all of the package that it imports.

* The contract: :class:`Scenario`, its symptoms :class:`Blocks`, :class:`Silent` and :class:`RestoreFails`, and
  :func:`declared` for a scenario whose ``scenario.toml`` says the rest.
* What its functions get: a :class:`Cloud`, which is read with ``has``, ``tables``, ``columns``, ``versions``, ``rows``,
  ``value`` and ``evidence``, changed with ``execute``, and worked on by a release's own ``tool`` or ``python``.
* What they report: :func:`finding` and :func:`rows`, with a :class:`Cure` of :class:`Sql` and :class:`Shell` steps, in
  sentences that :func:`counted` makes right for one and for many. Values and names from a cloud go into SQL by
  :meth:`Sql.of` or :func:`statement`, never by pasting.
* What they often do: :func:`require_ok`, :func:`apply`, :func:`conversion`, :func:`migrations`; what upstream's schemas
  say (:func:`upstream`), and what is known of one service (:func:`service`).
"""

from osupgrade.catalog.content import helpers as service
from osupgrade.cloud.cloud import Cloud, Overlay, ToolRun
from osupgrade.model.errors import LabFault, UsageFault
from osupgrade.model.finding import NO_EVIDENCE, Cure, Evidence, Fate, Finding, Severity, Shell, Sql
from osupgrade.model.quoting import literal, quoted, shell_join, shell_word, statement
from osupgrade.model.stage import Stage
from osupgrade.model.text import counted, size
from osupgrade.scenarios.charset import conversion
from osupgrade.scenarios.contract import Blocks, Damage, RestoreFails, Scenario, Silent
from osupgrade.scenarios.controller import Controller
from osupgrade.scenarios.declared import declared
from osupgrade.scenarios.dumps import (
    bring_back,
    dump_findings,
    fail_once,
    keep_dump,
    put_dump,
    restore_cost,
    restore_dump,
)
from osupgrade.scenarios.engines import not_innodb, put_in_myisam, to_innodb
from osupgrade.scenarios.findings import apply, finding, require_ok, rows
from osupgrade.scenarios.helpers import definition, migrations, reproduced
from osupgrade.scenarios.schemas import lacking, own_changes, predicted, schema_of, ways_out
from osupgrade.scenarios.upstream import Upstream, claimed, is_before, make_again, upstream

__all__ = [
    "NO_EVIDENCE",
    "Blocks",
    "Cloud",
    "Controller",
    "Cure",
    "Damage",
    "Evidence",
    "Fate",
    "Finding",
    "LabFault",
    "Overlay",
    "RestoreFails",
    "Scenario",
    "Severity",
    "Shell",
    "Silent",
    "Sql",
    "Stage",
    "ToolRun",
    "Upstream",
    "UsageFault",
    "apply",
    "bring_back",
    "claimed",
    "conversion",
    "counted",
    "declared",
    "definition",
    "dump_findings",
    "fail_once",
    "finding",
    "is_before",
    "keep_dump",
    "lacking",
    "literal",
    "make_again",
    "migrations",
    "not_innodb",
    "own_changes",
    "predicted",
    "put_dump",
    "put_in_myisam",
    "quoted",
    "reproduced",
    "require_ok",
    "restore_cost",
    "restore_dump",
    "rows",
    "schema_of",
    "service",
    "shell_join",
    "shell_word",
    "size",
    "statement",
    "to_innodb",
    "upstream",
    "ways_out",
]

"""What masks of definitions are made with."""

from osupgrade.dump.mask.columns import Column, ColumnLiterals
from osupgrade.dump.mask.ddl import Rewriter
from osupgrade.dump.mask.names import Names
from osupgrade.dump.mask.values import Masker
from osupgrade.dump.mask.words import WORDS
from osupgrade.dump.policy import Treatment, upstream_names

MASKER = Masker(b"k" * 32)


UPSTREAM = frozenset(name.lower() for name in upstream_names())


NAMES = Names(MASKER, UPSTREAM | WORDS)


def rewritten(create: str, *columns: Column):
    literals = ColumnLiterals({column.name: column for column in columns}, MASKER, UPSTREAM)
    return Rewriter("t", NAMES, literals, {"raw": "neutron"}).definition(create)


def column(name: str, kind: str, *, known: bool = False, texts: frozenset[str] = frozenset()) -> Column:
    treatment = Treatment.KEEP if known and kind == "int" else Treatment.MASK
    return Column("neutron", "d", "t", name, kind, "utf8", 50, False, known, treatment, full_type=kind, texts=texts)

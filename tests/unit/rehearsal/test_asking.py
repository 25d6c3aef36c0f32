"""What is said of preflights that could not look."""

from osupgrade.model.finding import Finding, Severity
from osupgrade.rehearsal.asking import LACKING, merged


def could_not(source, service, consequence=LACKING):
    words = f"the preflight {source} could not run: Unknown column 'a' in 'field list' (1054)"
    return Finding(source, Severity.WARNING, service, service, words, consequence)


def test_preflights_that_miss_what_the_database_lacks_are_one_finding_a_service():
    other = could_not("slow", "nova", "raise the limit")
    first, second, third = merged([could_not("x", "nova"), other, could_not("y", "nova"), could_not("z", "neutron")])
    assert first == other
    assert (second.service, third.service) == ("nova", "neutron")
    assert second.message.endswith("upstream's: x, y")
    assert second.evidence.rows[0] == ("x", "Unknown column 'a' in 'field list' (1054)")
    assert third.message.endswith("upstream's: z")

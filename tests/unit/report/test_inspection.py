"""What an inspection prints."""

from dataclasses import replace

import pytest

from osupgrade.model.finding import Cure, Fate, Severity, Sql
from osupgrade.rehearsal.inspect.model import Own

from ..rehearsal.inspect._inspected import NOVA_FACTS, finding, page

OWN = Own(
    "nova", "column", "services.disabled_reason", "varchar(255) NULL",
    "column services.disabled_reason is not in upstream at 161: varchar(255) NULL",
    Fate.IN_THE_WAY, "188", "havana", "upstream adds a column of its own (1060)",
)  # fmt: skip


def test_the_page_says_what_is_there_what_is_yours_and_what_to_do():
    text = page(
        finding("prediction", message="collides"),
        finding("own-backported-column", place="nova.services", message="nova.services has a column"),
        finding("x", Severity.INFO, message="10 ports have no host"),
        own=(OWN,),
        width=160,
    )
    for part in (
        "grizzly 161", "165", "111, 1 latin1", "117.7 MiB", "instances 30\N{NARROW NO-BREAK SPACE}000",
        "in the way in 188 (havana)", "1060", "nova.services has a column", "10 ports have no host",
        "Not ready for the upgrade: 1 error, 1 local change that stops the upgrade.", "osupgrade rehearse --dump nova.sql",
    ):  # fmt: skip
        assert part in text
    assert "collides" not in text, "the table of what is yours says it"


@pytest.mark.parametrize(
    ("severities", "fates", "said"),
    [
        ((Severity.WARNING,), (Fate.KEPT,), "Check this before the upgrade: 1 local change."),
        (
            (Severity.ERROR, Severity.WARNING),
            (Fate.IN_THE_WAY, Fate.ALTERED),
            "2 local changes (1 of them stops the upgrade).",
        ),
        (
            (Severity.ERROR, Severity.ERROR),
            (Fate.IN_THE_WAY, Fate.CONFLICT),
            "2 local changes (1 of them stops the upgrade).",
        ),
    ],
)
def test_the_verdict_counts_what_the_page_shows(severities, fates, said):
    """Each problem as often as it is listed, and what is in the table of local changes as that."""
    places = [f"services.own{number}" for number in range(len(fates))]
    found = [finding("prediction", each, place=place) for each, place in zip(severities, places, strict=True)]
    also = [finding("schema", Severity.WARNING, place=place) for place in places]
    own = tuple(replace(OWN, place=place, fate=fate) for place, fate in zip(places, fates, strict=True))
    text = page(*found, *also, own=own, width=160)
    assert said in text
    assert "1 warning" not in text
    twice = finding("x", Severity.WARNING, place="services.x")
    assert "the upgrade: 1 warning." in page(twice, twice, width=160)


def test_a_finding_has_its_proof_and_what_to_type():
    rows = tuple((f"host{n}", "[red]not red[/] and [/nothing]") for n in range(3))
    cure = Cure("rename them", tuple(Sql("neutron", f"UPDATE agents SET host = 'h{n}'") for n in range(5)))
    known = replace(finding("agents", place="agents.host", rows=rows), cure=cure, command="osupgrade rehearse --cure x")
    text = page(known, width=200)
    for part in (
        "nova agents.host: so it is", "proof: (a) = host0, [red]not red[/] and [/nothing]; host1", "… 3 in all",
        "cure: rename them", "neutron> UPDATE agents SET host = 'h0';", "… 2 more, all of them with --json",
        "try: osupgrade rehearse --cure x",
    ):  # fmt: skip
        assert part in text
    assert "host2" not in text and "'h3'" not in text


def test_of_releases_that_the_catalogue_does_not_know_nothing_is_claimed():
    text = page(databases=(replace(NOVA_FACTS, release="caracal", revision="", catalogued=False),))
    assert "local changes cannot be detected in them" in text
    assert "Nothing in the schemas" not in text


def test_a_clean_page_ends_with_one_line():
    text = page(databases=(replace(NOVA_FACTS, charsets={"utf8": 111}, claim=("161",), honest=True),))
    assert "The schemas hold no local changes." in text
    assert "No action needed before the upgrade" in text
    assert "What stands in the way" not in text


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_page_keeps_to_the_terminal(width):
    text = page(finding(message="very " * 60), own=(OWN,), width=width, force_terminal=True, color_system=None)
    assert max(len(line) for line in text.splitlines()) <= width

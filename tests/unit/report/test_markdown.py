import dataclasses

from osupgrade.model.report import StagedFinding, State
from osupgrade.model.stage import SEEDED
from osupgrade.report.markdown import markdown

from .. import _reports as samples


def test_the_summary_tells_what_failed_and_what_to_do():
    text = markdown(samples.FAILED)
    assert text.startswith("## ❌ The cloud did not come through")
    for part in (
        "| ❌ | nova | 161 → 187 | havana/nova **failed** 3.8 s, icehouse/nova not reached |",
        "| ✅ | keystone | 22 → 36 → 44 |",
        "ALTER TABLE services ADD disabled_reason",
        "Duplicate column name",
        "**Invariants**: 6 of 7 hold.",
        "**Findings**: 5 unresolved, 1 cured.",
        "14 of 9120 ports are DOWN",
        f"```sh\n{samples.FAILED.next_command}\n```",
    ):
        assert part in text


def test_a_green_run_says_so_first():
    assert markdown(samples.GREEN).startswith("## ✅ The cloud came through")
    assert "❌" not in markdown(samples.GREEN)


def test_the_matrix_shows_bad_scenarios_first():
    rows = [line for line in markdown(samples.scenarios(6)).splitlines() if "-trap-" in line and line.startswith("|")]
    assert len(rows) == 6
    assert rows[0].startswith("| glance-trap-03 | ❌ | ✅ | 13.7 | naive: havana/nova failed with a different error")


def test_texts_cannot_break_the_table_or_the_page():
    finding = dataclasses.replace(samples.TOKENS, message="a | b\n<script>x</script> `c`", cure=None)
    result = dataclasses.replace(samples.GREEN.result, findings=(StagedFinding(SEEDED, finding, State.UNRESOLVED),))
    (row,) = [x for x in markdown(dataclasses.replace(samples.GREEN, result=result)).splitlines() if "script" in x]
    assert row == "| warning | keystone | token | a \\| b\\\\n\\<script\\>x\\</script\\> \\`c\\` |  |"


def test_a_long_table_is_cut():
    findings = tuple(
        StagedFinding(SEEDED, dataclasses.replace(samples.TOKENS, place=f"table{n}"), State.UNRESOLVED)
        for n in range(80)
    )
    text = markdown(
        dataclasses.replace(samples.GREEN, result=dataclasses.replace(samples.GREEN.result, findings=findings))
    )
    assert text.count("| warning |") == 50 and "… and 30 more" in text

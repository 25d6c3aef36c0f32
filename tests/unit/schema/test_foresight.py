"""Rows that a migration ahead will refuse, as findings."""

from osupgrade.schema.catalogue import lineage
from osupgrade.schema.foresight import foresee


def answering(rows):
    asked = []

    def run(sql, _parameters):
        asked.append(sql)
        return rows if "quotas" in sql else []

    return run, asked


def test_a_finding_says_where_what_and_on_what_evidence():
    line = lineage("nova")
    start = line.head("grizzly")
    run, sent = answering([("p1", "cores", 0, 2)])
    (finding,) = [f for f in foresee(run, start.schema, line, start.name, "havana") if f.place == "nova.quotas"]
    assert finding.message.startswith("quotas has rows that violate the coming unique key uniq_quotas0")
    assert finding.message.endswith(": 1 group")
    assert "revision 191" in finding.consequence
    assert finding.evidence.rows == (("p1", "cores", "0", "2"),)
    assert all(sql.startswith("SELECT ") for sql in sent)


def test_what_a_trap_has_said_of_a_table_is_not_said_again():
    line = lineage("nova")
    start = line.head("grizzly")
    run, _ = answering([("p1", "cores", 0, 2)])
    assert not list(foresee(run, start.schema, line, start.name, "havana", known=["nova.quotas"]))

"""The evidence of a finding, and the statements of a cure."""

from osupgrade.model.finding import Evidence, Sql


def test_a_few_rows_are_shown_and_all_are_counted():
    evidence = Evidence.of(("id", "name"), [(number, None) for number in range(25)], show=3)
    assert evidence.rows == (("0", "NULL"), ("1", "NULL"), ("2", "NULL"))
    assert evidence.total == 25


def test_a_cloud_s_values_and_names_are_quoted():
    step = Sql.of("nova", "UPDATE {table} SET name = :name", table="a`b", name="it's")
    assert (step.service, step.statement) == ("nova", "UPDATE `a``b` SET name = 'it''s'")

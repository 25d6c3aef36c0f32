"""Data of the operator's own is counted before and after."""

from osupgrade.schema.identify import customisations
from osupgrade.schema.own_data import OwnData, own_places, read_own_data

from ._tables import LINE, OLD, OWN


def test_own_data_is_counted_in_one_query_a_place():
    changes = customisations(OWN, LINE(OLD), "1")
    (place,) = own_places(changes, OWN)
    assert (place.table, place.columns, place.key) == ("hosts", ("note",), ("id",))
    asked = []

    def rows(sql, parameters):
        asked.append(sql)
        return [("id", "int", None), ("note", "varchar", "utf8")] if parameters else [(3, 77)]

    assert read_own_data(rows, "nova", [place]) == {"hosts.note": OwnData(3, 77)}
    assert len(asked) == 2
    assert read_own_data(lambda sql, parameters: [("id", "int", None)], "nova", [place]) == {"hosts.note": None}

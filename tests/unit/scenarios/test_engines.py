"""A table in MyISAM, as scenarios plant it."""

from osupgrade.scenarios import put_in_myisam


class Recorded:
    """A cloud whose table has two foreign keys around it, and that remembers what it is asked to do."""

    def __init__(self):
        self.asked, self.done = [], []

    def rows(self, database, sql, *parameters):
        self.asked.append((database, parameters))
        return [("ports", "ports_ibfk_1"), ("odd`table", "to_ports")]

    def execute(self, database, *statements):
        self.done += [(database, statement) for statement in statements]


def test_every_foreign_key_from_and_to_the_table_goes_first():
    cloud = Recorded()
    put_in_myisam(cloud, "neutron", "ports")
    assert cloud.asked == [("neutron", ("ports",))]
    assert cloud.done == [
        ("neutron", "ALTER TABLE `ports` DROP FOREIGN KEY `ports_ibfk_1`"),
        ("neutron", "ALTER TABLE `odd``table` DROP FOREIGN KEY `to_ports`"),
        ("neutron", "ALTER TABLE `ports` ENGINE = MyISAM"),
    ]

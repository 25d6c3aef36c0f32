"""Which tables a statement works on."""

import pytest

from osupgrade.lab.observer.statement import Work, work_of


@pytest.mark.parametrize(
    ("statement", "kind", "tables"),
    [
        ("ALTER TABLE `instances` ADD COLUMN x INT", "definition", ("instances",)),
        ("\n ALTER TABLE nova.instances DROP COLUMN x", "definition", ("instances",)),
        ("CREATE UNIQUE INDEX uniq_a ON `services` (host)", "definition", ("services",)),
        ("DROP INDEX ix_a ON services", "definition", ("services",)),
        ("\nCREATE TABLE ml2_port_bindings (\n\tport_id VARCHAR(36))", "definition", ("ml2_port_bindings",)),
        ("CREATE TABLE IF NOT EXISTS a (x INT)", "definition", ("a",)),
        ("DROP TABLE IF EXISTS `a`, b", "definition", ("a", "b")),
        ("RENAME TABLE a TO b", "definition", ("a",)),
        ("TRUNCATE TABLE token", "definition", ("token",)),
        ("INSERT INTO `a` (x) SELECT y FROM b", "rows", ("a",)),
        ("insert ignore into a values (1)", "rows", ("a",)),
        ("UPDATE a SET x=%s", "rows", ("a",)),
        ("UPDATE `quota_usages`, b SET x=1", "rows", ("quota_usages", "b")),
        ("DELETE FROM a WHERE x IN (SELECT y FROM b)", "rows", ("a",)),
        ("DELETE a FROM token a JOIN b ON 1", "rows", ("token",)),
        ("SELECT * FROM a FOR UPDATE", "", ()),
        ("SHOW CREATE TABLE `a`", "", ()),
        ("SET foreign_key_checks = 0", "", ()),
        ("CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET @x = 1", "", ()),
        ("COMMIT", "", ()),
    ],
)
def test_what_a_statement_works_on(statement, kind, tables):
    assert work_of(statement) == Work(kind, tables)

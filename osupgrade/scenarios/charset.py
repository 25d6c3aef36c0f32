"""Converting tables of a database to another character set, foreign keys and all."""

from __future__ import annotations

from collections.abc import Iterable

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.quoting import quoted

_FOREIGN_KEYS = (
    "SELECT k.table_name, k.constraint_name, k.referenced_table_name, r.update_rule, r.delete_rule, "
    "GROUP_CONCAT(CONCAT('`', REPLACE(k.column_name, '`', '``'), '`') ORDER BY k.ordinal_position), "
    "GROUP_CONCAT(CONCAT('`', REPLACE(k.referenced_column_name, '`', '``'), '`') ORDER BY k.ordinal_position) "
    "FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r "
    "ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name "
    "AND r.table_name = k.table_name "
    "WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2"
)


def conversion(cloud: Cloud, database: str, tables: Iterable[str], charset: str) -> tuple[str, ...]:
    """The statements, for one session, that convert ``tables``.

    MySQL converts both ends of a foreign key while its checks are off. MariaDB refuses that all the same (1833), so
    there the keys are dropped and made again. No tables, no statements.
    """
    wanted = sorted(tables)
    if not wanted:
        return ()
    # Alone, CONVERT leaves a table without any text column as it is (MySQL 5.6), and the tool refuses it still.
    both = f"CONVERT TO CHARACTER SET {charset}, DEFAULT CHARACTER SET {charset}"
    convert = [f"ALTER TABLE {quoted(table)} {both}" for table in wanted]
    drop: list[str] = []
    add: list[str] = []
    if "MariaDB" in str(cloud.value(database, "SELECT VERSION()")):
        for child, name, parent, on_update, on_delete, columns, referenced in cloud.rows(database, _FOREIGN_KEYS):
            if child in wanted or parent in wanted:
                drop.append(f"ALTER TABLE {quoted(child)} DROP FOREIGN KEY {quoted(name)}")
                add.append(
                    f"ALTER TABLE {quoted(child)} ADD CONSTRAINT {quoted(name)} FOREIGN KEY ({columns}) "
                    f"REFERENCES {quoted(parent)} ({referenced}) ON DELETE {on_delete} ON UPDATE {on_update}"
                )
    return ("SET foreign_key_checks = 0", *drop, *convert, *add, "SET foreign_key_checks = 1")

"""The operator's own: which project is paid for by whom."""

from sqlalchemy import Column, MetaData, String, Table


def upgrade(migrate_engine):
    """Make the table."""
    meta = MetaData(bind=migrate_engine)
    table = Table(
        "cost_centre",
        meta,
        Column("project_id", String(64), primary_key=True),
        Column("name", String(255)),
        mysql_engine="InnoDB",
        mysql_charset="utf8",
    )
    table.create()


def downgrade(migrate_engine):
    """Drop it again."""
    Table("cost_centre", MetaData(bind=migrate_engine), autoload=True).drop()

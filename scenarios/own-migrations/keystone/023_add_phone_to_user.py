"""The operator's own: a telephone number for every user."""

from sqlalchemy import Column, MetaData, String, Table


def upgrade(migrate_engine):
    """Add the column."""
    user = Table("user", MetaData(bind=migrate_engine), autoload=True)
    user.create_column(Column("phone", String(20)))


def downgrade(migrate_engine):
    """Take it away again."""
    user = Table("user", MetaData(bind=migrate_engine), autoload=True)
    user.drop_column("phone")

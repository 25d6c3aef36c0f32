"""The operator's own: users are looked up by telephone number."""

from sqlalchemy import Index, MetaData, Table


def upgrade(migrate_engine):
    """Make the index."""
    user = Table("user", MetaData(bind=migrate_engine), autoload=True)
    Index("own_user_phone", user.c.phone).create(migrate_engine)


def downgrade(migrate_engine):
    """Drop it again."""
    user = Table("user", MetaData(bind=migrate_engine), autoload=True)
    Index("own_user_phone", user.c.phone).drop(migrate_engine)

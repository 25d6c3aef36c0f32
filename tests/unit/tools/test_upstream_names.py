"""Names are taken out of models and migrations without running them."""

from tools.upstream_names import names_in

MODEL = '''
class Port(Base):
    """Not a_name."""

    __tablename__ = "ports"
    __table_args__ = (sa.UniqueConstraint("net_id", name="uniq_ports0net_id"),)
    net_id = sa.Column(sa.String(36), sa.ForeignKey("networks.id"), nullable=False)
    kind = sa.Column(sa.Enum("first_kind", "second_kind"))

def upgrade():
    op.create_table("agents", sa.Column("host", sa.String(255)))
    LOG.info("not_this_one")
'''


def test_names_of_models_and_migrations():
    wanted = {"ports", "net_id", "uniq_ports0net_id", "networks", "id", "kind", "first_kind", "agents", "host"}
    found = set(names_in(MODEL))
    assert wanted <= found
    assert not {"a_name", "not_this_one", "Port", "upgrade"} & found


def test_what_is_not_python_has_none():
    assert list(names_in("print 'x'")) == []

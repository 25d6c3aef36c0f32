"""Definitions of tables lose what is the site's own, and nothing else."""

import re

import pytest

from osupgrade.dump.mask.columns import Column
from osupgrade.dump.policy import Treatment, known_columns
from osupgrade.model.quoting import quoted
from osupgrade.schema import catalogue
from osupgrade.schema.diff import table_sql

from ._names import MASKER, NAMES, column, rewritten


@pytest.mark.exhaustive
def test_every_definition_of_every_service_stays_as_it_is():
    """Names, defaults and members of enums are all known: what a service makes must not be taken for the site's own."""
    seen = 0
    for service in catalogue.services():
        known = known_columns(service)
        for variant in catalogue.variants(service):
            for table in catalogue.lineage(service, variant).revisions[-1].schema.tables:
                columns = [
                    Column(
                        service, "d", table.name, c.name, c.type.partition("(")[0].split()[0], "utf8", 255, False, True,
                        Treatment.KEEP, full_type=c.type, texts=known[table.name, c.name],
                    )
                    for c in table.columns
                ]  # fmt: skip
                create = re.sub(r"CHARACTER SET (\w+) COLLATE (\w+)$", r"CHARSET=\1 COLLATE=\2", table_sql(table))
                done = rewritten(create, *columns)
                assert not done.dropped
                assert not done.secrets
                assert "".join(done.sql.split()) == "".join(create.split())
                seen += 1
    assert seen > 300


def test_own_names_comments_and_literals_are_gone():
    done = rewritten(
        "CREATE TABLE `acme_tab` (\n  `id` int(11) NOT NULL COMMENT 'acmecomment',\n  `kind` enum('acmeone','active') "
        "CHARACTER SET latin1 DEFAULT 'acmeone' COMMENT 'a, (b) ''c''',\n  `phone` bigint(20) DEFAULT '41795551234',\n"
        "  `up` varchar(9) GENERATED ALWAYS AS (concat(`kind`,'acmetext')) VIRTUAL,\n  PRIMARY KEY (`id`) COMMENT 'acme',\n"
        "  KEY `ix_acme` (`kind`(3)) USING BTREE /*!50100 WITH PARSER `acmeparser` */,\n"
        "  CONSTRAINT `acme_fk` FOREIGN KEY (`id`) REFERENCES `raw`.`ports` (`id`) ON DELETE CASCADE,\n"
        "  CONSTRAINT `acme_chk` CHECK (`kind` <> 'acmeword')\n"
        ") ENGINE=InnoDB AUTO_INCREMENT=9999999 DEFAULT CHARSET=utf8 COMMENT='acme' CONNECTION='mysql://acme:pw@h/d' "
        "`acmeattribute`='acmevalue' DATA DIRECTORY='/acme'",
        column("id", "int"),
        column("kind", "enum"),
        column("phone", "bigint"),
    )
    assert "acme" not in done.sql
    assert "41795551234" not in done.sql
    assert "9999999" not in done.sql
    for part in ("enum('", "'active')", "CHARACTER SET latin1", "VIRTUAL", "PRIMARY KEY (`id`)", "`neutron`.`ports`"):
        assert part in done.sql
    for part in ("ON DELETE CASCADE", "DEFAULT CHARSET=utf8", "ENGINE=InnoDB"):
        assert part in done.sql
    assert len(done.dropped) == 8
    assert "acmecomment" in done.secrets
    assert "41795551234" in done.secrets


def test_a_default_follows_the_values_of_its_column():
    done = rewritten(
        "CREATE TABLE `ports` (\n  `name` varchar(9) DEFAULT 'acme'\n)", column("name", "varchar", known=True)
    )
    assert f"DEFAULT '{MASKER.mask('acme')}'" in done.sql
    done = rewritten("CREATE TABLE `ports` (\n  `mtu` int DEFAULT -41795551\n)", column("mtu", "int", known=True))
    assert "-41795551" not in done.sql
    assert "DEFAULT -" in done.sql


@pytest.mark.parametrize(
    "attribute",
    [
        "DEFAULT nextval(`raw`.`s`)",
        "DEFAULT own_function(1)",
        "CHECK (`a` > 41795551)",
        "DEFAULT X'61636d65'",
        "acmeword",
    ],
)
def test_what_cannot_be_masked_is_left_out_and_listed(attribute):
    done = rewritten(
        f"CREATE TABLE `t` (\n  `a` int {attribute},\n  `id` int\n)", column("a", "int"), column("id", "int")
    )
    assert done.sql.split("(", 1)[1].split() == [quoted(NAMES.mask("a")), "int,", "`id`", "int", ")"]
    assert len(done.dropped) == 1

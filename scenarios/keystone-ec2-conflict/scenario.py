"""An EC2 key that lies in both tables with different secrets."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="An EC2 key with two secrets stops keystone's 033",
    services=("keystone",),
    symptom=Blocks("havana/keystone", error=r"Conflict.*already exists with different secret", version="32"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """The same key, kept twice."""
    cloud.execute(
        "keystone",
        "INSERT INTO user (id, name, extra, enabled, domain_id) VALUES ('trap-user', 'trap-user', '{}', 1, 'default')",
        "INSERT INTO project (id, name, extra, enabled, domain_id) VALUES ('trap-project', 'trap-project', '{}', 1, 'default')",
        "INSERT INTO ec2_credential (access, secret, user_id, tenant_id) VALUES ('AKTRAP', 'one', 'trap-user', 'trap-project')",
        "INSERT INTO credential (id, user_id, project_id, `blob`, type, extra) VALUES (SHA2('AKTRAP', 256), 'trap-user', 'trap-project', "
        '\'{"access": "AKTRAP", "secret": "two"}\', '
        "'ec2', '{}')",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Keys that 033 will find in the new table already."""
    yield from rows_finding(
        scenario,
        cloud,
        place="keystone.ec2_credential",
        needs=("credential",),
        columns="access credential",
        query="SELECT e.access, c.id FROM ec2_credential e JOIN credential c ON c.id = SHA2(e.access, 256) "
        "WHERE c.`blob` NOT LIKE CONCAT('%\"', e.secret, '\"%')",
        message="{n} EC2 keys lie in both tables, with different secrets",
        consequence="Havana's keystone stops at 033 with Conflict; it is left at 32",
        cure="keep the one in ec2_credential, which Grizzly's EC2 API uses",
        statements=(
            "DELETE c FROM credential c JOIN ec2_credential e ON c.id = SHA2(e.access, 256) "
            "WHERE c.`blob` NOT LIKE CONCAT('%\"', e.secret, '\"%')",
        ),
    )

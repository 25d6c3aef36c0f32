"""Nothing in Grizzly deletes tokens that have expired; Havana and Icehouse build four indexes over all of them."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import NO_EVIDENCE, Cure, Evidence, Finding, Severity, Sql
from osupgrade.model.text import size
from osupgrade.scenarios.contract import Scenario, Silent

scenario = Scenario(
    title="Hundreds of thousands of expired tokens are indexed again and again",
    services=("keystone",),
    symptom=Silent("after:havana/keystone"),
)

MANY = 10_000
"""Expired tokens below this number cost nothing that anybody would notice."""
PLANTED = 40_000
EXPIRED = "FROM token WHERE expires < UTC_TIMESTAMP()"
DIGITS = (
    "(SELECT 0 n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 "
    "UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
)
NUMBERS = (
    f"SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n n FROM {DIGITS} a, {DIGITS} b, {DIGITS} c, "
    f"{DIGITS} d, {DIGITS} e"
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """Tokens of the last months, with the contents of real ones."""
    cloud.execute(
        "keystone",
        "INSERT INTO token (id, expires, extra, valid, user_id) "
        "SELECT MD5(CONCAT('trap', n)), UTC_TIMESTAMP() - INTERVAL n + 1 MINUTE, "
        "COALESCE((SELECT t.extra FROM token t ORDER BY LENGTH(t.extra) DESC LIMIT 1), '{}'), 1, NULL "
        f"FROM ({NUMBERS}) numbers WHERE n < {PLANTED}",
    )


def burden(cloud: Cloud) -> Evidence:
    """How many tokens there are, how many of them have expired, and what the table takes; nothing below MANY."""
    if "token" not in cloud.tables("keystone"):
        return NO_EVIDENCE
    expired = cloud.value("keystone", f"SELECT COUNT(*) {EXPIRED}")
    if expired < MANY:
        return NO_EVIDENCE
    total = cloud.value("keystone", "SELECT COUNT(*) FROM token")
    taken = cloud.value(
        "keystone",
        "SELECT data_length + index_length FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_name = 'token'",
    )
    return Evidence.of(("tokens", "expired", "size"), [(total, expired, size(float(taken or 0)))])


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Many tokens that nobody can use any more."""
    evidence = burden(cloud)
    if not evidence.total:
        return
    total, expired, taken = evidence.rows[0]
    yield Finding(
        source=scenario.name,
        severity=Severity.WARNING,
        service="keystone",
        place="keystone.token",
        message=f"{expired} of {total} tokens have expired; the table takes {taken}",
        consequence="Havana's 024 and 025 and Icehouse's 035 and 036 build or drop an index over all of them while "
        "keystone is down, and every dump and every restore carries them along",
        evidence=evidence,
        cure=Cure(
            "stop keystone and keep only the tokens that are still good: copying those is faster than deleting the rest "
            "(from Havana on: keystone-manage token_flush, regularly)",
            (
                Sql("keystone", "DROP TABLE IF EXISTS token_kept, token_old"),
                Sql("keystone", "CREATE TABLE token_kept LIKE token"),
                Sql("keystone", "INSERT INTO token_kept SELECT * FROM token WHERE expires >= UTC_TIMESTAMP()"),
                Sql("keystone", "RENAME TABLE token TO token_old, token_kept TO token"),
                Sql("keystone", "DROP TABLE token_old"),
            ),
        ),
        command=f"osupgrade rehearse --cure {scenario.name}",
    )


@scenario.probe()
def carried_along(cloud: Cloud) -> Evidence:
    """The burden that went through Havana's migrations."""
    return burden(cloud)

"""Reports as a real run makes them: numbers, errors and SQL are those of the Grizzly to Icehouse path."""

import dataclasses

from osupgrade.model.estimate import Estimate, Gain, HopForecast, MigrationForecast
from osupgrade.model.finding import Cure, Evidence, Fate, Finding, Severity, Shell, Sql
from osupgrade.model.fit import Interval
from osupgrade.model.host import Host
from osupgrade.model.report import (
    ApiCall,
    Customisation,
    KeptDatabase,
    LaneReport,
    LaneResult,
    Manifest,
    Phase,
    RunReport,
    ScenarioReport,
    SchemaVerdict,
    StagedFinding,
    State,
    Strategy,
)
from osupgrade.model.stage import SEEDED, VERIFY, Stage
from osupgrade.model.step import Diagnosis, Migration, Outcome, StepResult, TableWork

SERVICES = ("keystone", "glance", "cinder", "nova", "neutron")
HEADS = {
    "keystone": ("22", "36", "44"),
    "glance": ("22", "29", "34"),
    "cinder": ("9", "21", "22"),
    "nova": ("161", "216", "234"),
    "neutron": ("grizzly", "havana", "icehouse"),
}
SECONDS = {
    "keystone": (1.9, 1.1),
    "glance": (0.9, 0.8),
    "cinder": (1.4, 0.7),
    "nova": (6.3, 2.2),
    "neutron": (2.6, 1.4),
}
INVARIANTS = {
    "ports_bound": "Every port has a binding, and a bound host is known to an agent",
    "glance-locations-kept": "Every image keeps its location",
    "instances-kept": "Every instance keeps its owner, flavor and host",
    "one-segment-per-network": "Every network has exactly one segment",
    "security-groups-on": "A port of a virtual machine keeps its security groups",
    "users-can-log-in": "Every user keeps their roles",
    "volumes-attached": "Every attached volume stays attached",
}


def migration(service, hop, number, **changes):
    """A fast migration; the steps' times are shared out among three of them."""
    revision = f"{HEADS[service][hop]}-{number}"
    seen = Migration(
        step=f"{('havana', 'icehouse')[hop]}/{service}",
        service=service,
        database=service,
        revision=revision,
        label=f"{revision}_some_change",
        started=0.5 + 0.1 * number,
        seconds=0.05,
        server_seconds=0.03,
        finished=True,
        statements=6,
        rows_read=120,
        rows_changed=12,
        rows_locked=0,
        tables=(TableWork("migrate_version", 0.001, False, False, 0, 16384, 16384),),
        slowest="UPDATE migrate_version SET version=%s WHERE migrate_version.version = %s",
        slowest_seconds=0.004,
        temporary_tables=0,
    )
    return dataclasses.replace(seen, **changes)


NOVA_185 = migration(
    "nova",
    0,
    1,
    revision="185",
    label="185_rename_unique_constraints",
    seconds=4.125,
    server_seconds=3.75,
    statements=64,
    rows_read=232_611,
    rows_changed=58_100,
    rows_locked=58_322,
    tables=(
        TableWork("instance_types", 0.125, True, False, 0, 49152, 49152),
        TableWork("instance_system_metadata", 3.25, True, True, 58_100, 14_680_064, 16_777_216),
        TableWork("instances", 0.5, False, False, 0, 6_307_840, 6_307_840),
    ),
    slowest="ALTER TABLE `instance_system_metadata` ADD CONSTRAINT uniq_x UNIQUE (instance_uuid)",
    slowest_seconds=3.125,
    temporary_tables=2,
)


def step(service, hop, started, **changes):
    release = ("havana", "icehouse")[hop]
    result = StepResult(
        step=f"{release}/{service}",
        service=service,
        release=release,
        outcome=Outcome.PASSED,
        seconds=SECONDS[service][hop],
        exit_status=0,
        versions_before={service: (HEADS[service][hop],)},
        versions_after={service: (HEADS[service][hop + 1],)},
        log=f"{release}-{service}.log",
        started=started,
        migrations=tuple(
            NOVA_185 if (service, hop, number) == ("nova", 0, 1) else migration(service, hop, number)
            for number in range(3)
        ),
    )
    return dataclasses.replace(result, **changes)


def chain(service):
    first = step(service, 0, 0.3)
    return [first, step(service, 1, 0.3 + first.seconds + 0.2)]


ML2 = StepResult(
    step="ml2",
    service="neutron",
    release="icehouse",
    outcome=Outcome.PASSED,
    seconds=1.2,
    exit_status=0,
    versions_before={"neutron": ("icehouse",)},
    versions_after={"neutron": ("icehouse",)},
    log="ml2.log",
    started=9.4,
)

NOVA_FAILED = step(
    "nova",
    0,
    0.3,
    outcome=Outcome.FAILED,
    exit_status=1,
    seconds=3.75,
    versions_after={"nova": ("187",)},
    problems=("`db sync` exited 1", "nova is at 187, expected 216, the release's head"),
    diagnosis=Diagnosis(
        error="OperationalError: (OperationalError) (1060, \"Duplicate column name 'disabled_reason'\") "
        "'ALTER TABLE services ADD disabled_reason VARCHAR(255)' ()",
        statement="ALTER TABLE services ADD disabled_reason VARCHAR(255)",
        revision="188_add_reason_column_to_service",
    ),
)

UNBOUND = Finding(
    source="ml2-unfilled-bindings",
    severity=Severity.ERROR,
    service="neutron",
    place="portbindingports",
    message="14 ports have no host, so migrate_to_ml2 would make no binding for them",
    consequence="The instances keep running, but after the next agent restart their ports are not wired: no network, "
    "and no error anywhere.",
    evidence=Evidence(
        ("port", "owner", "host"),
        tuple((f"0{n}d1a7e2-55c1-4d8e-9a0f-3c1f6f1f9e0{n}", "compute:nova", "NULL") for n in range(6)),
        14,
    ),
    cure=Cure(
        "Fill the host of every port from nova, the DHCP agents and the routers",
        (
            Sql(
                "neutron",
                "INSERT INTO portbindingports (port_id, host)\nSELECT p.id, i.host\n  FROM ports p\n  JOIN {nova}.instances i "
                "ON i.uuid = p.device_id AND i.deleted = 0\n  LEFT JOIN portbindingports b ON b.port_id = p.id\n"
                " WHERE p.device_owner LIKE 'compute:%' AND i.host IS NOT NULL AND b.port_id IS NULL",
            ),
            Sql(
                "neutron",
                "INSERT INTO portbindingports (port_id, host)\nSELECT p.id, '' FROM ports p "
                "LEFT JOIN portbindingports b ON b.port_id = p.id WHERE b.port_id IS NULL",
            ),
        ),
        Stage.before("ml2"),
    ),
    command="osupgrade rehearse --cure ml2-unfilled-bindings",
)
BACKPORTED = Finding(
    source="own-backported-column",
    severity=Severity.ERROR,
    service="nova",
    place="services.disabled_reason",
    message="the column is there already, and nova's migration 188 adds it",
    consequence="The hop to Havana stops at 187 with 1060 <Duplicate column name>.",
    evidence=Evidence(("table", "column", "type"), (("services", "disabled_reason", "varchar(255)"),), 1),
    cure=Cure(
        "Drop the column; its texts are kept aside",
        (Sql("nova", "ALTER TABLE services DROP COLUMN disabled_reason"),),
        SEEDED,
    ),
    command="osupgrade rehearse --cure own-backported-column",
)
UNSTAMPED = Finding(
    source="neutron-unstamped",
    severity=Severity.ERROR,
    service="neutron",
    place="alembic_version",
    message="the database was never stamped, so the tool would create tables that exist",
    consequence="The hop to Havana fails at once with 1050 on `networks`.",
    cure=Cure(
        "Stamp the database as Grizzly's",
        (Shell("neutron-db-manage --config-file /etc/neutron/neutron.conf stamp grizzly"),),
        SEEDED,
    ),
    command="osupgrade rehearse --cure neutron-unstamped",
)
TOKENS = Finding(
    source="keystone-token-volume",
    severity=Severity.WARNING,
    service="keystone",
    place="token",
    message="1 204 311 expired tokens make every table change slow",
    consequence="Several minutes of extra downtime.",
    evidence=Evidence(("expired", "valid"), (("1204311", "5120"),), 1),
    cure=Cure("Purge them before the night", (Sql("keystone", "DELETE FROM token WHERE expires < UTC_TIMESTAMP()"),)),
)
OWN_TABLE = Finding(
    source="own-latin1-table",
    severity=Severity.INFO,
    service="cinder",
    place="acme_billing",
    message="a table that no release knows; the upgrade leaves it alone",
)

MANIFEST = Manifest(
    osupgrade="0.1.0",
    command="osupgrade rehearse --dump nova.sql.gz --no-cure",
    started="2026-11-22T18:04:05+00:00",
    database="mysql56: 5.6.24",
    images={
        name: f"osupgrade/{name}:3f9a0c1d sha256:{name[0] * 12}"
        for name in ("grizzly", "havana", "icehouse", "mysql56")
    },
    commits={
        f"{release}/{service}": "58ae4a6e3a3585e3ace914c695e537707c75673e"
        for release in ("grizzly", "havana", "icehouse")
        for service in SERVICES
    },
    cloud="dump nova.sql.gz sha256:9b1c…",
    site={"plugin": "openvswitch", "service_plugins": ["router"], "security_groups": True},
)

ROWS = {
    "nova.instances": {"seeded": 4210, "verify": 4210},
    "nova.instance_system_metadata": {"seeded": 58100, "verify": 58100},
    "nova.instance_actions": {"seeded": 0, "verify": 31},
    "nova.volumes": {"seeded": 12},
    "neutron.ports": {"seeded": 9120, "verify": 9120},
    "neutron.ml2_port_bindings": {"verify": 9120},
    "keystone.token": {"seeded": 1209431, "verify": 1209431},
    "keystone.user_project_metadata": {"seeded": 311},
    "keystone.assignment": {"verify": 311},
    **{f"cinder.table_{n:02}": {"seeded": n, "verify": n} for n in range(18)},
}
SIZES = {
    "nova.instances": {"seeded": 6307840, "verify": 6356992},
    "keystone.token": {"seeded": 2147483648, "verify": 1811939328},
}

OWN = {
    "column": Customisation(
        service="nova",
        object="column",
        place="services.disabled_reason",
        definition="varchar(255) NULL",
        fate=Fate.IN_THE_WAY,
        words="column services.disabled_reason stops the upgrade in revision 188_add_reason_column_to_service",
        revision="188_add_reason_column_to_service",
        error="OperationalError: (OperationalError) (1060, \"Duplicate column name 'disabled_reason'\")",
        mend=("ALTER TABLE `services` CHANGE COLUMN `disabled_reason` `own_disabled_reason` varchar(255) NULL",),
    ),
    "table": Customisation(
        service="cinder",
        object="table",
        place="acme_billing",
        definition="4 columns",
        fate=Fate.KEPT,
        words="table acme_billing is as before",
        data="31 rows of your data, unchanged (same checksum)",
    ),
    "index": Customisation(
        service="cinder",
        object="index",
        place="volumes.own_by_host",
        definition="(`host`)",
        fate=Fate.LOST,
        words="index volumes.own_by_host is gone",
        mend=("ALTER TABLE `volumes` ADD INDEX `own_by_host` (`host`)",),
    ),
}

ALL_STEPS = tuple([s for service in SERVICES for s in chain(service)] + [ML2])

PLANNED = tuple(step.step for step in ALL_STEPS)

ESTIMATE = Estimate(
    basis="a seeded cloud measured at scale 1, 10, 30 and carried on to 100",
    total=Interval(590.0, 740.0, 960.0),
    side_by_side=Interval(250.0, 300.0, 390.0),
    down=Interval(500.0, 640.0, 850.0),
    disk_bytes=3_650_722_202,
    hops=(
        HopForecast("havana/nova", "nova", Interval(200.0, 250.0, 320.0), Interval(200.0, 250.0, 320.0), 1_073_741_824),
    ),
    migrations=(
        MigrationForecast(
            "havana/nova",
            NOVA_185.name,
            Interval(90.0, 121.5, 160.0),
            {"1": 0.125, "10": 1.25, "30": 4.125},
            {"1": 9_690, "10": 96_900, "30": 290_711},
            1.0,
        ),
    ),
    gains=(
        Gain(
            "archive-deleted-rows",
            "archive the deleted rows",
            "nova",
            "havana/nova",
            NOVA_185.name,
            12.5,
            Interval(121.5, 121.5, 121.5),
            Interval(31.5, 31.5, 31.5),
        ),
    ),
    warnings=("havana/nova: nova 185 grows steeper than linear, about with n^1.6", "another one"),
    lab=Host("lab", 2, 8_589_934_592, 107_374_182_400, 10.5, 0.5, 200.0, None),
    host=Host("controller", 16, 68_719_476_736, 107_374_182_400, 12.5, 4.25, 150.0, 300.0),
)

GREEN = RunReport(
    kind="rehearsal",
    manifest=dataclasses.replace(MANIFEST, command="osupgrade rehearse"),
    exit_status=0,
    verdict="the cloud came through from grizzly to ml2",
    next_command="osupgrade report runs/20261122T180405Z-grizzly-icehouse --runbook",
    seconds=14.2,
    result=LaneResult(
        path="grizzly-icehouse",
        services=SERVICES,
        steps=ALL_STEPS,
        findings=(
            StagedFinding(SEEDED, UNBOUND, State.SCHEDULED),
            StagedFinding(SEEDED, UNSTAMPED, State.CURED),
            StagedFinding(SEEDED, TOKENS, State.UNRESOLVED),
            StagedFinding(SEEDED, OWN_TABLE, State.UNRESOLVED),
            StagedFinding(Stage.before("ml2"), UNBOUND, State.CURED),
        ),
        seconds=11.1,
        checked=dict.fromkeys(INVARIANTS, 2),
        planned=PLANNED,
    ),
    api=(
        ApiCall("icehouse", "keystone", "token for every user", True, 0.21),
        ApiCall("icehouse", "nova", "servers of every project", True, 0.52, "4210 servers"),
        ApiCall("icehouse", "neutron", "ports", True, 0.4, "9120 ports"),
        ApiCall("icehouse", "glance", "images", True, 0.1),
        ApiCall("icehouse", "cinder", "volumes", True, 0.18),
    ),
    rows=ROWS,
    sizes=SIZES,
    invariants=INVARIANTS,
    schemas=tuple(
        SchemaVerdict(service, "ml2" if service == "neutron" else HEADS[service][2], True) for service in SERVICES
    ),
    estimate=ESTIMATE,
    kept=KeptDatabase("127.0.0.1", 49153, "lab", "k7-not-secret", {service: service for service in SERVICES}),
)

BACKUP = Phase("backup", 2.1, 48_000_000, {"keystone": 0.7, "nova": 2.1, "neutron": 1.2})
IN_PLACE = dataclasses.replace(
    GREEN,
    strategy=Strategy(
        name="in-place",
        old="mysql56",
        new="mysql56",
        phases=(BACKUP, Phase("rollback", 3.4, 48_000_000, {"keystone": 1.1, "nova": 3.4, "neutron": 1.9})),
        way_back="the backup was restored in 3.4 s, and matches the cloud row for row",
    ),
)
MOVED = dataclasses.replace(
    GREEN,
    manifest=dataclasses.replace(MANIFEST, database="mariadb105: 10.5.29-MariaDB"),
    strategy=Strategy(
        name="new-controller",
        old="mysql56",
        new="mariadb105",
        phases=(
            dataclasses.replace(BACKUP, name="dump"),
            Phase("copy", 0.9),
            Phase("restore", 4.2, 48_000_000, {"keystone": 1.4, "nova": 4.2, "neutron": 2.2}),
            Phase("comparison", 0.6),
            Phase("rollback", 0.5),
        ),
        way_back="the old server is unchanged: its services can be started again",
    ),
)

FAILED = dataclasses.replace(
    GREEN,
    manifest=MANIFEST,
    exit_status=1,
    verdict="the cloud did not come through: it stopped at havana/nova and 3 errors are unresolved",
    next_command="osupgrade rehearse --cure ml2-unfilled-bindings,own-backported-column",
    result=LaneResult(
        path="grizzly-icehouse",
        services=SERVICES,
        steps=(*(s for s in ALL_STEPS if s.service != "nova" and s.step != "ml2"), NOVA_FAILED, ML2),
        findings=(
            StagedFinding(SEEDED, BACKPORTED, State.UNRESOLVED),
            StagedFinding(SEEDED, UNBOUND, State.UNRESOLVED),
            StagedFinding(SEEDED, UNSTAMPED, State.CURED),
            StagedFinding(SEEDED, TOKENS, State.UNRESOLVED),
            StagedFinding(SEEDED, OWN_TABLE, State.UNRESOLVED),
            StagedFinding(
                VERIFY,
                Finding(
                    source="ports_bound",
                    severity=Severity.ERROR,
                    service="neutron",
                    place="ml2_port_bindings",
                    message="14 ports have no binding",
                    consequence="They get no network at the next restart of their agent.",
                    evidence=Evidence(("port",), (("00d1a7e2-55c1-4d8e-9a0f-3c1f6f1f9e00",),), 14),
                ),
                State.UNRESOLVED,
            ),
        ),
        seconds=11.1,
        checked=dict.fromkeys(INVARIANTS, 1),
        planned=PLANNED,
        injected=("own-backported-column",),
    ),
    api=(
        *GREEN.api[:2],
        ApiCall("icehouse", "neutron", "ports", False, 0.4, "14 of 9120 ports are DOWN"),
    ),
    schemas=(
        SchemaVerdict("nova", "187", None, (OWN["column"],)),
        SchemaVerdict("cinder", "22", False, (OWN["table"], OWN["index"])),
        SchemaVerdict("glance", "34", True),
    ),
    notes=("the dump of nova names a character set that MySQL 5.6 reads as utf8",),
    estimate=None,
    kept=None,
)


def scenario(number, good=True):
    name = f"{('nova', 'neutron', 'keystone', 'glance')[number % 4]}-trap-{number:02}"
    bitten = LaneResult(
        path="grizzly-icehouse",
        services=("nova",),
        steps=(NOVA_FAILED,),
        findings=(StagedFinding(SEEDED, dataclasses.replace(BACKPORTED, source=name), State.UNRESOLVED),),
        seconds=4.1,
        checked={"instances-kept": 1},
        injected=(name,),
    )
    cured = LaneResult(
        path="grizzly-icehouse",
        services=("nova",),
        steps=tuple(chain("nova")),
        findings=(StagedFinding(SEEDED, dataclasses.replace(BACKPORTED, source=name), State.CURED),),
        seconds=9.6,
        checked={"instances-kept": 2},
        injected=(name,),
    )
    problems = (
        () if good else ("havana/nova failed with a different error from /1060.*disabled_reason/: KeyError: 162",)
    )
    return ScenarioReport(
        name,
        f"Trap number {number}: a back-ported column stops nova's Havana migrations",
        "havana/nova fails: /1060.*disabled_reason/, and stays at 187",
        (
            LaneReport("naive", bitten, problems, f"lanes/{name}-naive"),
            LaneReport("cured", cured, (), f"lanes/{name}-cured"),
        ),
    )


def scenarios(count=30, bad=(3,)):
    bad = [n for n in bad if n < count]
    reports = tuple(scenario(n, n not in bad) for n in range(count))
    return RunReport(
        kind="scenarios",
        manifest=dataclasses.replace(MANIFEST, command="osupgrade scenarios run"),
        exit_status=1 if bad else 0,
        verdict=f"{count - len(bad)} of {count} scenarios failed as expected and were cured",
        next_command=f"osupgrade scenarios run {' '.join(reports[n].name for n in bad)}",
        seconds=211.4,
        scenarios=reports,
        invariants=INVARIANTS,
    )

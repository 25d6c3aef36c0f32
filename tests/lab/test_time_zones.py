"""A dump, or a surveyed server, may name its time zone: times come out right on every server of the lab."""

import datetime
import zoneinfo

import pytest

from osupgrade.catalog.survey import parse_survey
from osupgrade.dump.choose import read_dumps
from osupgrade.dump.restore import restore
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.lab.server_settings import set_up
from osupgrade.lab.time_zones import load_time_zones
from osupgrade.model.errors import UsageFault

from ..unit.dump import _dumps as samples

SERVERS = ("mysql56", "mariadb105", "mariadb1011", "mariadb118", "mysql97")
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca", "UTC")
STAMPED = (
    "CREATE TABLE `stamps` (`id` int NOT NULL, `at` timestamp NULL DEFAULT NULL, PRIMARY KEY (`id`));\n"
    "INSERT INTO `stamps` VALUES (1,'2014-01-15 12:00:00'),(2,'2014-07-15 12:00:00'),(3,'2014-03-30 03:00:00');\n"
)


@pytest.fixture(scope="module", params=SERVERS)
def server(client, request):
    image = ImageStore(client).ensure([request.param], print)[request.param]
    with Lab(client) as lab, start_database(lab, image) as server:
        yield server


def dump(tmp_path, zone):
    settings = samples.SET.replace("+00:00", zone)
    path = tmp_path / "a.sql"
    path.write_text(
        samples.header() + settings + samples.SCHEMA + samples.ROWS + STAMPED + samples.SET_BACK + samples.DONE, "utf-8"
    )
    return path


def test_a_dump_in_a_named_zone_comes_back_with_its_moments(server, tmp_path):
    restore(server, read_dumps([dump(tmp_path, "Europe/Berlin")]))
    moments = server.rows("neutron", "SELECT UNIX_TIMESTAMP(at) FROM stamps ORDER BY id")
    expected = [datetime.datetime(2014, *rest, tzinfo=datetime.UTC) for rest in ((1, 15, 11), (7, 15, 10), (3, 30, 1))]
    assert [int(moment) for (moment,) in moments] == [int(each.timestamp()) for each in expected]


@pytest.mark.parametrize("zone", ZONES)
def test_a_zone_changes_when_it_should(server, zone):
    assert load_time_zones(server, [zone]) == ()
    moments = [datetime.datetime(1971, 1, 1, 5) + datetime.timedelta(hours=223 * number) for number in range(1700)]
    there = zoneinfo.ZoneInfo(zone)
    asked = " UNION ALL ".join(f"SELECT CONVERT_TZ('{moment}', '+00:00', '{zone}')" for moment in moments)
    expected = [moment.replace(tzinfo=datetime.UTC).astimezone(there).replace(tzinfo=None) for moment in moments]
    assert [datetime.datetime.fromisoformat(str(row[0])) for row in server.rows("", asked)] == expected


def test_a_zone_is_loaded_once(server):
    for _ in range(2):
        load_time_zones(server, ["Europe/Paris"])
    assert server.rows("mysql", "SELECT COUNT(*) FROM time_zone_name WHERE Name = 'Europe/Paris'") == [(1,)]


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "Etc/passwd", "a/../../../etc/passwd", "zone.tab", "Europe"])
def test_what_is_no_zone_is_left_alone(server, zone):
    assert load_time_zones(server, [zone]) == (zone,)


def test_a_dump_in_a_zone_that_nobody_knows_is_refused_by_its_line(server, tmp_path):
    with pytest.raises(UsageFault, match=r"line \d+, error 1298: .*no time zone of that name"):
        restore(server, read_dumps([dump(tmp_path, "Europe/Nowhere")]))


def test_a_surveyed_server_may_be_in_a_named_zone(server):
    survey = parse_survey(f"version\t{server.version}\ntime_zone\tAsia/Tokyo\n", "survey")
    before = server.rows("", "SELECT @@GLOBAL.time_zone")[0][0]
    try:
        assert set_up(server, survey) == ()
        assert server.rows("", "SELECT @@GLOBAL.time_zone") == [("Asia/Tokyo",)]
    finally:
        server.execute("", "SET GLOBAL time_zone = %s", (before,))
        server.engine.dispose()

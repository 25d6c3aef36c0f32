"""Releases that are made for a test: e follows d follows c, which follows b and a."""

from osupgrade.model.release import Arrival, Command, Database, DataStop, Release, ServiceRelease


def service(name, release, oldest="2001.1", stops=(), arrival=None):
    return ServiceRelease(
        name,
        release,
        (Database(name, "alembic_version", (release,)),),
        (Command("sync", "tool:main"),),
        {},
        oldest_source=oldest,
        stops=stops,
        arrival=arrival,
    )


def release(name, version, *services, upgrades_from=()):
    parts = {part.service: part for part in services}
    return Release(name, version, "python", parts, {}, upgrades_from, f"{name} follows", databases=("mariadb",))


ARRIVAL = Arrival("one", "two", ("moved",), Command("stamp", "tool:main"))
MADE = {
    r.name: r
    for r in (
        release("a", "2001.1", service("one", "a")),
        release("b", "2001.2", service("one", "b"), service("two", "b", arrival=ARRIVAL), upgrades_from=("a",)),
        release("c", "2002.1", service("one", "c"), service("two", "c"), upgrades_from=("b", "a")),
        release(
            "d",
            "2002.2",
            service("one", "d", stops=(DataStop(("2002.1",), "only c fills the column", "rows without it"),)),
            service("two", "d"),
            upgrades_from=("c",),
        ),
        release("e", "2003.1", service("one", "e", oldest="2001.2"), service("two", "e"), upgrades_from=("d", "c")),
    )
}

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.packages.judge import by_hand, known_breaks, to_know
from osupgrade.catalog.packages.listing import read_listing
from osupgrade.catalog.packages.needs import Asked, Library, forced, left_old, read_need
from osupgrade.catalog.site import read_site
from osupgrade.model.errors import UsageFault

PIP = "six==1.2.0\noslo.config==1.1.1\nSQLAlchemy==0.7.8  # old\n-e git+x#egg=y\npython-keystoneclient==0.2.5\n"
DPKG = """Desired=Unknown/Install/Remove/Purge/Hold
||/ Name            Version                  Architecture Description
+++-===============-========================-============-==========
ii  python-six      1.2.0-1                  all          Python 2 and 3
ii  python-oslo.config 1:1.1.1-0ubuntu1~cloud0 all        options
hi  python-sqlalchemy:amd64 0.7.8-1ubuntu1   amd64        SQL toolkit
ii  python-keystoneclient 1:0.2.5-0ubuntu1   all          client
rc  python-kombu    2.1.8-1                  all          removed, its configuration is left
"""
RPM = """python-six-1.2.0-2.el6.noarch
python-oslo-config-1.1.1-1.el6.noarch
python-sqlalchemy-0.5.5-3.el6_2.noarch
python-sqlalchemy0.7-0.7.8-1.el6.x86_64
python-keystoneclient-0.2.5-1.el6.noarch
"""


def need(text, who="nova"):
    found = read_need(who, text, {"python_version": "2.7"})
    assert found is not None
    return found


def shelf(**versions):
    return {name: Library(name, version, ()) for name, version in versions.items()}


@pytest.mark.parametrize(("text", "manager"), [(PIP, "pip"), (DPKG, "dpkg"), (RPM, "rpm")])
def test_three_managers_say_the_same(text, manager):
    listing = read_listing(text, "list.txt")
    assert listing.manager == manager
    assert {name: one.version for name, one in listing.packages.items()} == {
        "six": "1.2.0",
        "oslo-config": "1.1.1",
        "sqlalchemy": "0.7.8",
        "python-keystoneclient": "0.2.5",
    }


def test_a_listing_keeps_the_names_that_its_manager_knows():
    packages = read_listing(DPKG, "list.txt").packages
    assert packages["sqlalchemy"].listed == "python-sqlalchemy"


@pytest.mark.parametrize("text", ["", "hello world\n", "Name Version\n---- -------\n"])
def test_what_lists_nothing_is_refused(text):
    with pytest.raises(UsageFault, match=r"list\.txt lists no installed packages") as caught:
        read_listing(text, "list.txt")
    assert "rpm -qa" in caught.value.hint


def test_a_careful_manager_replaces_what_is_too_old_and_brings_what_that_asks_for():
    asked = Asked(
        "new",
        (need("client>=0.7"), need("six"), need("missing")),
        {
            "client": Library("client", "0.11", (need("oslo>=1", "client"),)),
            **shelf(six="1.9", missing="1", oslo="1.4"),
        },
    )
    there = {"client": "0.2.5", "six": "1.2", "oslo": "1.2"}
    assert forced(asked, there, by_name=False) == {"client": "0.11", "missing": "1"}
    assert forced(asked, {**there, "oslo": "0.9"}, by_name=False)["oslo"] == "1.4"
    assert forced(asked, there, by_name=True) == {"missing": "1"}


def test_what_a_release_on_the_way_brought_stays_old_too():
    havana = Asked("havana", (need("client"),), shelf(client="2.15"))
    icehouse = Asked("icehouse", (need("client>=2.17,<2.21"),), shelf(client="2.20"))
    (left,) = left_old([havana, icehouse], {})
    assert (left.name, left.version, left.shelf, left.wanted) == ("client", "2.15", "2.20", "<2.21,>=2.17")


@pytest.mark.parametrize("bound", ["kombu<=3.0.7,>=2.5.0", "kombu==3.0.7", "kombu<3.0"])
def test_what_is_only_newer_than_asked_for_is_not_too_old(bound):
    asked = Asked("icehouse", (need(bound),), shelf(kombu="3.0.37"))
    listing = read_listing("kombu==3.0.37", "x")
    assert not list(by_hand("inspect", "controller", listing, [asked]))
    (told,) = to_know("inspect", "controller", listing, [asked])
    assert told.message.startswith("1 packages are newer than icehouse asks for: kombu 3.0.37")


def test_a_version_that_is_ruled_out_has_to_go():
    asked = Asked("icehouse", (need("SQLAlchemy>=0.7.8,!=0.9.5,<=0.9.99"),), shelf(sqlalchemy="0.9.9"))
    assert [left.name for left in left_old([asked], {"sqlalchemy": "0.9.5"})] == ["sqlalchemy"]
    assert not left_old([asked], {"sqlalchemy": "0.9.9"})


@pytest.mark.parametrize("line", ["", "# a comment", "-e git+x", 'enum34; python_version < "2.7"'])
def test_lines_that_ask_for_nothing(line):
    assert read_need("nova", line, {"python_version": "2.7"}) is None


def test_a_bound_that_nobody_reads_any_more_leaves_the_name():
    assert need("pytz>=2010h") == need("pytz")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (PIP, "pip install --upgrade 'sqlalchemy>=0.9'"),
        (DPKG, "apt-get install python-sqlalchemy   # from the release's own archive: 'sqlalchemy>=0.9'"),
        (RPM, "yum update python-sqlalchemy0.7   # from the release's own repository: 'sqlalchemy>=0.9'"),
    ],
)
def test_the_finding_names_what_to_type(text, command):
    asked = Asked("icehouse", (need("SQLAlchemy>=0.9"),), shelf(sqlalchemy="0.9.9"))
    (finding,) = by_hand("inspect", "controller", read_listing(text, "x"), [asked])
    assert finding.evidence.rows == (("sqlalchemy", "0.7.8", ">=0.9", "nova", "0.9.9", "-"),)
    assert finding.cure is not None
    assert [step.command for step in finding.cure.steps] == [command]


def test_what_was_seen_to_break_is_said():
    assert known_breaks("icehouse")
    assert known_breaks("grizzly") == ()
    asked = Asked("icehouse", (need("python-keystoneclient>=0.7.0", "neutron"),), shelf())
    (finding,) = by_hand("inspect", "controller", read_listing(PIP, "x"), [asked])
    assert "neutron-server" in finding.consequence
    assert finding.evidence.rows[0][-1].startswith("ImportError")


def test_the_site_takes_a_list_of_packages(tmp_path):
    (tmp_path / "dpkg.txt").write_text(DPKG)
    (tmp_path / "site.toml").write_text('packages = "dpkg.txt"')
    assert "sqlalchemy==0.7.8" in read_site(tmp_path / "site.toml").packages
    (tmp_path / "site.toml").write_text('packages = "gone.txt"')
    with pytest.raises(UsageFault, match=r"packages: cannot read .*gone\.txt: No such file"):
        read_site(tmp_path / "site.toml")


def test_the_labs_own_frozen_sets_are_listings():
    for release in ("grizzly", "havana", "icehouse"):
        text = (root() / "images" / release / "requirements.txt").read_text("utf-8")
        assert "sqlalchemy" in read_listing(text.replace(" \\", ""), release).packages

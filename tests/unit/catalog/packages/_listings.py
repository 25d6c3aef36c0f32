"""Lists of packages, and what a release needs, for the tests of this directory."""

from osupgrade.catalog.packages.needs import Library, read_need

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

import pytest

from osupgrade.catalog.site import Site, options, read_site
from osupgrade.model.errors import UsageFault

from .packages._listings import DPKG


def test_an_empty_site_is_the_default(tmp_path):
    (tmp_path / "site.toml").write_text("")
    assert read_site(tmp_path / "site.toml") == Site()


def test_what_the_file_says_is_taken(tmp_path):
    (tmp_path / "site.toml").write_text(
        'plugin = "linuxbridge"\nsecurity_groups = false\nservice_plugins = ["router", "lbaas"]\n[migrations]\n'
        f"keystone = '{tmp_path}'\n"
    )
    site = read_site(tmp_path / "site.toml")
    assert (site.plugin, site.security_groups, site.service_plugins) == ("linuxbridge", False, ("router", "lbaas"))
    assert site.migrations == (("keystone", str(tmp_path)),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("plugn = 1", "plugn: is not a known key"),
        ('plugin = "midonet"', "plugin: must be one of openvswitch, linuxbridge, ml2, not 'midonet'"),
        ('hosts = "long"', "hosts: must be one of short, fqdn"),
        ('security_groups = "yes"', "security_groups: must be true or false"),
        ("service_plugins = 3", "service_plugins: must be a list, not 3"),
        ("mechanism_drivers = [1]", r"mechanism_drivers\[0\]: must be text"),
        ("migrations = 3", "migrations: must be a table"),
        ('[migrations]\nnonesuch = "/tmp"', "migrations.nonesuch: 'nonesuch' is not a service"),
        ("packages = 3", "packages: must be text or a list, not 3"),
        ("packages = [3]", r"packages: must be text, not a list|packages\[0\]: must be text, not 3"),
        ("[migrations]\nnova = 3", "migrations.nova: must be text"),
        ('packages = "none.txt"', "packages: cannot read .*none.txt"),
        ("= nonsense", "not valid TOML"),
        ('tunnel_id_ranges = "abc"', "tunnel_id_ranges: must be FIRST:LAST"),
        ('tunnel_id_ranges = "1:x"', "tunnel_id_ranges: has a range that is not NUMBER:NUMBER: '1:x'"),
        ('tunnel_id_ranges = "9:1"', "tunnel_id_ranges: has a range outside 1:4294967295, or with its ends reversed"),
        ('tunnel_id_ranges = "1:٣"', "tunnel_id_ranges: has a range that is not"),
        ('tunnel_id_ranges = ""', "tunnel_id_ranges: must be FIRST:LAST"),
        ('network_vlan_ranges = ":::"', "network_vlan_ranges: must be NAME or NAME:FIRST:LAST"),
        ('network_vlan_ranges = "a:1:5000"', "network_vlan_ranges: has a range outside 1:4094"),
        ('network_vlan_ranges = "a:1"', "network_vlan_ranges: must be NAME or"),
        ('core_plugin = "a\\nsql_connection = b"', "core_plugin: must be one line of text"),
        ('service_plugins = ["a\\u001b[31m"]', r"service_plugins\[0\]: must be one line"),
        ('[migrations]\nnova = "/nowhere"', "migrations.nova: '/nowhere' is not a directory"),
        ('[migrations]\nnova = "a\\u0000b"', "NUL"),
        ('packages = "a\\u0000b"', "NUL"),
    ],
)
def test_a_wrong_site_is_refused_with_the_reason(tmp_path, text, says):
    (tmp_path / "site.toml").write_text(text)
    with pytest.raises(UsageFault, match=says):
        read_site(tmp_path / "site.toml")


def test_a_site_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageFault, match="cannot read"):
        read_site(tmp_path / "none.toml")


def test_a_misspelt_key_is_answered_with_the_right_one(tmp_path):
    (tmp_path / "site.toml").write_text("plugn = 1")
    with pytest.raises(UsageFault) as fault:
        read_site(tmp_path / "site.toml")
    assert fault.value.hint == "did you mean plugin?"


def test_every_option_of_a_service_is_one_of_the_site_and_its_default_is_a_choice():
    for name, option in options().items():
        assert hasattr(Site(), name)
        assert not option.choices or {option.default, *option.seeded} <= set(option.choices)


@pytest.mark.parametrize("text", ["1:1000", "1:1,5:9", " 3:4 , 7:8 "])
def test_ranges_of_numbers_may_be_several(tmp_path, text):
    (tmp_path / "site.toml").write_text(f"tunnel_id_ranges = '{text}'")
    assert read_site(tmp_path / "site.toml").tunnel_id_ranges == text


@pytest.mark.parametrize("text", ["", "physnet1", "physnet1:1:4094,other,third:5:5"])
def test_networks_may_have_ranges_or_none(tmp_path, text):
    (tmp_path / "site.toml").write_text(f"network_vlan_ranges = '{text}'")
    assert read_site(tmp_path / "site.toml").network_vlan_ranges == text


def test_a_site_that_is_not_trusted_makes_nobody_read_another_file(tmp_path):
    (tmp_path / "list.txt").write_text("nova==1\n")
    (tmp_path / "site.toml").write_text('packages = "list.txt"')
    assert read_site(tmp_path / "site.toml").packages == ("nova==1",)
    with pytest.raises(UsageFault, match="packages: must be a list here"):
        read_site(tmp_path / "site.toml", trusted=False)
    (tmp_path / "site.toml").write_text(f"packages = ['nova==1']\n[migrations]\nnova = '{tmp_path}'")
    assert read_site(tmp_path / "site.toml", trusted=False) == Site(packages=("nova==1",))


def test_the_site_takes_a_list_of_packages(tmp_path):
    (tmp_path / "dpkg.txt").write_text(DPKG)
    (tmp_path / "site.toml").write_text('packages = "dpkg.txt"')
    assert "sqlalchemy==0.7.8" in read_site(tmp_path / "site.toml").packages
    (tmp_path / "site.toml").write_text('packages = "gone.txt"')
    with pytest.raises(UsageFault, match=r"packages: cannot read .*gone\.txt: No such file"):
        read_site(tmp_path / "site.toml")

import pytest

from osupgrade.catalog.site import Site, read_site
from osupgrade.model.errors import UsageFault


def test_an_empty_site_is_the_default(tmp_path):
    (tmp_path / "site.toml").write_text("")
    assert read_site(tmp_path / "site.toml") == Site()


def test_what_the_file_says_is_taken(tmp_path):
    (tmp_path / "site.toml").write_text(
        'plugin = "linuxbridge"\nsecurity_groups = false\nservice_plugins = ["router", "lbaas"]\n[migrations]\nkeystone = "own"\n'
    )
    site = read_site(tmp_path / "site.toml")
    assert (site.plugin, site.security_groups, site.service_plugins) == ("linuxbridge", False, ("router", "lbaas"))
    assert site.migrations == (("keystone", "own"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("plugn = 1", "unknown key 'plugn'"),
        ('plugin = "midonet"', "plugin must be one of openvswitch, linuxbridge, ml2"),
        ('security_groups = "yes"', "security_groups must be a bool"),
        ("service_plugins = 3", "service_plugins must be a list of names"),
        ("migrations = 3", "migrations must be a table"),
        ("= nonsense", "is not TOML"),
    ],
)
def test_a_wrong_site_is_refused_with_the_reason(tmp_path, text, says):
    (tmp_path / "site.toml").write_text(text)
    with pytest.raises(UsageFault, match=says):
        read_site(tmp_path / "site.toml")


def test_a_site_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageFault, match="cannot read"):
        read_site(tmp_path / "none.toml")

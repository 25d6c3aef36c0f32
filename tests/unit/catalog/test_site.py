import pytest

from osupgrade.catalog.site import Site, options, read_site
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
        ("plugn = 1", "plugn: is not a known key"),
        ('plugin = "midonet"', "plugin: must be one of openvswitch, linuxbridge, ml2, not 'midonet'"),
        ('hosts = "long"', "hosts: must be one of short, fqdn"),
        ('security_groups = "yes"', "security_groups: must be true or false"),
        ("service_plugins = 3", "service_plugins: must be a list, not 3"),
        ("mechanism_drivers = [1]", r"mechanism_drivers\[0\]: must be text"),
        ("migrations = 3", "migrations: must be a table"),
        ("[migrations]\nnova = 3", "migrations.nova: must be text"),
        ('packages = "none.txt"', "packages: cannot read .*none.txt"),
        ("= nonsense", "not valid TOML"),
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

import dataclasses
import datetime
import ipaddress
import tomllib

import pytest

from osupgrade.model.errors import UsageFault
from osupgrade.seed.description import DEFAULT, CloudDescription, load_description, parse


def test_the_default_cloud_is_small_enough_to_look_at():
    cloud = load_description()
    assert len(cloud.tenants.names) == 3
    assert cloud.hosts.compute == 3
    assert cloud.instances.per_tenant * len(cloud.tenants.names) == 30
    assert cloud.hosts.naming == "short"


def test_an_empty_file_is_the_default_cloud():
    assert parse("", "mine.toml") == load_description()


def test_a_file_needs_only_what_differs():
    cloud = parse('[hosts]\nnaming = "fqdn"\n', "mine.toml")
    assert cloud == dataclasses.replace(
        load_description(), hosts=dataclasses.replace(load_description().hosts, naming="fqdn")
    )


def test_the_digest_is_of_the_meaning_not_of_the_form():
    text = DEFAULT.read_text("utf-8")
    bare = "\n".join(line.partition("#")[0].rstrip() for line in text.splitlines())
    assert parse(bare, "bare.toml").digest() == load_description().digest()


@pytest.mark.parametrize("key, value", [("seed", 2014), ("newest", datetime.datetime(2014, 4, 18))])
def test_the_digest_changes_with_the_meaning(key, value):
    assert dataclasses.replace(load_description(), **{key: value}).digest() != load_description().digest()


def test_every_key_of_the_default_file_changes_the_digest():
    data = tomllib.loads(DEFAULT.read_text("utf-8"))
    other = {str: {"short": "fqdn", "gre": "none"}, int: lambda n: n + 1, float: lambda n: n + 0.1}
    changed = 0
    for table, values in data.items():
        if not isinstance(values, dict):
            continue
        for key, value in values.items():
            if key in ("plugin", "tenant_range", "external_range", "names", "domain"):
                continue
            new = other[str][value] if isinstance(value, str) else other[type(value)](value)
            cloud = parse(f"[{table}]\n{key} = {new!r}\n", "changed.toml")
            assert cloud.digest() != load_description().digest(), key
            changed += 1
    assert changed > 12


def test_times_with_an_offset_are_taken_as_utc():
    assert parse("newest = 2014-04-17T14:00:00+02:00\n", "x").newest == datetime.datetime(2014, 4, 17, 12)


def test_subnets_are_cut_from_the_tenant_range_without_overlap():
    cloud = load_description()
    subnets = [ipaddress.IPv4Network(cidr) for cidrs in cloud.tenant_cidrs for cidr in cidrs]
    assert len(subnets) == len(cloud.tenants.names) * cloud.networks.per_tenant
    assert len({a for a in subnets if any(a.overlaps(b) for b in subnets if b != a)}) == 0
    assert all(s.subnet_of(ipaddress.IPv4Network(cloud.networks.tenant_range)) for s in subnets)


def refused(text: str) -> str:
    with pytest.raises(UsageFault) as caught:
        parse(text, "mine.toml")
    return caught.value.message


@pytest.mark.parametrize(
    "text, line, reason",
    [
        ("seed = 1\ncolour = 'red'\n", 2, "unknown key 'colour'"),
        ("\n[hosts]\ncompute = 3\nstorage = 2\n", 4, "unknown key 'storage' in [hosts]"),
        ("[tenant]\nusers = 1\n", 1, "unknown key 'tenant'"),
        ("seed = 'one'\n", 1, "seed must be a whole number, not a string"),
        ("seed = true\n", 1, "seed must be a whole number, not true or false"),
        ("seed = 1.5\n", 1, "seed must be a whole number, not a number"),
        ("newest = 2014-04-17\n", 1, "newest must be a date and time such as 2014-04-17T12:00:00, not a date"),
        ("newest = 1970-01-01T00:00:00\n", 1, "it must be between 2000 and 2037"),
        ("newest = 0001-01-01T00:00:00+14:00\n", 1, "it must be between 2000 and 2037"),
        ("\nhosts = 3\n", 2, "hosts must be a table"),
        ("[tenants]\nnames = 'web'\n", 2, "names must be a list of strings"),
        ("[tenants]\nnames = ['web', 3]\n", 2, "names must be a list of strings"),
        ("[tenants]\nnames = []\n", 2, "a cloud needs a tenant"),
        ("[tenants]\nnames = ['web', 'web']\n", 2, "is given twice"),
        ("[tenants]\nnames = ['Größe']\n", 2, "ASCII"),
        ("[tenants]\nnames = ['admin']\n", 2, "every cloud has"),
        ("[hosts]\nnaming = 'both'\n", 2, '"short" or "fqdn"'),
        ("[hosts]\ndomain = 'localhost'\n", 2, "not a domain"),
        ("[hosts]\ncompute = 0\n", 2, "the least is 1"),
        ("[hosts]\ncompute = -1\n", 2, "the least is 1"),
        ("[networks]\nplugin = 'linuxbridge'\n", 2, "seeded with openvswitch only"),
        ("[networks]\ntunnel_type = 'vxlan'\n", 2, "'vxlan'"),
        ("[networks]\nexternal_range = '203.0.113.1/24'\n", 2, "not an IPv4 network"),
        ("[networks]\ntenant_range = 'ten'\n", 2, "not an IPv4 network"),
        ("[networks]\nexternal_range = '10.20.4.0/24'\n", 2, "overlap"),
        ("[networks]\ntenant_prefix = 12\n", 2, "is not between 16 and 30"),
        ("[networks]\ntenant_prefix = 31\n", 2, "is not between 16 and 30"),
        ("[networks]\nper_tenant = 100\n", 2, "300 tenant networks, but 10.20.0.0/16 holds 256"),
        ("[networks]\nper_tenant = 70\ntunnel_type = 'none'\n", 2, "210 tenant networks, but 198 VLANs"),
        ("[networks]\ntenant_prefix = 29\n", 2, "needs 9 ports, but a /29 has 5 addresses"),
        ("seed = 1\n[instances]\nper_tenant = 600\n", 3, "needs 304 ports, but a /24 has 253 addresses"),
        (
            "[networks]\nfloating_ips = 8\n[tenants]\nnames = " + repr([f"t{n}" for n in range(26)]),
            2,
            "need 260 external",
        ),
        ("[networks]\nfloating_ips = 9\n", 2, "a tenant has 8 living instances for them"),
        ("[hosts]\ncompute = 201\n", 2, "the most is 200"),
        ("[tenants]\ntokens = 1000001\n", 2, "the most is 100000 (--scale"),
        ("[networks]\nexternal_range = '203.0.113.0/29'\n", 2, "need 12 external addresses"),
        ("[instances]\ndeleted = 1.5\n", 2, "share between 0 and 1"),
        ("[instances]\ndeleted = 1\n", 2, "none is left alive"),
        ("[instances]\nper_tenant = 0\n", 2, "the least is 1"),
        ("[instances]\nper_tenant = 30000\n", 2, "use --scale"),
        ("[volumes]\nper_tenant = 1\n", 2, "the least is 2"),
        ("seed = 1\n[hosts]\n'compute' = 0\n", 3, "the least is 1"),
        ('seed = 1\n[hosts]\n"storage" = 2\n', 3, "unknown key 'storage'"),
        ("seed = 1\n\nhosts = {compute = 0}\n", 3, "the least is 1"),
        ("seed = \n", 1, "this is not valid TOML"),
        ("seed = 1\n[hosts\n", 2, "this is not valid TOML"),
        ("seed = 1\nseed = 2\n", 2, "this is not valid TOML"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line_and_the_reason(text, line, reason):
    message = refused(text)
    assert message.startswith(f"mine.toml, line {line}: ")
    assert reason in message


def test_a_number_is_blamed_where_the_file_says_it_not_where_the_default_does():
    assert refused("[images]\nper_tenant = 1\n[tenants]\nnames = " + repr([f"t{n}" for n in range(130)])).startswith(
        "mine.toml, line 4: "
    )


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(UsageFault, match="cannot read"):
        load_description(tmp_path / "missing.toml")
    broken = tmp_path / "latin1.toml"
    broken.write_bytes(b"# Gr\xf6\xdfe\n")
    with pytest.raises(UsageFault, match="cannot be read"):
        load_description(broken)


def test_what_the_scripts_are_told_is_json_and_worked_out():
    told = load_description().as_json()
    assert told["newest"] == "2014-04-17T12:00:00"
    assert told["instances"]["deleted_per_tenant"] == 2
    assert isinstance(load_description(), CloudDescription)
    assert len(told["networks"]["tenant_cidrs"]) == len(told["tenants"]["names"])

"""What masks keep and what they hide."""

import hashlib
import ipaddress
import json
import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osupgrade.dump.mask.values import Masker

from ._policy import POLICY

SHAPES = {"composed": POLICY.composed, "kept": POLICY.kept}


MASKER = Masker(b"k" * 32, POLICY.words, json_keys=POLICY.json_keys, secret_keys=POLICY.secret_keys, **SHAPES)


OTHER = Masker(b"o" * 32, POLICY.words)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=24)


@given(value=NAMES)
def test_the_same_key_gives_the_same_mask_of_the_same_length(value):
    masked = MASKER.mask(value)
    assert Masker(b"k" * 32, POLICY.words).mask(value) == masked
    if ":" not in value and "." not in value:
        assert len(masked) == len(value)
        assert len(masked.encode()) == len(value.encode())


@given(st.lists(st.text("abcxyz019-_ ", min_size=1, max_size=4), unique=True, max_size=60))
def test_different_values_get_different_masks_however_short(values):
    assert len({MASKER.mask(value) for value in values}) == len(values)


def test_all_names_of_two_letters_and_a_digit_stay_apart():
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = [a + b + c for a in letters for b in letters for c in "0123456789"]
    assert len({MASKER.mask(name) for name in names}) == len(names)


def test_another_key_gives_other_masks():
    for value in ("production-web", str(uuid.uuid4()), "10.20.30.40", "fa:16:3e:12:34:56"):
        assert MASKER.mask(value) != OTHER.mask(value)


@given(st.text("abcdefgh-123", min_size=4, max_size=20))
def test_twins_that_differ_in_case_only_stay_twins(value):
    twin = value.capitalize()
    assert MASKER.mask(value).lower() == MASKER.mask(twin).lower()
    assert (MASKER.mask(value) == MASKER.mask(twin)) == (value == twin)


def test_host_names_and_their_short_forms_stay_related():
    full, short = MASKER.mask("compute-a17.dc.example.org"), MASKER.mask("compute-a17")
    assert full.partition(".")[0] == short
    assert full.count(".") == 3
    assert "example" not in full
    assert MASKER.mask("someone@dc.example.org").partition("@")[2] == full.partition(".")[2]


def test_ids_keep_their_form_and_order():
    ids = sorted(str(uuid.uuid4()) for _ in range(300))
    masked = [MASKER.mask(value) for value in ids]
    assert masked == sorted(masked)
    assert all(uuid.UUID(value).version == 4 for value in masked)
    assert MASKER.mask(ids[0].replace("-", "")) == masked[0].replace("-", "")
    assert not {value[9:] for value in ids} & {value[9:] for value in masked}


def test_a_dhcp_ports_device_id_follows_its_host_and_network():
    masker = Masker(b"k" * 32, **SHAPES)
    masker.learn_derived("uuid5-dns", ["net1.example.org"])
    network = str(uuid.uuid4())
    for name in ("net1.example.org", "net1"):
        device = f"dhcp{uuid.uuid5(uuid.NAMESPACE_DNS, name)}-{network}"
        expected = f"dhcp{uuid.uuid5(uuid.NAMESPACE_DNS, masker.mask(name))}-{masker.mask(network)}"
        assert masker.mask(device) == expected


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_addresses_stay_in_their_nets_and_in_order(one, other):
    net = ipaddress.ip_network(f"{one}/20", strict=False)
    inside = ipaddress.ip_address(int(net.network_address) + int(other) % net.num_addresses)
    masked_net = ipaddress.ip_network(MASKER.mask(str(net)))
    masked = [ipaddress.ip_address(MASKER.mask(str(address))) for address in (one, inside)]
    assert all(address in masked_net for address in masked)
    assert (one < inside) == (masked[0] < masked[1])


def test_a_wide_net_keeps_its_members():
    masker = Masker(b"k" * 32, wide_nets={10})
    net = ipaddress.ip_network(masker.mask("10.16.0.0/12"))
    assert ipaddress.ip_address(masker.mask("10.31.255.1")) in net


@pytest.mark.parametrize("value", ["0.0.0.0/0", "127.0.0.1", "169.254.169.254", "255.255.255.0", "::/0", "fe80::1"])
def test_addresses_that_say_nothing_stay(value):
    assert MASKER.mask(value) == value


def test_hardware_addresses_keep_their_vendor_and_never_meet():
    macs = [f"fa:16:3e:{i >> 8 & 255:02x}:{i & 255:02x}:07" for i in range(5000)]
    masked = {MASKER.mask(mac) for mac in macs}
    assert len(masked) == len(macs)
    assert all(re.fullmatch(r"fa:16:3e(:[0-9a-f]{2}){3}", mac) for mac in masked)
    made_of_it = ipaddress.IPv6Address(MASKER.mask("fe80::f816:3eff:fe12:3456"))
    assert made_of_it.packed[-3:].hex(":") == MASKER.mask("fa:16:3e:12:34:56")[9:]


@pytest.mark.parametrize("value", ["active", "ACTIVE", "default", "nova-compute", "100%", "12345", "", "grizzly"])
def test_the_services_own_words_and_small_numbers_stay(value):
    assert MASKER.mask(value) == value


def test_texts_of_several_parts():
    identity = "c35d6d4b-c000-4c0d-a40b-a0167c91f6a1"
    location = MASKER.parts(f"file:///var/lib/glance/images/{identity}")
    assert location == f"file:///var/lib/glance/images/{MASKER.mask(identity)}"
    assert MASKER.parts("http://keystone.acme.org:5000/v2.0/$(tenant_id)s") == (
        f"http://{MASKER.mask('keystone.acme.org')}:5000/v2.0/$(tenant_id)s"
    )
    assert MASKER.parts(f"iqn.2010-10.org.openstack:volume-{identity} 1").endswith(f"volume-{MASKER.mask(identity)} 1")
    assert MASKER.mask(f"req-{identity}") == f"req-{MASKER.mask(identity)}"


@pytest.mark.parametrize("number", ["+41 79 555 12 34", "079 555 12 34", "4111 1111 1111 1111", "4111-1111-1111-1111"])
def test_numbers_in_groups_are_masked_within_longer_texts(number):
    for text in (f"call {number} now", f"a/b {number}", number, f"phone:{number}"):
        for masked in (MASKER.parts(text), json.loads(MASKER.json(json.dumps({"name": text})))["name"]):
            assert number[4:] not in masked
            assert len(masked) == len(text)
    for text in ("at 16:01:45 12 34", "took 12 of 345 s", "error 1 2 3"):
        kept = "".join(c for c in MASKER.parts(text) if not c.isalpha())
        assert kept == "".join(c for c in text if not c.isalpha())


def test_json_is_masked_by_value_and_unknown_keys_are_masked_too():
    text = json.dumps(
        {"tenant_id": "a" * 32, "enabled": True, "ips": ["10.1.2.3", 7], "acme secret": {"name": "München"}}
    )
    masked = MASKER.json(text)
    data = json.loads(masked)
    assert masked.isascii()
    assert list(data)[:3] == ["tenant_id", "enabled", "ips"]
    assert data["ips"] == [MASKER.mask("10.1.2.3"), 7]
    assert data["enabled"] is True
    assert "acme" not in masked
    assert list(data[MASKER.mask("acme secret")].values()) == [MASKER.mask("München")]
    assert MASKER.json("no json") == MASKER.mask("no json")


def test_phone_and_card_numbers_in_json_are_masked_and_small_ones_stay():
    data = {"phone": 41791112233, "size": 10737418, "vcpus": 4, "deep": [{"card": 4111111111111111, "n": 12345}]}
    text = json.dumps(
        {**data, "description": 41791112234, "ratio": 41795551234.25, "on": True, "none": None, "e": 1e300}
    )
    masked = json.loads(MASKER.json(text))
    assert "4179" not in json.dumps(masked)
    assert "411111111" not in json.dumps(masked)
    assert {masked["size"], masked["vcpus"], masked["on"], masked["none"]} == {10737418, 4, True, None}
    assert len(str(masked[MASKER.mask("phone")])) == 11
    assert 12345 in masked[MASKER.mask("deep")][0].values()


@pytest.mark.parametrize(
    "text", ['["\\ud800 ü"]', "[" * 5000 + "]" * 5000, '{"a":' * 900 + "1" + "}" * 900, "[NaN, 1e999]"]
)
def test_any_json_is_masked(text):
    MASKER.json(text).encode("utf-8", "surrogateescape")


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from([127, 32767, 2**31 - 1, 2**63 - 1]))
def test_a_masked_number_fits_where_it_was(number, most):
    number = max(min(number, most), -most - 1)
    masked = MASKER.digits(str(number), most)
    assert -most - 1 <= int(masked) <= most
    assert len(masked) == len(str(number))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_masked_float_is_one(number):
    assert isinstance(float(MASKER.digits(repr(number))), float)


@given(st.lists(st.binary(max_size=3), unique=True, max_size=50))
def test_bytes_stay_apart_and_keep_their_length(values):
    masked = [MASKER.blob(value) for value in values]
    assert [len(value) for value in masked] == [len(value) for value in values]
    assert len(set(masked)) == len(values)


def test_json_that_was_encoded_twice_still_is_and_keeps_its_spacing():
    inner = json.dumps({"roles": ["a" * 32]})
    masked = MASKER.json(json.dumps(inner))
    assert json.loads(json.loads(masked)) == {"roles": [MASKER.mask("a" * 32)]}
    assert MASKER.json('{"name":"acme","id":"x"}').count(" ") == 0
    assert len(MASKER.json('{"name": "acme"}')) == len('{"name": "acme"}')


def test_secrets_keep_their_length_and_nothing_else():
    secret = uuid.uuid4().hex
    assert not set(MASKER.secret(secret)) - set("0123456789abcdef")
    assert MASKER.secret(secret)[:10] != secret[:10]
    assert len(MASKER.secret(secret)) == 32
    assert json.loads(MASKER.json(json.dumps({"secret": secret})))["secret"] == MASKER.secret(secret)
    assert MASKER.secret("admin") != "admin"


def test_the_id_of_an_ec2_credential_follows_its_access_key():
    masker = Masker(b"k" * 32)
    access = uuid.uuid4().hex
    masker.learn_derived("sha256", [access])
    expected = hashlib.sha256(masker.mask(access).encode()).hexdigest()
    assert masker.mask(hashlib.sha256(access.encode()).hexdigest()) == expected


def test_the_name_of_a_tap_device_follows_its_port():
    port = str(uuid.uuid4())
    for kind in ("tap", "qvo", "qr-"):
        assert MASKER.mask(kind + port[:11]) == kind + MASKER.mask(port)[:11]


def test_letters_beyond_ascii_keep_size_and_case():
    for text in ("Müller", "Жук", "Nguyễn", "NGUYỄN", "中文", "😀 ok"):
        masked = MASKER.mask(text)
        assert len(masked.encode()) == len(text.encode())
        assert masked.isupper() == text.isupper()
        assert [c.isascii() for c in masked] == [c.isascii() for c in text]
    assert MASKER.mask("é1").lower() == MASKER.mask("É1").lower()
    assert MASKER.mask("é1") != MASKER.mask("É1")


def test_texts_in_an_encoding_that_is_not_known_are_masked_all_the_same():
    old = "Москва".encode("koi8-r")
    assert len(MASKER.foreign(old)) == len(old)
    assert MASKER.foreign(old).isalpha()
    assert MASKER.foreign(b"compute") == MASKER.mask("compute").encode()


def test_bytes_that_are_no_text_pass_through():
    broken = b"caf\xe9 au lait".decode("utf-8", "surrogateescape")
    assert MASKER.mask(broken).encode("utf-8", "surrogateescape")[3:4] == b"\xe9"


@pytest.mark.parametrize(
    "word", ["<<null>>", "<<keystone.domain.root>>", "not-capable", "PARENT", "MEMORY_MB", "reader", "securitygroups"]
)
def test_what_todays_services_look_for_by_its_text_stays(word):
    """Seen with Gazpacho on a masked cloud: roles of no domain were gone, cinder-api did not start."""
    assert Masker(b"k" * 32, POLICY.words).mask(word) == word


def test_a_versioned_object_is_still_one():
    flavor = {
        "nova_object.name": "Flavor",
        "nova_object.version": "1.2",
        "nova_object.data": {"name": "acme-4", "vcpus": 2},
    }
    masked = json.loads(
        Masker(b"k" * 32, POLICY.words, json_keys=POLICY.json_keys).json(json.dumps({"cur": flavor, "old": None}))
    )
    assert masked["old"] is None
    assert masked["cur"]["nova_object.name"] == "Flavor"
    assert masked["cur"]["nova_object.data"]["vcpus"] == 2
    assert masked["cur"]["nova_object.data"]["name"] != "acme-4"


def test_the_uuid_of_nothing_stays_and_no_other():
    masker = Masker(b"k" * 32)
    nil = "00000000-0000-0000-0000-000000000000"
    assert masker.mask(nil) == nil
    assert masker.mask(nil[:-1] + "1") != nil[:-1] + "1"


def test_what_an_operator_added_to_a_list_of_the_services_keeps_its_prefix():
    masker = Masker(b"k" * 32, POLICY.words, own_prefix=POLICY.own_prefix)
    masked = masker.mask("CUSTOM_GOLD_RACK")
    assert masked.startswith("CUSTOM_")
    assert re.fullmatch(r"CUSTOM_[A-Z]{4}_[A-Z]{4}", masked)
    assert masked != "CUSTOM_GOLD_RACK"
    assert masker.mask("customer_gold_rack")[:7] != "custome"

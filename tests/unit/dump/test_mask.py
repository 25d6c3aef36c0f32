"""What masks keep and what they hide."""

import base64
import contextlib
import hashlib
import ipaddress
import json
import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osupgrade.catalog.loading import validate
from osupgrade.dump import leaks, spool
from osupgrade.dump.leaks import SHORTEST, Candidates, LeakScan
from osupgrade.dump.mask.values import Masker
from osupgrade.dump.policy import OperatorPolicy, Treatment, load_policy, upstream_names
from osupgrade.model.errors import UsageFault
from osupgrade.schema import catalogue

POLICY = load_policy()
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


def test_every_column_of_every_revision_is_classified():
    unclassified, names = set(), set()
    for service, table, column in every_column():
        names.add(column.name)
        kind = column.type.partition("(")[0].split()[0]
        if POLICY.treatment(table, column.name) is None and kind not in POLICY.kept_types:
            unclassified.add(f"{service}.{table}.{column.name} {column.type}")
    assert len(names) > 400
    assert not unclassified
    spoken_of = {name.partition(".")[2] for name in POLICY.columns}
    assert spoken_of <= names | upstream_names(), "the policy speaks of columns that no service ever had"
    assert POLICY.treatment("shadow_instances", "user_data") is Treatment.DROP
    assert POLICY.treatment("token", "extra") is Treatment.DROP
    assert POLICY.treatment("user", "extra") is Treatment.JSON


@pytest.mark.parametrize(
    ("table", "column", "treatment"),
    [
        ("request_specs", "spec", Treatment.JSON),
        ("instance_extra", "device_metadata", Treatment.JSON),
        ("build_requests", "instance_metadata", Treatment.JSON),
        ("build_requests", "instance", Treatment.JSON),
        ("cell_mappings", "transport_url", Treatment.DROP),
        ("cell_mappings", "database_connection", Treatment.DROP),
        ("cells", "transport_url", Treatment.DROP),
        ("cells", "password", Treatment.DROP),
        ("key_pairs", "public_key", Treatment.DROP),
        ("instances", "user_data", Treatment.DROP),
        ("block_device_mapping", "connection_info", Treatment.JSON),
        ("volume_attachment", "connector", Treatment.JSON),
        ("image_locations", "value", Treatment.PARTS),
        ("image_locations", "meta_data", Treatment.JSON),
        ("application_credential", "secret_hash", Treatment.SECRET),
        ("trust", "extra", Treatment.JSON),
        ("request_token", "requested_roles", Treatment.JSON),
        ("ml2_port_bindings", "profile", Treatment.JSON),
        ("ml2_port_bindings", "vif_details", Treatment.JSON),
        ("services", "rpc_available_version", Treatment.KEEP),
    ],
)
def test_what_becomes_of_the_columns_that_hold_secrets_at_some_release(table, column, treatment):
    assert POLICY.treatment(table, column) is treatment
    assert {table, column} <= upstream_names()


def every_column():
    """Every column of the catalogue, at every revision of every service."""
    seen = set()
    for service in catalogue.services():
        for variant in catalogue.variants(service):
            line = catalogue.lineage(service, variant)
            tables = [table for revision in line.revisions for table in revision.schema.tables]
            tables += [table for made in line.served.values() for table in made]
            for table in tables:
                for column in table.columns:
                    if (service, table.name, column.name, column.type) not in seen:
                        seen.add((service, table.name, column.name, column.type))
                        yield service, table.name, column


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[columns]\n"name" = "keep"', 'columns.name: must have the form "table.column"'),
        ('[columns]\n"*.name" = "hide"', 'columns."\\*.name": must be \'keep\'.*not "hide"'),
        ('[column]\n"*.name" = "mask"', "column: is not a known key"),
        ('[vocabulary]\nword = "acme"', "vocabulary.word: is not a known key"),
        ('[names]\nkeep = "name"', "names: is not a known key"),
        ("columns = 3", "columns: must be a table of keys, not 3"),
        ("relations = []", "relations: must be a table of keys, not a list"),
        ('[relations]\n"a.b" = "c.d.e"', 'relations."a.b": must have the form "service.table.column"'),
        ("[vocabulary]\nwords = 3", "vocabulary.words: must be text, not 3"),
        ("x = " + "[" * 20000 + "]" * 20000, "nested more than"),
        ("[" + "a." * 20000 + "a]", "nested more than"),
        ('[columns]\n"a.b\\u0000" = "keep"', "holds a NUL character"),
        ("nonsense", "not valid TOML"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(tmp_path, text, says):
    file = tmp_path / "policy.toml"
    file.write_text(text)
    with pytest.raises(UsageFault, match=says):
        load_policy(file)
    with pytest.raises(UsageFault, match="cannot read"):
        load_policy(tmp_path / "none.toml")


VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["keep", "mask", "a.b", "a.b.c"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9) | st.just("a.b"), inner, max_size=3)
    ),
    max_leaves=8,
)
PARTS = st.sampled_from(["columns", "relations", "vocabulary", "names", "derived"])


@given(st.dictionaries(PARTS | st.text(max_size=6), VALUES, max_size=4))
def test_no_policy_raises_anything_but_one_clear_error(data):
    with contextlib.suppress(UsageFault):
        policy = validate(data, OperatorPolicy, "policy.toml")
        assert set(data) <= {"columns", "relations", "vocabulary"}
        assert all(name.count(".") == 1 for name in policy.columns)


def test_the_operators_policy_wins(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text('[columns]\n"billing.code" = "keep"\n"*.user_data" = "mask"\n[vocabulary]\nwords = "acme"\n')
    policy = load_policy(file)
    assert policy.treatment("billing", "code") is Treatment.KEEP
    assert policy.treatment("instances", "user_data") is Treatment.MASK
    assert "acme" in policy.words
    assert "active" in policy.words


CANARY = "zebracanary42"


@pytest.mark.parametrize(
    "line",
    [
        f"x '{CANARY}' y\n",
        f"('{CANARY.upper()}')\n",
        f"prefix-{CANARY}-suffix\n",
        json.dumps({"a": CANARY}) + "\n",
        "('emVicmFjYW5hcnk0MiBhbmQgbW9yZQ==')\n",
        f"0x{CANARY.encode().hex()},\n",
        f"'{CANARY.encode().hex().upper()}'\n",
    ],
)
def test_the_scan_finds_what_was_masked_in_every_encoding(line):
    raw = b"INSERT INTO x VALUES (1);\n('" + CANARY.encode() + b"');\n"
    out = ("INSERT INTO x VALUES (1);\n" + line).encode()
    for chunks in ([out], [bytes([byte]) for byte in out]):
        assert candidates(raw, *chunks).words == {CANARY.encode()}


def candidates(raw: bytes, *out: bytes, harmless: str = "") -> Candidates:
    with LeakScan() as scan:
        scan.raw(raw)
        for block in out:
            scan.masked(block)
        assert scan.scanned == sum(map(len, out))
        return scan.candidates(iter(out), [harmless])


def test_candidates_are_found_however_many_tokens_there_are(monkeypatch):
    monkeypatch.setattr(spool, "GATHERED", 500)
    monkeypatch.setattr(spool, "WHOLE", 3)
    monkeypatch.setattr(leaks, "BLOCK", 1 << 12)
    mine = [uuid.uuid4().hex for _ in range(9000)]
    theirs = [uuid.uuid4().hex for _ in range(9000)]
    both = [uuid.uuid4().hex for _ in range(300)]
    raw, out = ("".join(f"('{one}')\n" for one in sorted(part + both)).encode() for part in (mine, theirs))
    assert candidates(raw, out).words == {one.encode() for one in both}


def test_processes_find_what_one_finds():
    identity = str(uuid.uuid4())
    lines = [f"('{uuid.uuid4()}','{i}-filler-{i}')\n".encode() * 40 for i in range(4000)]
    raw = b"".join([*lines, f"('{identity}','see {CANARY}')\n".encode(), *lines[:10]])
    out = b"".join([b"0123456789abcdef\n" * 400000, f"('{identity.replace('-', '')}', '{CANARY}')\n".encode()])
    with LeakScan(parallel=True) as scan:
        scan.raw(raw)
        scan.masked(out)
        found = scan.candidates(iter([out[:5000000], out[5000000:]]))
    assert found.words == {CANARY.encode(), identity.replace("-", "").encode()}


def test_the_scan_finds_addresses_and_dotted_names():
    raw = b"('192.168.100.7'),('FA:16:3e:aa:bb:cc'),('a.b.acme.org'),('m\\\\u00fcnchen-datacenter'),('bob@acme.org');\n"
    out = b"('192.168.100.7'),('fa:16:3e:aa:bb:cc'),('a.b.acme.org','m\xc3\xbcnchen-datacenter'),('bob@acme.org');\n"
    found = candidates(raw, out)
    assert found.addresses == {b"192.168.100.7", b"fa:16:3e:aa:bb:cc"}
    words = {b"a.b.acme.org", b"nchen-datacenter", b"datacenter", b"bob@acme.org"}
    assert found.words == words | {"münchen-datacenter".encode()}


def test_the_scan_finds_words_without_a_single_letter_of_ascii():
    name = "датацентр-Север"
    for form in (name, json.dumps(name)[1:-1], base64.b64encode(name.encode()).decode(), name.encode().hex()):
        assert name.encode() in candidates(f"('{name}')\n".encode(), f"('{form}')\n".encode()).words
    assert not candidates("('Север')\n".encode(), "('Север')\n".encode()).words


def test_the_scan_says_nothing_of_words_numbers_and_dates():
    raw = (
        b"('image_container_format','2013-05-10T16:01:45Z',1234567890123,'2013-05-10 16:01:45','short','secretstuff')\n"
    )
    found = candidates(raw, raw.replace(b"secretstuff", b"qwertyuiopa"), harmless="image_container_format")
    assert not found.words
    assert not found.addresses
    assert len("secretstuff") >= SHORTEST


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

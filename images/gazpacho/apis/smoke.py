"""Everything in the databases is listed by the APIs, with one token, straight at the lab's addresses."""

from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session
from rounds import Round

turn = Round()
account = turn.account

LISTS = (
    ("keystone", "http://127.0.0.1:5000/v3", ("users", "projects", "roles", "groups", "services", "endpoints")),
    (
        "neutron",
        "http://127.0.0.1:9696/v2.0",
        (
            "networks",
            "subnets",
            "ports",
            "routers",
            "floatingips",
            "agents",
            "security_groups",
        ),
    ),
)


def login():
    """A session with a token for the lab's project."""
    auth = Password(
        "http://127.0.0.1:5000/v3",
        username=account["user"],
        password=account["password"],
        project_name=account["tenant"],
        user_domain_id="default",
        project_domain_id="default",
    )
    session = Session(auth=auth)
    session.get_token()
    return session


session = turn.call("keystone", "log in as the lab", login)


def get(url, key, **headers):
    """What one list call answers."""
    return session.get(url, headers=headers).json()[key]


def pages(url, key):
    """What glance lists, page by page."""
    found, following = [], "/v2/images?limit=100"
    while following:
        answer = session.get(url + following).json()
        found += answer[key]
        following = answer.get("next")
    return found


def all_of(url, key):
    """What nova or cinder lists: neither gives more than a thousand at once."""
    found, page = [], get(url, key)
    while page:
        found += page
        page = get("%s&marker=%s" % (url, page[-1]["id"]), key)
    return found


def listings():
    """Everything there is."""
    for service, base, names in LISTS:
        for name in names if turn.has(service) else ():
            key = name.replace("-", "_")
            turn.list(
                service, name, get, "%s/%s" % (base, name.replace("_", "-") if service == "neutron" else name), key
            )
    if turn.has("glance"):
        turn.list("glance", "images", pages, "http://127.0.0.1:9292", "images")
    if turn.has("cinder"):
        base = "http://127.0.0.1:8776/v3/%s" % session.get_project_id()
        for name in ("volumes", "snapshots"):
            turn.list("cinder", name, all_of, "%s/%s/detail?all_tenants=1" % (base, name), name)
    if turn.has("placement"):
        found = turn.call(
            "placement",
            "list resource providers",
            get,
            "http://127.0.0.1:8778/resource_providers",
            "resource_providers",
        )
        turn.lists["resource providers"] = [provider["uuid"] for provider in found or ()]
    if turn.has("nova"):
        base = "http://127.0.0.1:8774/v2.1"
        # Details have a server's security groups, which nova asks of neutron.
        servers = "/servers/detail" if turn.has("neutron") else "/servers"
        turn.list("nova", "servers", all_of, base + servers + "?all_tenants=1", "servers")
        turn.list("nova", "flavors", get, base + "/flavors/detail?is_public=None", "flavors")
        newer = {"X-OpenStack-Nova-API-Version": "2.53"}
        turn.list("nova", "hypervisors", get, base + "/os-hypervisors/detail", "hypervisors", **newer)
        turn.list("nova", "nova services", get, base + "/os-services", "services", **newer)


if session is not None:
    turn.part("keystone", listings)
turn.finish()

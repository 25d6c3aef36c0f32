"""What every seeding script needs: the description, ids that all services agree on, and neither chance nor a clock.

A script imports this module and calls ``deterministic`` before it imports anything of its service. It runs on Python 2.7.

Every id that belongs to the cloud's own contents carries ``c000`` as its second group and ``4c0d`` as its third, as
in the other seeded clouds. What all copies would share (roles, services, hosts) has none.
"""

import contextlib
import datetime
import hashlib
import io
import json
import random
import sys
import tempfile
import threading
import uuid

NOW = datetime.datetime(2018, 12, 1, 12, 0, 0)
PASSWORD = "seeded"
REGION = "RegionOne"
DOMAIN = "default"


class _Stopped(datetime.datetime):
    """A stopped clock; the services see it as ``datetime.datetime``."""

    @classmethod
    def utcnow(cls):
        return cls(*NOW.timetuple()[:6])

    @classmethod
    def now(cls, tz=None):
        return cls.utcnow().replace(tzinfo=tz)


def marked(text, shared=False):
    """The UUID that belongs to ``text``, with the marker unless it is shared between copies."""
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    middle = ["5eed", "4" + digest[24:27]] if shared else ["c000", "4c0d"]
    return "-".join([digest[:8]] + middle + ["89ab"[int(digest[8], 16) % 4] + digest[9:12], digest[12:24]])


class Cloud(object):
    """The description, and the names and ids that several services must agree on."""

    def __init__(self, path):
        with io.open(path, encoding="utf-8") as file:
            given = json.load(file)
        self.databases = given["databases"]
        described = given["cloud"]
        self.seed = described["seed"]
        self.projects = [str(name) for name in described["tenants"]["names"]]
        self.users_per_project = described["tenants"]["users"]
        self.computes = ["compute%d" % n for n in range(1, described["hosts"]["compute"] + 1)]
        self.instances = described["instances"]["per_tenant"]
        self.volumes = described["volumes"]["per_tenant"]
        self.images = described["images"]["per_tenant"]

    def id(self, kind, *name):
        """The UUID of one thing of the cloud's own."""
        return marked("%s/%s/%s" % (self.seed, kind, "/".join(map(str, name))))

    def shared(self, kind, *name):
        """The UUID of one thing that copies of the cloud share."""
        return marked("%s/%s/%s" % (self.seed, kind, "/".join(map(str, name))), shared=True)

    def configured(self, **sections):
        """The arguments that make a service read a configuration file of these sections."""
        text = ""
        for section in sorted(sections):
            lines = "".join("%s = %s\n" % item for item in sorted(sections[section].items()))
            text += "[%s]\n%s" % (section, lines)
        with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as file:
            file.write(text)
        return ["--config-file", file.name]

    def project_id(self, project):
        """A project's id, 32 hex digits as keystone makes them."""
        return self.id("project", project).replace("-", "")

    def user_id(self, project, number=1):
        """The id of a project's user."""
        return self.id("user", project, number).replace("-", "")

    def servers(self):
        """Every instance: project, number, id, compute host."""
        every = [(project, n) for project in self.projects for n in range(1, self.instances + 1)]
        return [
            (project, n, self.id("instance", project, n), self.computes[i % len(self.computes)])
            for i, (project, n) in enumerate(every)
        ]

    def mac(self, *name):
        """The address of a port that is named so."""
        digest = hashlib.sha256(self.id("mac", *name).encode("utf-8")).hexdigest()
        return "fa:16:3e:" + ":".join(digest[i : i + 2] for i in (0, 2, 4))


def deterministic(service):
    """Read the cloud that the command line names, and take chance and time out of this process."""
    cloud = Cloud(sys.argv[1])
    still("%s/%s" % (cloud.seed, service))
    return cloud


_shared = [False]


@contextlib.contextmanager
def shared():
    """While this holds, ids are drawn for what all copies of the cloud share."""
    _shared[0] = True
    try:
        yield
    finally:
        _shared[0] = False


def still(key, all_shared=False):
    """Take chance and time out of this process: what it draws is that of ``key``.

    Threads that the service starts draw for themselves: whether before or after the main one is chance, too.
    """
    drawn = {}
    main = threading.current_thread().name

    def uuid4():
        thread = threading.current_thread().name
        stream = key if thread == main else "%s/%s" % (key, thread)
        drawn[stream] = drawn.get(stream, 0) + 1
        return uuid.UUID(marked("%s/%d" % (stream, drawn[stream]), shared=all_shared or _shared[0]))

    uuid.uuid4 = uuid4
    random.seed(key)
    datetime.datetime = _Stopped

"""What every seeding script needs: the description, names that all services agree on, and no chance.

A script imports this module before anything of its service and calls ``deterministic`` at once: the services
draw ids, passwords' salts and choices from uuid, random and passlib, which are then the seed's.

Marker: every id that belongs to the cloud's own contents carries ``c000`` as its second group and ``4c0d`` as its
third (``xxxxxxxx-c000-4c0d-xxxx-xxxxxxxxxxxx``), so that one REPLACE a column makes a copy of the whole cloud. Ids of
what all copies share (roles, services, hosts) have none.
"""

import contextlib
import datetime
import hashlib
import json
import random
import sys
import uuid

MARKER = 'c000'
SECOND_MARKER = '4c0d'


def _uuid(digest, marked):
    """A version 4 UUID from 32 hex digits, with or without the marker."""
    groups = [digest[:8], MARKER, SECOND_MARKER, '89ab'[int(digest[8], 16) % 4] + digest[9:12], digest[12:24]]
    if not marked:
        groups[1:3] = ['5eed', '4' + digest[24:27]]
    return '-'.join(groups)


class Ids(object):
    """A stream of marked UUIDs that takes the place of uuid.uuid4."""

    def __init__(self, key):
        self.restart(key)

    def restart(self, key):
        """Begin the stream that belongs to ``key``."""
        self._key = key
        self._drawn = 0
        self._marked = True

    def uuid4(self):
        """The next id."""
        self._drawn += 1
        digest = hashlib.sha256('%s/%d' % (self._key, self._drawn)).hexdigest()
        return uuid.UUID(_uuid(digest, self._marked))

    @contextlib.contextmanager
    def shared(self):
        """While this holds, ids are drawn for what all copies of the cloud share."""
        self._marked = False
        try:
            yield
        finally:
            self._marked = True


class Cloud(object):
    """The description and the names that several services must agree on."""

    def __init__(self, path):
        with open(path) as source:
            given = json.load(source)
        self.databases = dict((str(k), str(v)) for k, v in given['databases'].items())
        self.trees = dict((str(k), str(v)) for k, v in given['trees'].items())
        self.directory = str(given['directory'])
        cloud = given['cloud']
        self.seed = cloud['seed']
        self.newest = datetime.datetime.strptime(cloud['newest'], '%Y-%m-%dT%H:%M:%S')
        self.tenants = [str(name) for name in cloud['tenants']['names']]
        self.users_per_tenant = cloud['tenants']['users']
        self.tokens = cloud['tenants']['tokens']
        self.hosts = cloud['hosts']
        self.networks = cloud['networks']
        self.instances = cloud['instances']
        self.volumes = cloud['volumes']
        self.images = cloud['images']

    # Ids that more than one service stores.

    def _id(self, kind, name, marked=True):
        digest = hashlib.sha256('%s/%s/%s' % (self.seed, kind, name)).hexdigest()
        return _uuid(digest, marked)

    def tenant_id(self, tenant):
        """A tenant's id, 32 hex digits as keystone makes them."""
        return self._id('tenant', tenant).replace('-', '')

    def user_names(self, tenant):
        """The names of a tenant's users, its owner first."""
        return ['%s-user%d' % (tenant, n) for n in range(1, self.users_per_tenant + 1)]

    def user_id(self, name):
        """A user's id."""
        return self._id('user', name).replace('-', '')

    def shared_id(self, kind, name):
        """The id of something that copies of the cloud share: a role, a service, the admin tenant."""
        return self._id(kind, name, marked=False).replace('-', '')

    def image_id(self, tenant, number):
        """The id of a tenant's image."""
        return self._id('image', '%s/%d' % (tenant, number))

    def volume_id(self, tenant, number):
        """The id of a tenant's volume, by number or name."""
        return self._id('volume', '%s/%s' % (tenant, number))

    def snapshot_id(self, tenant, number):
        """The id of a tenant's volume snapshot."""
        return self._id('snapshot', '%s/%d' % (tenant, number))

    # Hosts.

    def compute_hosts(self):
        """Host names as nova has them: nova takes gethostname()."""
        return ['compute%d' % n for n in range(1, self.hosts['compute'] + 1)]

    def network_hosts(self):
        """Host names of the network nodes, short."""
        return ['network%d' % n for n in range(1, self.hosts['network'] + 1)]

    def agent_host(self, host):
        """The name under which an agent of quantum reports: short, or as getfqdn() gave it."""
        if self.hosts['naming'] == 'fqdn':
            return '%s.%s' % (host, self.hosts['domain'])
        return host

    # Files between the scripts.

    def path(self, name):
        """A file in the directory that the scripts share."""
        return '%s/%s' % (self.directory, name)

    def write(self, name, value):
        """Leave something for another script."""
        with open(self.path(name), 'w') as target:
            json.dump(value, target, indent=1, sort_keys=True)

    def read(self, name):
        """Take what another script left."""
        with open(self.path(name)) as source:
            return json.load(source)


class Clock(object):
    """The cloud's time: set in a service's own timeutils, moved on by hand, never past ``newest``."""

    def __init__(self, timeutils, newest, days):
        self._timeutils = timeutils
        self._newest = newest
        self.now = newest - datetime.timedelta(days=days)
        timeutils.set_time_override(self.now)

    def move(self, seconds):
        """Let time pass."""
        self.set(self.now + datetime.timedelta(seconds=seconds))

    def set(self, moment):
        """Go to a moment."""
        self.now = min(moment, self._newest)
        self._timeutils.set_time_override(self.now)


def deterministic(service):
    """Read the cloud that the command line names and take chance out of this process; return (cloud, ids)."""
    cloud = Cloud(sys.argv[1])
    key = '%s/%s' % (cloud.seed, service)
    ids = Ids(key)
    uuid.uuid4 = ids.uuid4
    random.seed(key)
    try:
        import passlib.utils
        import passlib.utils.handlers
    except ImportError:
        pass
    else:
        rng = random.Random(key)
        passlib.utils.rng = rng
        passlib.utils.handlers.rng = rng
    return cloud, ids


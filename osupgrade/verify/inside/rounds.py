"""What every client script of a verification needs, on Python 2.7 and 3: what it was given, and what it found.

    SCRIPT GIVEN.json RESULT.json

GIVEN holds the account, the services that are ready and the rows that serve.toml asked for; RESULT gets the calls with their
times, the ids that the APIs listed, and findings.
"""

import json
import sys
import time
import traceback

PAUSE = 0.2
PATIENCE = 60
BROKEN = 'broken'


class Round(object):
    """One client's round through the APIs. A call that fails is recorded, and the round goes on."""

    def __init__(self):
        with open(sys.argv[1]) as source:
            self.given = json.load(source)
        self.calls = []
        self.lists = {}
        self.findings = []
        self.facts = {}
        self.subject = None  # what the calls are about, for the record of one that fails
        self.account = self.given['account']

    def has(self, *services):
        """Whether all these services are up."""
        return all(service in self.given['services'] for service in services)

    def call(self, service, name, function, *args, **kwargs):
        """Call and time ``function``; its result, or None when it failed, which is then on record."""
        began = time.time()
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            self._record(service, name, False, began, describe(error))
            return None
        self._record(service, name, True, began, '')
        return result

    def part(self, service, function, *args):
        """Do a part of the round; what breaks it off is on record, and the next part is done all the same."""
        began = time.time()
        try:
            return function(*args)
        except Exception as error:
            traceback.print_exc()
            self._record(service, '%s round' % function.__name__, False, began, describe(error))
            return None

    def list(self, service, name, function, *args, **kwargs):
        """Call ``function`` and keep the ids of what it lists under ``name``; the list."""
        found = self.call(service, 'list %s' % name, function, *args, **kwargs)
        if found is None:
            return []
        found = list(found)
        self.lists[name] = [item['id'] if isinstance(item, dict) else item.id for item in found]
        return found

    def until(self, service, name, probe, broken=None):
        """Ask ``probe`` until it is true; what it said. On record as failed when it takes too long or breaks."""
        began, answer, detail = time.time(), None, ''
        while not answer and time.time() - began < PATIENCE:
            try:
                answer = probe()
            except Exception as error:
                detail = describe(error)
                break
            if answer == BROKEN:
                answer, detail = None, 'it went to error'
                break
            if not answer:
                time.sleep(PAUSE)
        self._record(service, name, bool(answer), began, detail if answer or detail else 'not within %d s' % PATIENCE)
        return answer

    def finding(self, service, place, message, consequence='', columns=(), rows=(), severity='error'):
        """Something that is not as it must be, with its proof."""
        self.findings.append({
            'service': service, 'place': place, 'message': message, 'consequence': consequence, 'severity': severity,
            'columns': list(columns), 'rows': [[None if c is None else '%s' % (c,) for c in row] for row in rows]})

    def finish(self):
        """Leave the result."""
        result = {'calls': self.calls, 'lists': self.lists, 'findings': self.findings, 'facts': self.facts}
        with open(sys.argv[2], 'w') as target:
            json.dump(result, target)

    def _record(self, service, name, ok, began, detail):
        if not ok and self.subject:
            detail = '%s: %s' % (self.subject, detail)
        self.calls.append(
            {'service': service, 'name': name, 'ok': ok, 'seconds': time.time() - began, 'detail': detail})


def describe(error):
    """An error on one line: its class, the HTTP status where it has one, and what it says."""
    status = getattr(error, 'code', None) or getattr(error, 'status_code', None) or ''
    try:
        text = '%s' % error
    except UnicodeError:
        text = repr(error)
    words = [type(error).__name__, '%s' % status if status and '%s' % status not in text else '', text]
    return ' '.join(' '.join(words).split())[:400]

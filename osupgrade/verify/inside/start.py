"""Start the processes of a cloud inside its container and wait until every one is ready, on Python 2.7 and 3.

    start.py SPEC.json

SPEC names each process: argv, env, cwd, log, what must be ready `after` which it starts, and what it is ready by: `url`
answers below 500, `queue` has a consumer on the broker, or (`once`) it has ended well. Prints one JSON object: for each
process when it was ready, or its exit status, or what was still missing when the time was up. The processes live on; the
container's end is theirs.
"""


import json
import os
import subprocess
import sys
import time

try:
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen
except ImportError:
    from urllib2 import HTTPError, URLError, urlopen

PAUSE = 0.1
# Patience is counted in processor time, which a busy machine does not stretch: what has worked this long (seconds) and is
# still not ready will not be, nor will what has hardly worked for a while.
WORK = 90
IDLE_WORK, IDLE_TIME = 0.5, 60
BROKER_TIME = 180


class Broker:
    """Asks the message broker about queues; without one nothing ever needs asking."""

    def __init__(self, host):
        self.host = host
        self.connection = None

    def answers(self):
        """Whether the broker takes connections."""
        if not self.host or self.connection:
            return True
        from kombu import Connection

        connection = Connection('amqp://guest:guest@%s//' % self.host, connect_timeout=2)
        try:
            connection.connect()
        except EnvironmentError:  # socket.error, on both Pythons
            return False
        self.connection = connection
        return True

    def missing(self, queue):
        """What keeps a queue from being served; None when it has a consumer."""
        channel = self.connection.channel()
        try:
            consumers = channel.queue_declare(queue=queue, passive=True).consumer_count
        except self.connection.channel_errors:
            return 'no queue %s' % queue
        channel.close()
        return None if consumers else 'nobody listens on queue %s' % queue


def unanswered(url):
    """Why a URL does not count as answering; None when it does."""
    try:
        urlopen(url, timeout=5).close()
    except HTTPError as error:
        return 'HTTP %d from %s' % (error.code, url) if error.code >= 500 else None
    except (EnvironmentError, URLError) as error:
        return '%s: %s' % (url, getattr(error, 'reason', error))
    return None


def launch(process):
    """Start one process with its output going to its log."""
    directory = os.path.dirname(process['log'])
    for needed in (directory, process['state']):
        if not os.path.isdir(needed):
            os.makedirs(needed)
    log = open(process['log'], 'ab')
    environment = dict(os.environ, **process['env'])
    return subprocess.Popen(
        process['argv'], env=environment, cwd=process['cwd'], stdout=log, stderr=subprocess.STDOUT, preexec_fn=os.setsid
    )


def work(session):
    """Processor time of all processes of a session, their ended children's too, in seconds."""
    ticks = 0
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                with open('/proc/%s/stat' % name) as stat:
                    fields = stat.read().rpartition(')')[2].split()
            except EnvironmentError:  # it has just ended
                continue
            if int(fields[3]) == session:
                ticks += sum(int(field) for field in fields[11:15])
    return float(ticks) / os.sysconf('SC_CLK_TCK')


class Patience:
    """How long a process that is not ready yet is waited for."""

    def __init__(self, child):
        self.child = child
        self.seen, self.since = 0.0, time.time()
        self.looked = self.since

    def lost(self):
        """Why to wait no longer; None while there is hope. It looks once a second."""
        now = time.time()
        if now - self.looked < 1:
            return None
        self.looked, done = now, work(self.child.pid)
        if done > WORK:
            return 'not ready after %d s of processor time' % done
        if done - self.seen > IDLE_WORK:
            self.seen, self.since = done, now
        elif now - self.since > IDLE_TIME:
            return 'it has hardly done anything for %d s' % (now - self.since)
        return None


def missing(process, broker):
    """What a process still lacks to be ready; None when it is."""
    if process['url']:
        lack = unanswered(process['url'])
        if lack:
            return lack
    return broker.missing(process['queue']) if process['queue'] else None


def obstacle(process, broker, result, waited):
    """What keeps a process from being started now; None when nothing does. The second is whether it is forever."""
    for name in process['after']:
        if name not in result:
            return '%s is not ready' % name, False
        if not result[name]['ready']:
            return '%s did not start' % name, True
    if process['queue'] and not broker.answers():
        return 'the broker at %s does not answer' % broker.host, waited > BROKER_TIME
    return None, False


def settled(process, child, broker):
    """Whether a running process is ready, and what it lacks; None while it may still become so."""
    status = child.poll()
    if process['once']:
        return (None, 'it still runs') if status is None else (status == 0, None)
    if status is not None:
        return False, None
    lack = missing(process, broker)
    return (None, lack) if lack else (True, None)


def main(path):
    """Start and wait; print the result."""
    with open(path) as source:
        spec = json.load(source)
    broker = Broker(spec['broker'])
    began = time.time()
    result, running, waiting = {}, {}, list(spec['processes'])

    def done(name, ready, lack=None, child=None):
        result[name] = {
            'ready': ready,
            'seconds': time.time() - began,
            'status': child.poll() if child else None,
            'pid': child.pid if child else None,
            'lack': lack,
        }

    while waiting or running:
        for process in list(waiting):
            name = process['name']
            lack, lost = obstacle(process, broker, result, time.time() - began)
            if not lack:
                waiting.remove(process)
                child = launch(process)
                running[name] = (process, child, Patience(child))
            elif lost:
                waiting.remove(process)
                done(name, False, lack)
        for name, (process, child, patience) in sorted(running.items()):
            ready, lack = settled(process, child, broker)
            hopeless = patience.lost() if ready is None else None
            if ready is not None or hopeless:
                del running[name]
                done(name, bool(ready), '%s: %s' % (hopeless, lack) if hopeless else None, child)
        if waiting or running:
            time.sleep(PAUSE)
    print(json.dumps(result))


if __name__ == '__main__':
    main(sys.argv[1])

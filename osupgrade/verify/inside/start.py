"""Start the processes of a cloud inside its container and wait until every one is ready, on Python 2.7 and 3.

    start.py SPEC.json

SPEC names each process: argv, env, cwd, log, and what it is ready by: `url` answers below 500, `queue` has a consumer on
the broker. Prints one JSON object: for each process when it was ready, or its exit status, or what was still missing
when the time was up. The processes live on; the container's end is theirs.
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


def missing(process, broker):
    """What a process still lacks to be ready; None when it is."""
    if process['url']:
        lack = unanswered(process['url'])
        if lack:
            return lack
    return broker.missing(process['queue']) if process['queue'] else None


def main(path):
    """Start and wait; print the result."""
    with open(path) as source:
        spec = json.load(source)
    broker = Broker(spec['broker'])
    began = time.time()
    result, running, waiting = {}, {}, list(spec['processes'])
    lack = {}
    while (waiting or running) and time.time() - began < spec['seconds']:
        for process in list(waiting):
            if not process['queue'] or broker.answers():
                waiting.remove(process)
                running[process['name']] = (process, launch(process))
        for name, (process, child) in sorted(running.items()):
            status = child.poll()
            lack[name] = None if status is not None else missing(process, broker)
            if status is None and lack[name]:
                continue
            del running[name]
            result[name] = {'ready': status is None, 'seconds': time.time() - began, 'status': status, 'pid': child.pid}
        if waiting or running:
            time.sleep(PAUSE)
    for process in waiting:
        lack[process['name']] = 'the broker at %s does not answer' % broker.host
    for name in [process['name'] for process in waiting] + list(running):
        result[name] = {'ready': False, 'seconds': time.time() - began, 'status': None, 'lack': lack[name]}
    print(json.dumps(result))


if __name__ == '__main__':
    main(sys.argv[1])

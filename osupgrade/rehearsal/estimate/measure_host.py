#!/usr/bin/env python
"""Measure what an upgrade's migrations need of a host: one core, fsync, and reading and writing in sequence.

    python measure_host.py --dir /var/lib/mysql > host.json

Run it on the controller that will be upgraded, with --dir on the file system that holds the database, at a quiet time.
It needs 600 MB there and about 20 seconds, and removes what it wrote. Python 2.6, 2.7 or 3, nothing to install.
`osupgrade rehearse --estimate --factor-file host.json` reads what it prints.
"""

from __future__ import print_function

import bz2
import json
import optparse
import os
import platform
import sys
import tempfile
import time

FORMAT = 1
MEGABYTE = 1024 * 1024
FILE_MEGABYTES = 512
SECONDS = 3.0


def payload(size):
    """Bytes that neither compress to nothing nor look like noise; the same on every host."""
    words, state = [], 12345
    while len(words) * 16 < size:
        state = (1103515245 * state + 12345) % 2147483648
        words.append("%08x%s" % (state, "instance"[: state % 8].ljust(8)))
    return "".join(words).encode("ascii")[:size]


def cpu(seconds):
    """Megabytes a second that one core compresses: the same C code (bzip2) for twenty years, whatever the Python.

    The best of some: what else runs on the host makes the others worse.
    """
    data = payload(MEGABYTE)
    times, started = [], time.time()
    while time.time() - started < seconds:
        begun = time.time()
        bz2.compress(data)
        times.append(time.time() - begun)
    return 1.0 / min(times)


def fsync(directory, seconds):
    """Milliseconds that a write of 4 KiB takes until it is on the disk; the median."""
    block = payload(4096)
    handle, path = tempfile.mkstemp(prefix=".measure-host-", dir=directory)
    times = []
    try:
        started = time.time()
        while time.time() - started < seconds:
            begun = time.time()
            os.write(handle, block)
            os.fsync(handle)
            times.append(time.time() - begun)
    finally:
        os.close(handle)
        os.remove(path)
    return 1000.0 * sorted(times)[len(times) // 2]


def sequential(directory, megabytes):
    """Megabytes a second, written (until they are on the disk) and read (None where the cache cannot be emptied)."""
    block = payload(MEGABYTE)
    handle, path = tempfile.mkstemp(prefix=".measure-host-", dir=directory)
    try:
        started = time.time()
        for _ in range(megabytes):
            os.write(handle, block)
        os.fsync(handle)
        written = megabytes / (time.time() - started)
        read = None
        if forget(handle):
            os.lseek(handle, 0, 0)
            started = time.time()
            while os.read(handle, MEGABYTE):
                pass
            read = megabytes / (time.time() - started)
    finally:
        os.close(handle)
        os.remove(path)
    return written, read


def forget(handle):
    """Ask the kernel to drop a file from its cache; whether that could be asked."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        return True
    try:
        import ctypes

        libc = ctypes.CDLL(None)
        return libc.posix_fadvise(handle, ctypes.c_int64(0), ctypes.c_int64(0), 4) == 0
    except Exception:
        return False


def main(arguments):
    parser = optparse.OptionParser(usage="%prog --dir DIRECTORY > host.json", description=__doc__.split("\n\n")[0])
    parser.add_option("--dir", dest="directory", default="/var/lib/mysql", help="directory of the database [%default]")
    parser.add_option("--megabytes", type="int", default=FILE_MEGABYTES, help="size of the file written [%default]")
    parser.add_option("--seconds", type="float", default=SECONDS, help="for one core and for fsync, each [%default]")
    options, rest = parser.parse_args(arguments)
    if rest:
        parser.error("unknown argument: %s" % rest[0])
    directory = options.directory
    if not os.path.isdir(directory) or not os.access(directory, os.W_OK):
        parser.error("%s is not a writable directory" % directory)
    if options.megabytes < 1 or options.seconds <= 0:
        parser.error("--megabytes and --seconds must be above 0")
    space = os.statvfs(directory)
    if space.f_bavail * space.f_frsize < (options.megabytes + 64) * MEGABYTE:
        parser.error("%s has less than %d MB free" % (directory, options.megabytes + 64))
    print("measuring, some seconds ...", file=sys.stderr)
    written, read = sequential(directory, options.megabytes)
    result = {
        "format": FORMAT,
        "host": platform.node(),
        "system": platform.platform(),
        "cores": os.sysconf("SC_NPROCESSORS_ONLN"),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "free_bytes": space.f_bavail * space.f_frsize,
        "cpu_mb_s": round(cpu(options.seconds), 3),
        "fsync_ms": round(fsync(directory, options.seconds), 4),
        "write_mb_s": round(written, 1),
        "read_mb_s": None if read is None else round(read, 1),
    }
    print(json.dumps(result, indent=1, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

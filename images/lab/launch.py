"""Run one program of a release inside its container, on Python 2.7 and on Python 3.

    launch.py [--gettext DOMAIN] ENTRY [ARGUMENT...]

ENTRY is `module:function` (what a console script stands for), `-m module`, or the path of a script. The program sees
its module or path as sys.argv[0] and the arguments after it. The exit status is the program's own; an exception that nobody
caught is printed with its traceback and gives 1.
"""

from __future__ import print_function

import os
import runpy
import sys
import traceback

# eventlet's green.OpenSSL copies these names and pyOpenSSL 17.5.0, built with OpenSSL 1.1, no longer has them: Icehouse's
# nova-api answered `nova boot` with 500. sitecustomize.py is too early for it: the site-packages are not yet on sys.path.
GONE_FROM_OPENSSL = ("SSL_ST_INIT", "SSL_ST_BEFORE", "SSL_ST_OK", "SSL_ST_RENEGOTIATE")

USAGE = "usage: launch.py [--gettext DOMAIN] module:function | -m module | script [argument...]"


def shim_openssl():
    """Give pyOpenSSL back the names that old eventlets copy from it, where the release needs that."""
    if sys.version_info[0] > 2:
        return
    try:
        import OpenSSL.SSL
    except ImportError:
        return
    for name in GONE_FROM_OPENSSL:
        if not hasattr(OpenSSL.SSL, name):
            setattr(OpenSSL.SSL, name, None)


def call(entry, arguments):
    """Import `module:function`, call it with sys.argv set, and return what it returned."""
    module, _, function = entry.partition(":")
    sys.argv = [module] + arguments
    __import__(module)
    target = sys.modules[module]
    for name in function.split("."):
        target = getattr(target, name)
    return target()


def main(words):
    """Run what the words ask for; return its exit status as sys.exit takes it."""
    if words[:1] == ["--gettext"] and len(words) > 1:
        import gettext

        gettext.install(words[1])
        words = words[2:]
    if not words or words == ["-m"]:
        print(USAGE, file=sys.stderr)
        return 2
    shim_openssl()
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        return 0
    if ":" in words[0] and not os.path.exists(words[0]):
        return call(words[0], words[1:])
    sys.argv = words
    sys.path.insert(0, os.path.dirname(os.path.abspath(words[0])))
    runpy.run_path(words[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    except Exception:
        traceback.print_exc()
        status = 1
    sys.exit(status)

"""What a release of Python 3.8's days needs of Python 3.9, in every process of its services.

``fractions.gcd`` went in Python 3.9 (networkx, which taskflow draws its graphs with, imports it); ``threading`` then began
to ask every lock to start again in a forked process, which eventlet's locks learnt in 0.30; and importlib_metadata of
before 1.0, which kombu imports, does not get on with the standard library's finder, which can do all that it could.
"""

import fractions
import importlib.metadata
import math
import sys

if not hasattr(fractions, "gcd"):
    fractions.gcd = math.gcd

sys.modules.setdefault("importlib_metadata", importlib.metadata)

try:
    from eventlet.semaphore import Semaphore
except ImportError:
    pass
else:
    if not hasattr(Semaphore, "_at_fork_reinit"):

        def _at_fork_reinit(self):
            self.counter = 1
            self._waiters.clear()

        Semaphore._at_fork_reinit = _at_fork_reinit

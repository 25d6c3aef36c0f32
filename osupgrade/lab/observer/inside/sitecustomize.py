"""Python imports this at its start because its directory is first on PYTHONPATH: the observer is put in place.

The sitecustomize that the runtime would have had otherwise is run as if this one were not there.
"""

import gc
import os
import sys

# A tool imports some thousand modules and soon ends. Searching those for garbage takes an eighth of a short call.
gc.set_threshold(50000, 20, 20)

HERE = os.path.dirname(os.path.abspath(__file__))

try:
    import osupgrade_observer

    osupgrade_observer.start(os.environ)
except Exception:
    pass

# Every import of the tool's would look here first.
sys.path[:] = [place for place in sys.path if os.path.abspath(place) != HERE]

for _place in sys.path:
    _path = os.path.join(_place, "sitecustomize.py")
    if os.path.isfile(_path):
        __file__ = _path
        with open(_path) as _file:
            _code = compile(_file.read(), _path, "exec")
        exec(_code)
        break
